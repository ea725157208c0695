package io.heddle.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.testing.RedisProcess;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/**
 * Redis goes away while models speak: it is restarted, is gone for longer than a turn's lease, or
 * is silent for that long. Their replicas live, so no turn may be taken for dead; all of what was
 * said is written when Redis is back, and who follows, at the owner or elsewhere, misses nothing.
 */
class RedisAwayInTurnIT {
  /** Longer than the lease, which is 6 s. */
  private static final Duration AWAY = Duration.ofSeconds(8);

  private static final Duration PATIENCE = Duration.ofSeconds(40);
  private static final int TURNS = 6;

  @Test
  void noTurnThatLivesIsReapedAndAllThatWasSaidIsKept() throws Exception {
    try (RedisProcess redis = RedisProcess.start("--appendonly", "yes", "--appendfsync", "always");
        Here a = Here.start("a", redis.uri());
        Here b = Here.start("b", redis.uri())) {
      List<String> told = new ArrayList<>();
      told.add(
          round(
              "restarted",
              100,
              a,
              b,
              () -> {
                redis.kill();
                redis.restart();
              }));
      told.add(
          round(
              "gone",
              220,
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
              220,
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
          "RedisAwayInTurnIT: lease=6s, %d turns each: %s; reaped=%.0f begunAgain=%.0f lost=%.0f%n",
          TURNS, String.join("; ", told), reaped, retaken, lost);
      assertThat(reaped + retaken + lost).as("turns taken for dead").isZero();
    }
  }

  private static String round(String what, int times, Here a, Here b, Runnable fault)
      throws Exception {
    List<TurnFollower> callers = new ArrayList<>();
    List<TurnFollower> others = new ArrayList<>();
    try (TurnCalls here = new TurnCalls(a.port())) {
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
      long from = System.nanoTime();
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
      for (int i = 0; i < TURNS; i++) {
        List<JsonNode> thread = here.thread(session(what, i));
        assertThat(thread).as("an input and one answer").hasSize(2);
        assertThat(thread.get(1).path("content").asString()).isEqualTo(callers.get(i).text());
      }
      return "%s for %d ms, those that had ended meanwhile told %d ms after it was back"
          .formatted(what, (back - from) / 1_000_000, Math.max(0, last - back) / 1_000_000);
    } finally {
      callers.forEach(TurnFollower::close);
      others.forEach(TurnFollower::close);
    }
  }

  private static String session(String what, int number) {
    return what + "-" + number;
  }
}
