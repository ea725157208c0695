package io.heddle.bench;

import io.heddle.testing.EventStream;
import io.heddle.testing.RedisProcess;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.ToDoubleFunction;

/**
 * Turns over HTTP next to a handler that passes the model server's stream through and keeps
 * nothing; many turns at once on one replica; and what it takes to come back late.
 */
final class TurnBench {

  private static final int PAIRS = 5;
  private static final int AT_ONCE = Integer.getInteger("bench.turns", 100);
  private static final int MANY = Integer.getInteger("bench.many", 500);
  private static final int TOKENS = 200;
  private static final int PACE = 25;
  private static final int LONG = 3_000;

  private TurnBench() {}

  static boolean run() throws IOException {
    try (RedisProcess redis = RedisProcess.start();
        Child model = Child.server(ModelServer.class, redis.uri());
        Child heddle = replica(redis, model);
        Child plain =
            Child.server(
                PlainServer.class,
                redis.uri(),
                "--plain.keep-alive-reads=true",
                "--plain.model=http://127.0.0.1:" + model.port() + "/v1/chat/completions",
                "--management.endpoint.health.validate-group-membership=false");
        Child load = Child.program(TurnLoad.class)) {
      String ours = heddle.port() + " /v1/sessions/#/turns";
      String other = plain.port() + " /pass/#";
      boolean kept = nextToPlain(load, ours, other);
      many(load, heddle, redis, ours);
      late(heddle, load, ours);
      return kept;
    }
  }

  private static Child replica(RedisProcess redis, Child model) throws IOException {
    return Child.heddle(
        redis.uri(),
        "--heddle.upstreams.bench.base-url=http://127.0.0.1:" + model.port() + "/v1",
        "--heddle.upstreams.bench.models=bench",
        "--heddle.upstreams.bench.max-connections=2000");
  }

  private static boolean nextToPlain(Child load, String ours, String other) throws IOException {
    System.out.printf(
        "%n%d turns at once, %d tokens at %d a second; milliseconds%n%4s %36s %36s%n",
        AT_ONCE, TOKENS, 1000 / PACE, "", "ours: first p50 p99, whole p50 p99", "passed through");
    List<Figures[]> pairs = new ArrayList<>();
    for (int i = 0; i <= PAIRS; i++) {
      Figures[] pair = {turns(load, ours, AT_ONCE), turns(load, other, AT_ONCE)};
      System.out.printf("%4s %s %s%n", i == 0 ? "warm" : i, pair[0], pair[1]);
      if (i > 0) {
        pairs.add(pair);
      }
    }
    boolean kept = true;
    kept &= atMost("2  first token p50, ours / passed through", pairs, Figures::first, 1.15);
    kept &= atMost("2  first token p99, ours / passed through", pairs, Figures::firstLate, 1.5);
    kept &= atMost("2  whole answer p50, ours / passed through", pairs, Figures::whole, 1.15);
    kept &= atMost("2  whole answer p99, ours / passed through", pairs, Figures::wholeLate, 1.5);
    return kept;
  }

  private static boolean atMost(
      String what, List<Figures[]> pairs, ToDoubleFunction<Figures> figure, double bound) {
    return Bench.atMost(
        what,
        Bench.median(
            pairs.stream()
                .mapToDouble(pair -> figure.applyAsDouble(pair[0]) / figure.applyAsDouble(pair[1]))
                .toArray()),
        bound);
  }

  private static void many(Child load, Child heddle, RedisProcess redis, String ours)
      throws IOException {
    double server = heddle.cpu();
    double store = Child.cpu(redis.pid());
    long start = System.nanoTime();
    Figures figures = turns(load, ours, MANY);
    double seconds = (System.nanoTime() - start) / 1e9;
    System.out.printf(
        "%n%d turns at once on one replica, %d tokens at %d a second each, in %.1f s:%n"
            + "CPU of the server %.2f cores, of Redis %.2f; resident %d MB%n"
            + "delay of a token from the model server to the client: p50 %.0f ms, p99 %.0f ms%n",
        MANY,
        TOKENS,
        1000 / PACE,
        seconds,
        (heddle.cpu() - server) / seconds,
        (Child.cpu(redis.pid()) - store) / seconds,
        heddle.resident() >> 20,
        figures.delay(),
        figures.delayLate());
  }

  private static void late(Child heddle, Child load, String ours) throws IOException {
    String path = ours.substring(ours.indexOf(' ') + 1).replace("#", "late");
    load.ask(heddle.port() + " " + path + " 1 " + LONG + " 1");
    String turn = Http.turnOf(heddle.port(), "late");
    for (int i = 0; i < 3; i++) {
      long start = System.nanoTime();
      int frames = 0;
      String events = "/v1/sessions/late/turns/" + turn + "/events";
      try (EventStream stream = new EventStream(heddle.port(), events, "")) {
        for (String type = ""; !type.equals("turn.completed"); frames++) {
          type = Objects.requireNonNull(stream.receive()).type();
        }
      }
      System.out.printf(
          "resumed after %,d tokens: %d frames, %.1f ms until up to date%n",
          LONG, frames, (System.nanoTime() - start) / 1e6);
    }
  }

  private static Figures turns(Child load, String where, int count) throws IOException {
    String[] micros = load.ask(where + " " + count + " " + TOKENS + " " + PACE).split(" ", -1);
    double[] millis = new double[micros.length];
    for (int i = 0; i < millis.length; i++) {
      millis[i] = Long.parseLong(micros[i]) / 1e3;
    }
    return new Figures(millis[0], millis[1], millis[2], millis[3], millis[4], millis[5]);
  }

  /** Milliseconds: the middle one, and the one that 99 of 100 are below. */
  private record Figures(
      double first,
      double firstLate,
      double whole,
      double wholeLate,
      double delay,
      double delayLate) {

    @Override
    public String toString() {
      return "%8.0f %8.0f %9.0f %9.0f".formatted(first, firstLate, whole, wholeLate);
    }
  }

  /** The one plain request that this bench sends itself. */
  private static final class Http {
    private Http() {}

    static String turnOf(int port, String session) throws IOException {
      try (io.heddle.testing.HttpConnection connection =
          new io.heddle.testing.HttpConnection(port, java.time.Duration.ofSeconds(10))) {
        String body = connection.get("/v1/sessions/" + session + "/turns").body();
        int from = body.indexOf("trn_");
        return body.substring(from, body.indexOf('"', from));
      }
    }
  }
}
