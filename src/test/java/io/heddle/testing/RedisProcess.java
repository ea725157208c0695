package io.heddle.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A {@code redis-server} process that belongs to one test: on 127.0.0.1, in a directory of its own,
 * without persistence unless asked for. It can die, stop, freeze and come back on the same port
 * with the same directory.
 *
 * <p>Not for use by several threads at once. What is still running when the JVM ends is killed.
 */
public final class RedisProcess implements AutoCloseable {
  private static final Duration START_LIMIT = Duration.ofSeconds(20);
  private static final Set<RedisProcess> OPEN = ConcurrentHashMap.newKeySet();

  static {
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(() -> OPEN.forEach(RedisProcess::close), "redis-process-cleaner"));
  }

  private final Path binary;
  private final int port;
  private final Path directory;
  private final List<String> arguments;
  private volatile @Nullable Process process;

  private RedisProcess(Path binary, int port, Path directory, List<String> arguments) {
    this.binary = binary;
    this.port = port;
    this.directory = directory;
    this.arguments = arguments;
    OPEN.add(this);
    try {
      launch();
    } catch (RuntimeException e) {
      removeDirectory();
      throw e;
    }
  }

  /** Starts a server on a free port; returns when it answers. Arguments as redis-server's own. */
  public static RedisProcess start(String... arguments) {
    return start(FreePort.find(), arguments);
  }

  /** As {@link #start(String...)}, on this port. */
  public static RedisProcess start(int port, String... arguments) {
    return start(RedisBinary.find(), port, arguments);
  }

  static RedisProcess start(Path binary, int port, String... arguments) {
    try {
      Path directory = Files.createTempDirectory("heddle-redis-" + port + "-");
      return new RedisProcess(binary, port, directory, List.of(arguments));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public int port() {
    return port;
  }

  public String uri() {
    return "redis://127.0.0.1:" + port;
  }

  public long pid() {
    return process().pid();
  }

  public boolean isAlive() {
    return process().isAlive();
  }

  /** SIGKILL: nothing is flushed, connections are reset. Returns when the process is gone. */
  public void kill() {
    end(process().destroyForcibly());
  }

  /** SIGTERM: an orderly end. Returns when the process is gone. */
  public void stop() {
    if (isAlive()) {
      // A frozen process keeps SIGTERM for later.
      resume();
    }
    process().destroy();
    end(process());
  }

  /** SIGSTOP: connections stay open and nothing answers. */
  public void pause() {
    signal("STOP");
  }

  /** SIGCONT: goes on where {@link #pause()} froze it. */
  public void resume() {
    signal("CONT");
  }

  /** Starts again after {@link #kill()} or {@link #stop()}: same port, directory and arguments. */
  public void restart() {
    if (isAlive()) {
      stop();
    }
    launch();
  }

  /** What the server has printed since its first start. */
  public String log() {
    try {
      return Files.exists(logFile()) ? Files.readString(logFile()) : "";
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Ends the process and removes its directory. */
  @Override
  public void close() {
    if (process != null) {
      kill();
    }
    removeDirectory();
  }

  private void removeDirectory() {
    OPEN.remove(this);
    if (!Files.exists(directory)) {
      return;
    }
    try (Stream<Path> files = Files.walk(directory)) {
      files.sorted((a, b) -> b.compareTo(a)).map(Path::toFile).forEach(java.io.File::delete);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Process process() {
    return Objects.requireNonNull(process, "never started");
  }

  private Path logFile() {
    return directory.resolve("redis.log");
  }

  private void launch() {
    List<String> command = new ArrayList<>();
    command.addAll(
        List.of(
            binary.toString(),
            "--bind",
            "127.0.0.1",
            "--port",
            Integer.toString(port),
            "--dir",
            directory.toString(),
            "--save",
            "",
            "--appendonly",
            "no"));
    command.addAll(arguments);
    try {
      Process started =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.appendTo(logFile().toFile()))
              .start();
      // From here on the shutdown hook knows it.
      process = started;
      awaitAnswer(started);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void awaitAnswer(Process started) {
    long deadline = System.nanoTime() + START_LIMIT.toNanos();
    while (started.isAlive() && System.nanoTime() < deadline) {
      if (answers()) {
        return;
      }
      try {
        // Waits for the end of a process that is not expected: a pause that a failed start cuts.
        started.waitFor(20, TimeUnit.MILLISECONDS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        break;
      }
    }
    end(started.destroyForcibly());
    throw new IllegalStateException("redis-server did not start on port " + port + ":\n" + log());
  }

  private boolean answers() {
    try (Socket socket = new Socket()) {
      socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 1_000);
      socket.setSoTimeout(1_000);
      socket.getOutputStream().write("PING\r\n".getBytes(StandardCharsets.US_ASCII));
      String answer = new String(socket.getInputStream().readNBytes(5), StandardCharsets.US_ASCII);
      // With a password set the refusal is as good an answer; while the file loads it is -LOADING.
      return answer.equals("+PONG") || answer.equals("-NOAU");
    } catch (IOException notYet) {
      return false;
    }
  }

  private void signal(String name) {
    try {
      // Through the shell, whose kill is built in: the program /bin/kill is missing in small
      // images.
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

  private static void end(Process process) {
    try {
      if (!process.waitFor(20, TimeUnit.SECONDS)) {
        process.destroyForcibly().waitFor();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }
}
