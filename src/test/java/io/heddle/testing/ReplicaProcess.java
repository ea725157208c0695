package io.heddle.testing;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Heddle itself as a process of its own: this JVM's java and class path without the tests' classes,
 * a free port of the loopback interface, an environment without this shell's REDIS_*, SPRING_* and
 * HEDDLE_*, and a directory of its own under target/replicas, where its log is too. It can be
 * killed, frozen and thawed.
 *
 * <p>What is still running when this JVM ends is killed.
 */
public final class ReplicaProcess implements AutoCloseable {
  private static final Duration START_LIMIT = Duration.ofSeconds(90);
  private static final Set<ReplicaProcess> OPEN = ConcurrentHashMap.newKeySet();
  private static final AtomicInteger COUNT = new AtomicInteger();

  static {
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(() -> OPEN.forEach(ReplicaProcess::close), "replica-process-cleaner"));
  }

  private final int port;
  private final int managementPort;
  private final Path log;
  private final Process process;

  private ReplicaProcess(int port, int managementPort, Path log, Process process) {
    this.port = port;
    this.managementPort = managementPort;
    this.log = log;
    this.process = process;
    OPEN.add(this);
  }

  /** What a replica is started with. */
  public static final class Builder {
    private final String name;
    private final Map<String, String> environment = new HashMap<>();
    private final List<String> settings = new ArrayList<>();
    private final List<String> jvm = new ArrayList<>();
    private int port;
    private int managementPort;
    private int files;
    private @Nullable Path jar;

    private Builder(String name) {
      this.name = name;
    }

    public Builder env(String variable, String value) {
      environment.put(variable, value);
      return this;
    }

    /** A property by its full name. */
    public Builder set(String property, Object value) {
      settings.add("--" + property + "=" + value);
      return this;
    }

    public Builder jvm(String... arguments) {
      jvm.addAll(List.of(arguments));
      return this;
    }

    /** On this port, where another one was before. */
    public Builder port(int port) {
      this.port = port;
      return this;
    }

    /** Where health is asked for when management has a port of its own. */
    public Builder managementPort(int managementPort) {
      this.managementPort = managementPort;
      return this;
    }

    /** How many files the process may open. */
    public Builder files(int files) {
      this.files = files;
      return this;
    }

    /** Another version, as it was packaged; null for this one. */
    public Builder jar(@Nullable Path jar) {
      this.jar = jar;
      return this;
    }

    /** Starts the process and does not wait. */
    public ReplicaProcess launch() {
      try {
        return ReplicaProcess.start(
            name,
            port == 0 ? FreePort.find() : port,
            managementPort,
            files,
            environment,
            jvm,
            jar == null
                ? List.of("-cp", classPath(), "io.heddle.HeddleApplication")
                : List.of("-jar", jar.toAbsolutePath().toString()),
            settings);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    /** Returns when the replica is ready to serve. */
    public ReplicaProcess start() {
      return launch().awaitReady();
    }
  }

  public static Builder named(String name) {
    return new Builder(name);
  }

  /** One on this Redis, with limits off. */
  public static Builder on(String redisUri, String name) {
    return named(name).env("REDIS_URL", redisUri).set("heddle.limits.enabled", false);
  }

  private static ReplicaProcess start(
      String name,
      int port,
      int managementPort,
      int files,
      Map<String, String> environment,
      List<String> jvm,
      List<String> program,
      List<String> settings)
      throws IOException {
    Path directory =
        Path.of("target", "replicas", name + "-" + COUNT.incrementAndGet() + "-" + port)
            .toAbsolutePath();
    Files.createDirectories(directory);
    List<String> command = new ArrayList<>();
    if (files > 0) {
      command.addAll(List.of("sh", "-c", "ulimit -n " + files + " && exec \"$@\"", "sh"));
    }
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-Xmx384m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"));
    command.add("--enable-native-access=ALL-UNNAMED");
    command.addAll(jvm);
    command.addAll(program);
    command.add("--server.port=" + port);
    command.addAll(settings);
    Path log = directory.resolve("replica.log");
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(directory.toFile())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile());
    builder
        .environment()
        .keySet()
        .removeIf(variable ->
            variable.startsWith("REDIS_")
                || variable.startsWith("SPRING_")
                || variable.startsWith("HEDDLE_")
                || variable.startsWith("SERVER_"));
    builder.environment().putAll(environment);
    return new ReplicaProcess(
        port, managementPort == 0 ? port : managementPort, log, builder.start());
  }

  /** The tests' own classes bring a logger's and other files that would change the server. */
  private static String classPath() {
    return Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator, -1))
        .filter(entry -> !entry.replaceAll("[/\\\\]$", "").endsWith("test-classes"))
        .map(entry -> Path.of(entry).toAbsolutePath().toString())
        .collect(Collectors.joining(File.pathSeparator));
  }

  public int port() {
    return port;
  }

  public long pid() {
    return process.pid();
  }

  public boolean isAlive() {
    return process.isAlive();
  }

  /** A new connection that waits this long for an answer. */
  public HttpConnection connect(Duration patience) {
    return new HttpConnection(port, patience);
  }

  public HttpConnection connect() {
    return connect(Duration.ofSeconds(20));
  }

  /** The status of {@code GET path}, or 0 while nobody listens. */
  public int status(String path) {
    return status(port, path);
  }

  private static int status(int port, String path) {
    try (HttpConnection connection = new HttpConnection(port, Duration.ofSeconds(5))) {
      return connection.get(path).status();
    } catch (IOException notThere) {
      return 0;
    }
  }

  public int liveness() {
    return status(managementPort, "/actuator/health/liveness");
  }

  public int readiness() {
    return status(managementPort, "/actuator/health/readiness");
  }

  public ReplicaProcess awaitReady() {
    await("ready", () -> readiness() == 200);
    return this;
  }

  /** The server listens and says it lives; it may not be ready. */
  public ReplicaProcess awaitLive() {
    await("live", () -> liveness() == 200);
    return this;
  }

  private void await(String what, java.util.function.BooleanSupplier reached) {
    long deadline = System.nanoTime() + START_LIMIT.toNanos();
    while (process.isAlive() && System.nanoTime() < deadline) {
      if (reached.getAsBoolean()) {
        return;
      }
      // Waits for an end that is not expected: a pause that a failed start cuts.
      waitFor(Duration.ofMillis(50));
    }
    close();
    throw new IllegalStateException("The replica is not " + what + ":\n" + log());
  }

  /** Waits for the process to end by itself; false when it did not. */
  public boolean waitFor(Duration most) {
    try {
      return process.waitFor(most.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  public int exitValue() {
    return process.exitValue();
  }

  /** kill -9. Returns when the process is gone. */
  public void kill() {
    OPEN.remove(this);
    process.destroyForcibly();
    waitFor(Duration.ofSeconds(20));
  }

  /** SIGTERM, as a deploy does it. Does not wait for the end. */
  public void terminate() {
    process.destroy();
  }

  /** SIGSTOP: connections stay open and nothing answers. */
  public void pause() {
    signal("STOP");
  }

  /** SIGCONT. */
  public void resume() {
    signal("CONT");
  }

  private void signal(String name) {
    try {
      Process kill =
          new ProcessBuilder("sh", "-c", "kill -" + name + " " + pid()).inheritIO().start();
      if (kill.waitFor() != 0) {
        throw new IllegalStateException("SIG" + name + " was not delivered to " + pid());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  public String log() {
    try {
      return Files.exists(log) ? Files.readString(log) : "";
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    kill();
  }
}
