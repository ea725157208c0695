package io.heddle.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.testing.HttpConnection.Answer;
import io.heddle.testing.RedisProcess;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/**
 * Redis goes away while models speak: it is restarted, is gone for longer than a turn's lease, or
 * is silent for that long. Their replicas live, so no turn may be taken for dead; all of what was
 * said is written when Redis is back, who follows, at the owner or elsewhere, misses nothing, what
 * waits runs then, and who ordered a turn just then gets one turn, however often it asks.
 */
class RedisAwayInTurnIT {
  /** Shorter than the default, and the times with it: what matters is which of them is longer. */
  private static final Duration LEASE = Duration.ofSeconds(3);

  private static final Duration AWAY = Duration.ofMillis(4500);

  private static final Duration PATIENCE = Duration.ofSeconds(40);
  private static final int TURNS = 6;
  private static final int ORDERS = 8;

  /** Orders that were answered 503: the store may have taken one all the same. */
  private int unknown;

  @Test
  void noTurnThatLivesIsReapedAndAllThatWasSaidIsKept() throws Exception {
    try (RedisProcess redis = RedisProcess.start("--appendonly", "yes", "--appendfsync", "always");
        Here a = start("a", redis);
        Here b = start("b", redis)) {
      List<String> told = new ArrayList<>();
      told.add(
          round(
              "restarted",
              60,
              a,
              b,
              () -> {
                redis.kill();
                redis.restart();
              }));
      told.add(
          round(
              "gone",
              130,
              a,
              b,
              () -> {
                redis.stop();
                Pair.pass(AWAY);
                redis.restart();
              }));
      told.add(
          round(
              "silent",
              130,
              a,
              b,
              () -> {
                redis.pause();
                Pair.pass(AWAY);
                redis.resume();
              }));
      double reaped = a.meter("heddle.turns.reaped") + b.meter("heddle.turns.reaped");
      double retaken = a.meter("heddle.turns.retaken") + b.meter("heddle.turns.retaken");
      double lost = a.meter("heddle.turns.lost") + b.meter("heddle.turns.lost");
      System.out.printf(
          "RedisAwayInTurnIT: lease=%d s, %d turns each: %s; reaped=%.0f begunAgain=%.0f"
              + " lost=%.0f%n",
          LEASE.toSeconds(), TURNS, String.join("; ", told), reaped, retaken, lost);
      assertThat(reaped + lost).as("turns taken for dead that somebody ran").isZero();
      assertThat(retaken).as("begun in the store and never answered").isLessThanOrEqualTo(unknown);
    }
  }

  private static Here start(String name, RedisProcess redis) {
    return Here.start(
        name,
        redis.uri(),
        "heddle.turns.lease=" + LEASE,
        "heddle.turns.renew-every=" + LEASE.dividedBy(3));
  }

