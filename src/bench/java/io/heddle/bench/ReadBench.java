package io.heddle.bench;

import io.heddle.bench.Child.Pace;
import io.heddle.testing.RedisProcess;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Cached reads over HTTP at 64 connections, in turn on Heddle and on {@link PlainServer}'s handler
 * that answers the same bytes. Each pair gives one ratio; its median counts.
 */
final class ReadBench {

  private static final int PAIRS = 5;
  private static final int CONNECTIONS = 64;
  private static final int READS = Integer.getInteger("bench.reads", 60_000);
  private static final int WARM_UP = Integer.getInteger("bench.warm-up", 150_000);
  private static final int MESSAGES = 50;
  private static final String PATH = "/v1/sessions";

  /** How many sessions have a page of each kind; the number also names them. */
  private static final int LARGE = 100;

  private static final int SMALL = 99;

  private final Child load;
  private final Child heddle;
  private final Child plain;
  private final HttpClient http;

  private ReadBench(Child load, Child heddle, Child plain, HttpClient http) {
    this.load = load;
    this.heddle = heddle;
    this.plain = plain;
    this.http = http;
  }

  /** Prints the tables; true when every bound is kept. */
  static boolean run() throws IOException {
    String engine = System.getProperty("bench.engine", "redis");
    try (RedisProcess ourRedis = RedisProcess.start();
        RedisProcess plainRedis = RedisProcess.start();
        Child load = Child.program(Load.class);
        Child heddle =
            Child.heddle(
                ourRedis.uri(),
                "--heddle.engine=" + engine,
                "--heddle.embedded.path=",
                "--heddle.limits.enabled=" + System.getProperty("bench.limits", "true"));
        Child plain =
            Child.server(
                PlainServer.class,
                plainRedis.uri(),
                "--plain.keep-alive-reads=true",
                "--management.endpoint.health.validate-group-membership=false");
        HttpClient http = HttpClient.newHttpClient()) {
      ReadBench bench = new ReadBench(load, heddle, plain, http);
      boolean kept = bench.compare(LARGE, MESSAGES);
      kept &= bench.compare(SMALL, 1);
      return kept;
    }
  }

  private boolean compare(int sessions, int messages) throws IOException {
    load.ask("create " + heddle.port() + " " + sessions);
    load.ask("append %d %s %d 8 %d".formatted(heddle.port(), PATH, sessions, sessions * messages));
    int bytes = copy(sessions);
    reads(heddle, sessions, WARM_UP);
    reads(plain, sessions, WARM_UP);
    System.out.printf(
        "%n%d message(s) in %,d bytes; p99 in ms, CPU of the server in us a read%n%4s %9s %7s %7s"
            + " %9s %7s %7s%n",
        messages, bytes, "", "ours/s", "p99", "CPU", "plain/s", "p99", "CPU");
    double hits = hits();
    List<Pair> pairs = new ArrayList<>();
    for (int i = 1; i <= PAIRS; i++) {
      Pair pair = new Pair(reads(heddle, sessions, READS), reads(plain, sessions, READS));
      System.out.printf("%4d %s %s%n", i, pair.ours, pair.plain);
      pairs.add(pair);
    }
    String of = ", " + messages + " message(s)";
    boolean kept =
        Bench.atLeast(
            "reads from the near cache, of all" + of, (hits() - hits) / (PAIRS * READS), 0.99);
    kept &=
        Bench.atLeast(
            "cached reads/s, ours / plain handler" + of,
            median(pairs, pair -> pair.ours.perSecond() / pair.plain.perSecond()),
            0.85);
    kept &=
        Bench.atMost(
            "their p99, ours / plain handler" + of,
            median(pairs, pair -> pair.ours.p99() / pair.plain.p99()),
            1.3);
    return kept;
  }

  private Figures reads(Child server, int sessions, int count) throws IOException {
    double cpu = Child.cpu(server.pid());
    Pace pace =
        load.pace(
            "get %d %s %d %d %d".formatted(server.port(), PATH, sessions, CONNECTIONS, count));
    return new Figures(
        count / pace.seconds(), pace.p99(), (Child.cpu(server.pid()) - cpu) * 1e6 / count);
  }

  /** Gives the plain server what Heddle answers; how many bytes one answer has. */
  private int copy(int sessions) throws IOException {
    int bytes = 0;
    for (int i = 0; i < sessions; i++) {
      String path = PATH + "/bench-" + sessions + "-" + i + "/messages";
      byte[] page = send(HttpRequest.newBuilder(uri(heddle, path + "?limit=50")), 200);
      send(HttpRequest.newBuilder(uri(plain, path)).PUT(BodyPublishers.ofByteArray(page)), 204);
      bytes = page.length;
    }
    return bytes;
  }

  private double hits() throws IOException {
    String name = "heddle_cache_hits_total";
    byte[] all = send(HttpRequest.newBuilder(uri(heddle, "/actuator/prometheus")), 200);
    Matcher line =
        Pattern.compile("(?m)^" + name + "(?:\\{.*})? (\\S+)$")
            .matcher(new String(all, StandardCharsets.UTF_8));
    if (!line.find()) {
      throw new IOException("no " + name);
    }
    return Double.parseDouble(line.group(1));
  }

  private byte[] send(HttpRequest.Builder request, int expected) throws IOException {
    try {
      var answer = http.send(request.build(), BodyHandlers.ofByteArray());
      if (answer.statusCode() != expected) {
        throw new IOException(answer + ": " + new String(answer.body(), StandardCharsets.UTF_8));
      }
      return answer.body();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(e);
    }
  }

  private static URI uri(Child server, String path) {
    return URI.create("http://127.0.0.1:" + server.port() + path);
  }

  private static double median(List<Pair> pairs, ToDoubleFunction<Pair> figure) {
    return Bench.median(pairs.stream().mapToDouble(figure).toArray());
  }

  private record Pair(Figures ours, Figures plain) {}

  private record Figures(double perSecond, double p99, double cpu) {
    @Override
    public String toString() {
      return "%9.0f %7.2f %7.1f".formatted(perSecond, p99, cpu);
    }
  }
}
