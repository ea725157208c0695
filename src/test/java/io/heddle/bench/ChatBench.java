package io.heddle.bench;

import io.heddle.HeddleApplication;
import io.heddle.bench.Child.Pace;
import io.heddle.testing.RedisProcess;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * Stateless chat completions of an instant model server, in turn on Heddle, on {@link
 * PlainServer}'s handler that passes the request and the answer through, and on Portkey's gateway.
 * Each pair gives one ratio; its median counts.
 */
final class ChatBench {

  private static final int PAIRS = 5;
  private static final int CALLS = 8_000;

  /** After fewer the compiler still works on what is measured, on both sides. */
  private static final int WARM_UP = 80_000;

  private static final List<String> FORMS = List.of("stream", "whole");

  private static final String OURS = "/openai/v1/chat/completions -";

  private final Child load;
  private final Child heddle;

  private ChatBench(Child load, Child heddle) {
    this.load = load;
    this.heddle = heddle;
  }

  /** Prints the tables; true when every bound is kept. */
  static boolean run() throws IOException, InterruptedException {
    Path directory = Node.install();
    String far = "1000000000";
    try (RedisProcess redis = RedisProcess.start();
        Child load = Child.program(Load.class);
        Child model = Child.server(InstantModelServer.class, redis.uri());
        Child heddle =
            Child.server(
                HeddleApplication.class,
                redis.uri(),
                "--heddle.limits.rules.requests.limit=" + far,
                "--heddle.limits.rules.writes.limit=" + far,
                "--heddle.upstreams.bench.base-url=http://127.0.0.1:" + model.port() + "/v1",
                "--heddle.upstreams.bench.models=bench");
        Child plain =
            Child.server(
                PlainServer.class,
                redis.uri(),
                "--plain.keep-alive-reads=true",
                "--plain.model=http://127.0.0.1:" + model.port() + "/v1/chat/completions",
                "--management.endpoint.health.validate-group-membership=false");
        Child portkey = Node.gateway(directory)) {
      ChatBench bench = new ChatBench(load, heddle);
      boolean kept = true;
      for (String form : FORMS) {
        kept &= bench.nextToPlain(plain, form);
        if (form.equals("whole")) {
          // Its streams end in an error of its own ("immutable") on Node 20 and 22.
          kept &= bench.nextToPortkey(portkey, model, form);
        }
      }
      return kept;
    }
  }

  private boolean nextToPlain(Child plain, String form) throws IOException {
    String path = "/v1/chat/completions -";
    calls(heddle, OURS, form, 64, WARM_UP);
    calls(plain, path, form, 64, WARM_UP);
    boolean kept = true;
    for (int callers : new int[] {10, 64}) {
      List<Figures[]> pairs = new ArrayList<>();
      head(form, callers, "passed through");
      for (int i = 1; i <= PAIRS; i++) {
        boolean first = i % 2 == 0;
        Figures one =
            first
                ? calls(heddle, OURS, form, callers, CALLS)
                : calls(plain, path, form, callers, CALLS);
        Figures two =
            first
                ? calls(plain, path, form, callers, CALLS)
                : calls(heddle, OURS, form, callers, CALLS);
        pairs.add(first ? new Figures[] {one, two} : new Figures[] {two, one});
        System.out.printf("%4d %s %s%n", i, pairs.getLast()[0], pairs.getLast()[1]);
      }
      String of = "%s, %d callers: ".formatted(form, callers);
      kept &=
          Bench.atLeast(
              of + "requests/s, ours / passed through", median(pairs, Figures::perSecond), 0.75);
      kept &=
          Bench.atMost(
              of + "CPU a request, ours / passed through", median(pairs, Figures::cpu), 1.4);
      kept &= Bench.atMost(of + "p99, ours / passed through", median(pairs, Figures::p99), 1.3);
    }
    return kept;
  }

  /** One process of Portkey's serves one event loop; its CPU is what a call costs. */
  private boolean nextToPortkey(Child portkey, Child model, String form) throws IOException {
    String path = "/v1/chat/completions " + model.port();
    int calls = CALLS / 4;
    calls(portkey, path, form, 10, calls);
    List<Figures[]> pairs = new ArrayList<>();
    head(form, 10, "Portkey");
    for (int i = 1; i <= PAIRS; i++) {
      Figures ours = calls(heddle, OURS, form, 10, CALLS);
      Figures other = calls(portkey, path, form, 10, calls);
      pairs.add(new Figures[] {ours, other});
      System.out.printf("%4d %s %s%n", i, ours, other);
    }
    return Bench.atMost(
        form + ": CPU a request, ours / Portkey", median(pairs, Figures::cpu), 0.25);
  }

  private static void head(String form, int callers, String other) {
    System.out.printf(
        "%n%s, %d callers, next to %s; p99 in ms, CPU of the server in us a request%n"
            + "%4s %9s %7s %7s %9s %7s %7s%n",
        form, callers, other, "", "ours/s", "p99", "CPU", "other/s", "p99", "CPU");
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
    @Override
    public String toString() {
      return "%9.0f %7.2f %7.1f".formatted(perSecond, p99, cpu);
    }
  }
}
