package io.heddle.bench;

import io.heddle.bench.Child.Pace;
import io.heddle.testing.RedisProcess;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;

/**
 * Stateless chat completions of an instant model server, in turn on Heddle, on {@link
 * PlainServer}'s handler that passes the request and the answer through, and on Portkey's gateway.
 * Each pair gives one ratio; its median counts.
 *
 * <p>Each pair next to the handler is of new processes, started in the other order: two of one
 * program differ by up to a fifth for as long as they live. Within a pair they are asked in short
 * rounds, in turn, whose median counts: what else the machine does meets both.
 */
final class ChatBench {

  private static final int PAIRS = 5;
  private static final int ROUNDS = 5;
  private static final int CALLS = 8_000;
  private static final int[] CALLERS = {10, 64};

  /** After fewer the compiler still works on what is measured, on both sides. */
  private static final int WARM_UP = 150_000;

  private static final List<String> FORMS = List.of("stream", "whole");

  private static final String OURS = "/openai/v1/chat/completions -";
  private static final String PLAIN = "/v1/chat/completions -";

  private final RedisProcess redis;
  private final Child load;
  private final Child model;
  private final Map<String, List<Figures[]>> toPlain = new TreeMap<>();
  private final List<Figures[]> toPortkey = new ArrayList<>();

  private ChatBench(RedisProcess redis, Child load, Child model) {
    this.redis = redis;
    this.load = load;
    this.model = model;
  }

  /** Prints the tables; true when every bound is kept. */
  static boolean run() throws IOException, InterruptedException {
    Path directory = Node.install();
    try (RedisProcess redis = RedisProcess.start();
        Child load = Child.program(Load.class);
        Child model = Child.server(InstantModelServer.class, redis.uri())) {
      ChatBench bench = new ChatBench(redis, load, model);
      for (int pair = 1; pair <= PAIRS; pair++) {
        bench.nextToPlain(pair);
      }
      try (Child heddle = bench.heddle();
          Child portkey = Node.gateway(directory)) {
        bench.nextToPortkey(heddle, portkey);
      }
      return bench.tell();
    }
  }

  private Child heddle() throws IOException, InterruptedException {
    return Child.heddle(
        redis.uri(),
        "--heddle.upstreams.bench.base-url=http://127.0.0.1:" + model.port() + "/v1",
        "--heddle.upstreams.bench.models=bench");
  }

  private Child plain() throws IOException, InterruptedException {
    return Child.server(
        PlainServer.class,
        redis.uri(),
        "--plain.keep-alive-reads=true",
        "--plain.model=http://127.0.0.1:" + model.port() + "/v1/chat/completions",
        "--management.endpoint.health.validate-group-membership=false");
  }

  private void nextToPlain(int pair) throws IOException, InterruptedException {
    boolean oursFirst = pair % 2 == 0;
    try (Child first = oursFirst ? heddle() : plain();
        Child second = oursFirst ? plain() : heddle()) {
      Child heddle = oursFirst ? first : second;
      Child plain = oursFirst ? second : first;
      for (String form : FORMS) {
        calls(heddle, OURS, form, 64, WARM_UP);
        calls(plain, PLAIN, form, 64, WARM_UP);
        for (int callers : CALLERS) {
          List<Figures> ours = new ArrayList<>();
          List<Figures> others = new ArrayList<>();
          for (int round = 1; round <= ROUNDS; round++) {
            boolean oursNow = oursFirst == (round % 2 == 0);
            if (oursNow) {
              ours.add(calls(heddle, OURS, form, callers, CALLS));
            }
            others.add(calls(plain, PLAIN, form, callers, CALLS));
            if (!oursNow) {
              ours.add(calls(heddle, OURS, form, callers, CALLS));
            }
          }
          toPlain
              .computeIfAbsent(of(form, callers), _ -> new ArrayList<>())
              .add(new Figures[] {Figures.median(ours), Figures.median(others)});
        }
      }
    }
  }

  private static String of(String form, int callers) {
    return form + ", " + callers + " callers";
  }

  /** One process of Portkey's serves one event loop; its CPU is what a call costs. */
  private void nextToPortkey(Child heddle, Child portkey) throws IOException {
    // Its streams end in an error of its own ("immutable") on Node 20 and 22.
    String form = "whole";
    String path = "/v1/chat/completions " + model.port();
    int few = CALLS / 4;
    calls(heddle, OURS, form, 64, WARM_UP);
    calls(portkey, path, form, 10, few);
    for (int i = 1; i <= PAIRS; i++) {
      toPortkey.add(
          new Figures[] {
            calls(heddle, OURS, form, 10, CALLS), calls(portkey, path, form, 10, few)
          });
    }
  }

  private boolean tell() {
    boolean kept = true;
    for (String form : FORMS) {
      for (int callers : CALLERS) {
        String of = of(form, callers);
        List<Figures[]> pairs = toPlain.getOrDefault(of, List.of());
        table(of, "passed through", pairs);
        String ratio = ", ours / passed through";
        kept &= Bench.atLeast(of + ": requests/s" + ratio, median(pairs, Figures::perSecond), 0.75);
        kept &= Bench.atMost(of + ": CPU a request" + ratio, median(pairs, Figures::cpu), 1.4);
        kept &= Bench.atMost(of + ": p99" + ratio, median(pairs, Figures::p99), 1.3);
      }
    }
    table("whole, 10 callers", "Portkey", toPortkey);
    return kept
        & Bench.atMost(
            "whole: CPU a request, ours / Portkey", median(toPortkey, Figures::cpu), 0.25);
  }

  private static void table(String of, String other, List<Figures[]> pairs) {
    System.out.printf(
        "%n%s, next to %s; p99 in ms, CPU of the server in us a request%n"
            + "%4s %9s %7s %7s %9s %7s %7s%n",
        of, other, "", "ours/s", "p99", "CPU", "other/s", "p99", "CPU");
    for (int i = 0; i < pairs.size(); i++) {
      System.out.printf("%4d %s %s%n", i + 1, pairs.get(i)[0], pairs.get(i)[1]);
    }
  }

  private Figures calls(Child server, String path, String form, int callers, int count)
      throws IOException {
    double cpu = server.cpu();
    Pace pace =
        load.pace("chat %d %s %s %d %d".formatted(server.port(), path, form, callers, count));
    return new Figures(count / pace.seconds(), pace.p99(), (server.cpu() - cpu) * 1e6 / count);
  }

  private static double median(List<Figures[]> pairs, ToDoubleFunction<Figures> figure) {
    return Bench.median(
        pairs.stream()
            .mapToDouble(pair -> figure.applyAsDouble(pair[0]) / figure.applyAsDouble(pair[1]))
            .toArray());
  }

  private record Figures(double perSecond, double p99, double cpu) {

    static Figures median(List<Figures> rounds) {
      return new Figures(
          Bench.median(rounds.stream().mapToDouble(Figures::perSecond).toArray()),
          Bench.median(rounds.stream().mapToDouble(Figures::p99).toArray()),
          Bench.median(rounds.stream().mapToDouble(Figures::cpu).toArray()));
    }

    @Override
    public String toString() {
      return "%9.0f %7.2f %7.1f".formatted(perSecond, p99, cpu);
    }
  }
}