  private String round(String what, int times, Here a, Here b, Runnable fault) throws Exception {
    List<TurnFollower> callers = new ArrayList<>();
    List<TurnFollower> others = new ArrayList<>();
    try (TurnCalls here = new TurnCalls(a.port());
        ExecutorService tries = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < ORDERS; i++) {
        here.create(session(what, TURNS + i));
      }
      for (int i = 0; i < TURNS; i++) {
        here.create(session(what, i));
        // Half of them go on speaking after Redis is back, half end while it is away.
        int words = i % 2 == 0 ? 2 * times : 40;
        callers.add(
            TurnFollower.order(
                a.port(),
                session(what, i),
                TurnCalls.echo(what + " " + i + " ", "'tokens':" + words + ",'pace':'30ms'")));
      }
      for (int i = 0; i < TURNS; i++) {
        others.add(TurnFollower.of(b.port(), session(what, i), callers.get(i).turn()));
      }
      Pair.await("all to speak")
          .until(() ->
              callers.stream().allMatch(c -> c.seq() > 2)
                  && others.stream().allMatch(c -> c.seq() > 2));
      String behind = here.begin(session(what, 0), TurnCalls.echo("behind", "'pace':'5ms'"));
      long from = System.nanoTime();
      List<Future<Answer>> orders = orders(what, List.of(a, b), tries);
      fault.run();
      long back = System.nanoTime();
      long last = 0;
      for (int i = 0; i < TURNS; i++) {
        String whole = (what + " " + i + " ").repeat(i % 2 == 0 ? times : 20);
        JsonNode end = callers.get(i).end(PATIENCE);
        assertThat(end.path("type").asString()).isEqualTo("turn.completed");
        assertThat(callers.get(i).text()).as("what the caller shows").isEqualTo(whole);
        assertThat(TurnFollower.answer(end)).as("what was saved").isEqualTo(whole);
        JsonNode elsewhere = others.get(i).end(PATIENCE);
        assertThat(elsewhere.path("type").asString()).isEqualTo("turn.completed");
        assertThat(others.get(i).text()).as("what a follower elsewhere shows").isEqualTo(whole);
        if (i % 2 != 0) {
          last = Math.max(last, callers.get(i).endedAt());
        }
      }
      Pair.await("the turn that waited to complete")
          .until(() ->
              here.turn(session(what, 0), behind).path("status").asString().equals("completed"));
      for (int i = 0; i < TURNS; i++) {
        List<JsonNode> thread = here.thread(session(what, i));
        assertThat(thread).as("inputs, each with one answer").hasSize(i == 0 ? 4 : 2);
        assertThat(thread.get(1).path("content").asString()).isEqualTo(callers.get(i).text());
      }
      int refused = ordered(what, here, orders);
      unknown += refused;
      return "%s for %d ms, those that had ended meanwhile told %d ms after it was back, ordered meanwhile=%d, of which answered 503=%d"
          .formatted(
              what,
              (back - from) / 1_000_000,
              Math.max(0, last - back) / 1_000_000,
              orders.size(),
              refused);
    } finally {
      callers.forEach(TurnFollower::close);
      others.forEach(TurnFollower::close);
    }
  }

  private static String ordered(String what, int number) {
    return TurnCalls.echo(what + " ordered " + number, "'pace':'5ms'");
  }

  /** Clients that order a turn just now, and tell it by a key. */
  private static List<Future<Answer>> orders(
      String what, List<Here> replicas, ExecutorService tries) {
    List<Future<Answer>> orders = new ArrayList<>();
    for (int i = 0; i < ORDERS; i++) {
      int number = i;
      orders.add(
          tries.submit(() -> {
            // While it is away, or on its way out.
            LockSupport.parkNanos(number * 20_000_000L);
            try (TurnCalls calls = new TurnCalls(replicas.get(number % 2).port())) {
              return order(what, number, calls);
            }
          }));
    }
    return orders;
  }

  private static Answer order(String what, int number, TurnCalls calls) throws IOException {
    String session = session(what, TURNS + number);
    return calls.order(session, ordered(what, number), Map.of("Idempotency-Key", session));
  }

  /** What became of them; whoever was refused repeats the order, and so do the others. */
  private static int ordered(String what, TurnCalls here, List<Future<Answer>> orders)
      throws Exception {
    int refused = 0;
    for (int i = 0; i < ORDERS; i++) {
      Answer answer = orders.get(i).get(40, TimeUnit.SECONDS);
      if (answer.status() == 503) {
        refused++;
      } else {
        // Begun in any case, and perhaps not followed to the end.
        assertThat(answer.status()).as("%s", answer).isIn(200, 202);
      }
      Answer again = order(what, i, here);
      TurnCalls.ok(200, again);
      if (answer.status() == 200) {
        assertThat(again.body()).as("the same turn").isEqualTo(answer.body());
      }
      String text = what + " ordered " + i;
      assertThat(here.texts(session(what, TURNS + i)))
          .containsExactly("user:" + text, "assistant:" + text);
    }
    return refused;
  }

  private static String session(String what, int number) {
    return what + "-" + number;
  }
}
