package io.heddle.bench;

import io.heddle.HeddleApplication;
import io.heddle.testing.FreePort;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A process of a bench's own, JVMs all with the same flags; ended with the bench at the latest. */
final class Child implements AutoCloseable {

  private static final Set<Process> OPEN = ConcurrentHashMap.newKeySet();
  private static final Pattern RESIDENT = Pattern.compile("VmRSS:\\s+(\\d+) kB");
  private static final String READY = "/actuator/health/readiness";
  private static final double TICKS_PER_SECOND = 100;

  static {
    Runtime.getRuntime()
        .addShutdownHook(new Thread(() -> OPEN.forEach(Child::destroy), "bench-cleaner"));
  }

  private final Process process;
  private final int port;
  private final Path log;

  /** Limits that no load comes to. */
  static final List<String> UNLIMITED =
      List.of(
          "--heddle.limits.rules.requests.limit=1000000000",
          "--heddle.limits.rules.writes.limit=1000000000");

  private Child(Process process, int port, Path log) {
    this.process = process;
    this.port = port;
    this.log = log;
    OPEN.add(process);
  }

  /** A server: {@code main} is told {@code --server.port} and these arguments. */
  static Child server(Class<?> main, String redis, String... arguments) throws IOException {
    int port = FreePort.find();
    List<String> all = new ArrayList<>(List.of("--server.port=" + port));
    all.addAll(List.of(arguments));
    Path log = Files.createTempFile("heddle-bench-" + main.getSimpleName() + "-", ".log");
    ProcessBuilder builder = builder(main, all).redirectErrorStream(true);
    builder.environment().put("REDIS_URL", redis);
    Child child = new Child(builder.redirectOutput(log.toFile()).start(), port, log);
    child.awaitReady(READY);
    return child;
  }

  /** Heddle without limits that a load comes to, told these arguments. */
  static Child heddle(String redis, String... arguments) throws IOException {
    List<String> all = new ArrayList<>(UNLIMITED);
    all.addAll(List.of(arguments));
    return server(HeddleApplication.class, redis, all.toArray(String[]::new));
  }

  /** A server out of a version's jar, taken apart: classes within jars within a jar load slowly. */
  static Child jar(Path jar, String redis, String... arguments) throws IOException {
    int port = FreePort.find();
    Path apart = Files.createTempDirectory("heddle-bench-");
    List<String> extract = java();
    extract.addAll(List.of("-Djarmode=tools", "-jar", jar.toString(), "extract", "--force"));
    extract.addAll(List.of("--destination", apart.toString()));
    try {
      if (new ProcessBuilder(extract).inheritIO().start().waitFor() != 0) {
        throw new IOException(jar + " could not be taken apart");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(e);
    }
    List<String> command = java();
    String path = apart.resolve(jar.getFileName()) + File.pathSeparator + apart.resolve("lib/*");
    command.addAll(List.of("-cp", path, HeddleApplication.class.getName()));
    command.add("--server.port=" + port);
    command.addAll(List.of(arguments));
    Path log = Files.createTempFile("heddle-bench-jar-", ".log");
    ProcessBuilder builder = clean(new ProcessBuilder(command)).redirectErrorStream(true);
    builder.environment().put("REDIS_URL", redis);
    Child child = new Child(builder.redirectOutput(log.toFile()).start(), port, log);
    child.awaitReady(READY);
    return child;
  }

  /** A program that is told lines on stdin. */
  static Child program(Class<?> main, String... arguments) throws IOException {
    Path none = Path.of("");
    return new Child(
        builder(main, List.of(arguments)).redirectError(ProcessBuilder.Redirect.INHERIT).start(),
        0,
        none);
  }

  /** A server that is no Java, with what it needs in its arguments and in this environment. */
  static Child command(int port, Map<String, String> environment, List<String> command)
      throws IOException {
    return command(port, READY, environment, command);
  }

  /**
   * The same.
   *
   * @param ready the path that is answered with 200 once it is
   */
  static Child command(
      int port, String ready, Map<String, String> environment, List<String> command)
      throws IOException {
    String name = Path.of(command.getFirst()).getFileName().toString();
    Path log = Files.createTempFile("heddle-bench-" + name + "-", ".log");
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().putAll(environment);
    Child child = new Child(builder.redirectOutput(log.toFile()).start(), port, log);
    child.awaitReady(ready);
    return child;
  }

  private static ProcessBuilder builder(Class<?> main, List<String> arguments) {
    List<String> command = java();
    String more = System.getProperty("bench.jvm." + main.getSimpleName());
    if (more != null) {
      command.addAll(Arrays.asList(more.split(" ", -1)));
    }
    boolean ours = main == HeddleApplication.class;
    // The server itself runs as it is delivered, without the tests' classes.
    String path =
        Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator, -1))
            .filter(entry -> !ours || !entry.replaceAll("[/\\\\]$", "").endsWith("test-classes"))
            .collect(Collectors.joining(File.pathSeparator));
    command.addAll(List.of("-cp", path, main.getName()));
    command.addAll(arguments);
    return clean(new ProcessBuilder(command));
  }

  private static List<String> java() {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of(
            "-Xms384m",
            "-Xmx384m",
            "-XX:+UseSerialGC",
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow",
            "-Dio.netty.allocator.type=pooled"));
    return command;
  }

  private static ProcessBuilder clean(ProcessBuilder builder) {
    builder
        .environment()
        .keySet()
        .removeIf(name -> name.matches("(REDIS|SPRING|HEDDLE|SERVER)_.*"));
    return builder;
  }

  private void awaitReady(String path) throws IOException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
    while (process.isAlive() && System.nanoTime() < deadline) {
      try (Socket socket = new Socket()) {
        socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 1_000);
        socket.setSoTimeout(5_000);
        String ask = "GET " + path + " HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n";
        socket.getOutputStream().write(ask.getBytes(StandardCharsets.US_ASCII));
        String answer =
            new String(socket.getInputStream().readNBytes(12), StandardCharsets.US_ASCII);
        if (answer.endsWith(" 200")) {
          return;
        }
      } catch (IOException notYet) {
        // Nobody listens yet.
      }
      waitFor(100);
    }
    close();
    throw new IOException("did not start:\n" + Files.readString(log));
  }

  int port() {
    return port;
  }

  long pid() {
    return process.pid();
  }

  /** Tells a program one line and returns its answer. */
  String ask(String line) throws IOException {
    PrintStream out = new PrintStream(process.getOutputStream(), true, StandardCharsets.US_ASCII);
    out.println(line);
    // One line is answered to each that is told, so nothing is left in the reader.
    String answer =
        new BufferedReader(
                new InputStreamReader(process.getInputStream(), StandardCharsets.US_ASCII), 1)
            .readLine();
    if (answer == null) {
      throw new IOException("the program ended");
    }
    return answer;
  }

  /** Tells {@link Load} one line. */
  Pace pace(String line) throws IOException {
    String[] nanos = ask(line).split(" ", -1);
    return new Pace(Long.parseLong(nanos[0]) / 1e9, Long.parseLong(nanos[1]) / 1e6);
  }

  /**
   * @param seconds for all requests
   * @param p99 milliseconds that 99 of 100 requests did not take longer than
   */
  record Pace(double seconds, double p99) {}

  /** CPU seconds of a process so far, in user and in system mode. */
  static double cpu(long pid) throws IOException {
    String stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
    String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
    return (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) / TICKS_PER_SECOND;
  }

  /** CPU seconds of this process and of those that it started and that still run. */
  double cpu() throws IOException {
    double sum = 0;
    for (ProcessHandle each : tree()) {
      sum += cpu(each.pid());
    }
    return sum;
  }

  /** Bytes that this process and those that it started hold in RAM. */
  long resident() throws IOException {
    long sum = 0;
    for (ProcessHandle each : tree()) {
      String status = Files.readString(Path.of("/proc/" + each.pid() + "/status"));
      Matcher resident = RESIDENT.matcher(status);
      if (!resident.find()) {
        throw new IOException("no VmRSS in " + status);
      }
      sum += Long.parseLong(resident.group(1)) * 1024;
    }
    return sum;
  }

  private List<ProcessHandle> tree() {
    return Stream.concat(Stream.of(process.toHandle()), process.descendants()).toList();
  }

  private static void destroy(Process process) {
    // First those below: nothing ends them when the one above is killed.
    process.descendants().forEach(ProcessHandle::destroyForcibly);
    process.destroyForcibly();
  }

  private void waitFor(long millis) {
    try {
      process.waitFor(millis, TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() {
    destroy(process);
    waitFor(20_000);
    OPEN.remove(process);
  }
}
