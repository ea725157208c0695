package io.heddle.turn;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.ProblemCode;
import io.heddle.base.SerialExecutor;
import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.json.Json;
import io.heddle.session.Turn.Cancel;
import io.heddle.session.TurnAttempt;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import reactor.test.scheduler.VirtualTimeScheduler;

class FlusherTest {

  private static final SessionKey KEY = new SessionKey(Tenant.DEFAULT, "s");

  private final VirtualTimeScheduler time = VirtualTimeScheduler.create();
  private final FakeTurnLog log = new FakeTurnLog();
  private final TurnCounts counts = new TurnCounts();
  private final List<String> kept = new ArrayList<>();
  private final List<Cancel> cancels = new ArrayList<>();
  private int lost;
  private int full;

  private final Timers ticks = new Timers(time, () -> time.now(TimeUnit.NANOSECONDS));

  private final Flusher flusher =
      new Flusher(
          log,
          KEY,
          new TurnAttempt("trn", 1),
          Replica.bind("heddle.turns", TurnProperties.class, Map.of()),
          new SerialExecutor(),
          ticks,
          counts,
          new LargeWrites(ticks),
          new Flusher.Owner() {
            @Override
            public void kept(long seq, List<ModelEvent> pieces) {
              kept.add(seq + ":" + pieces.stream().map(FlusherTest::text).toList());
            }

            @Override
            public void cancelled(Cancel cancel) {
              cancels.add(cancel);
            }

            @Override
            public void full() {
              full++;
            }

            @Override
            public void lost() {
              lost++;
            }
          });

  /**
   * Its lease is renewed by what is refused, and the rest is not lost while somebody makes room.
   */
  @Test
  void whatAFullStoreRefusesIsOfferedAgainForAShortTime() {
    say("a");
    next().refuse();
    say("b");
    pass(1000);
    next().answer();
    assertThat(kept).containsExactly("1:[a]");
    answer();
    assertThat(kept).containsExactly("1:[a]", "2:[b]");
    assertThat(flusher.unkept()).isEmpty();

    say("c");
    for (int i = 0; full == 0; i++) {
      assertThat(i).isLessThan(100);
      while (!log.flushes.isEmpty()) {
        next().refuse();
      }
      pass(100);
    }
    assertThat(time.now(TimeUnit.SECONDS)).isBetween(3L, 6L);
    assertThat(full).isEqualTo(1);
    assertThat(flusher.unkept()).containsExactly(new ModelEvent.Text("c"));
    boolean[] drained = new boolean[1];
    flusher.drain(() -> drained[0] = true);
    assertThat(drained[0]).isTrue();
    flusher.renew(Duration.ZERO);
    assertThat(next().events).as("it only renews").isEmpty();
  }

  @Test
  void whoEndsTheTurnDoesNotWaitForAFullStore() {
    say("a");
    next().refuse();
    boolean[] drained = new boolean[1];
    flusher.drain(() -> drained[0] = true);
    assertThat(drained[0]).isTrue();
    assertThat(flusher.unkept()).containsExactly(new ModelEvent.Text("a"));
    assertThat(full).isZero();
    pass(2000);
    assertThat(log.flushes).isEmpty();
  }

  @Test
  void theFirstIsWrittenAtOnceAndTheRestTogether() {
    say("a");
    FakeTurnLog.Flush first = next();
    assertThat(first.events).containsExactly(event("a"));
    first.answer();
    say("b", "c");
    pass(49);
    assertThat(log.flushes).isEmpty();
    say("d");
    pass(1);
    FakeTurnLog.Flush second = log.flushes.getFirst();
    assertThat(second.after).isEqualTo(1);
    assertThat(second.events).containsExactly(event("bcd"));
    answer();
    assertThat(kept).containsExactly("1:[a]", "2:[bcd]");
    pass(1000);
    assertThat(log.flushes).isEmpty();
    // After a silence the next one need not wait.
    say("e");
    assertThat(log.flushes).hasSize(1);
  }

  @Test
  void oneWriteIsOnItsWayAtATime() {
    say("a");
    say("b");
    pass(10_000);
    say("c");
    assertThat(log.flushes).hasSize(1);
    answer();
    assertThat(log.flushes).hasSize(1);
    assertThat(log.flushes.getFirst().events).containsExactly(event("bc"));
  }

  @Test
  void whatIsOfAnotherKindIsAnotherEvent() {
    say("a");
    answer();
    flusher.add(new ModelEvent.Reasoning("hm"));
    flusher.add(new ModelEvent.Reasoning("m"));
    say("b");
    flusher.add(new ModelEvent.ToolCall(0, "c1", "f", ""));
    flusher.add(new ModelEvent.ToolCall(0, null, null, "{\"x\":"));
    flusher.add(new ModelEvent.ToolCall(0, null, null, "1}"));
    flusher.add(new ModelEvent.ToolCall(1, "c2", "g", "{}"));
    pass(50);
    assertThat(log.flushes.getFirst().events)
        .containsExactly(
            Json.of("{\"reasoning\":\"hmm\"}"),
            event("b"),
            Json.of(
                "{\"toolCall\":{\"index\":0,\"id\":\"c1\",\"name\":\"f\","
                    + "\"arguments\":\"{\\\"x\\\":1}\"}}"),
            Json.of(
                "{\"toolCall\":{\"index\":1,\"id\":\"c2\",\"name\":\"g\",\"arguments\":\"{}\"}}"));
    answer();
    assertThat(flusher.last()).isEqualTo(5);
  }

  @Test
  void aSilenceIsRenewed() {
    say("a");
    answer();
    pass(1999);
    flusher.renew(Duration.ofSeconds(2));
    assertThat(log.flushes).isEmpty();
    pass(1);
    flusher.renew(Duration.ofSeconds(2));
    FakeTurnLog.Flush renewal = next();
    assertThat(renewal.events).isEmpty();
    assertThat(renewal.after).isEqualTo(1);
    // What comes meanwhile does not wait for it.
    say("b");
    FakeTurnLog.Flush spoken = next();
    assertThat(spoken.events).containsExactly(event("b"));
    spoken.answer();
    renewal.answer();
    assertThat(kept).containsExactly("1:[a]", "2:[b]");
    flusher.renew(Duration.ofSeconds(2));
    assertThat(log.flushes).isEmpty();
  }

  /**
   * A write may be large, and stand behind many large ones. It is not sent again, and what says
   * that the owner lives does not wait for it, nor for a renewal that got lost itself.
   */
  @Test
  void theLeaseIsRenewedWhileAWriteIsOnItsWay() {
    Duration silence = Duration.ofSeconds(2);
    say("a");
    FakeTurnLog.Flush slow = next();
    for (int i = 0; i < 10; i++) {
      pass(2000);
      flusher.renew(silence);
      FakeTurnLog.Flush renewal = next();
      assertThat(renewal.events).isEmpty();
      assertThat(renewal.after).isZero();
      flusher.renew(silence);
      assertThat(log.flushes).as("one at a time").isEmpty();
      if (i % 2 == 0) {
        renewal.answer();
      } else {
        // Nobody answers it, so after half of the lease there is another one.
        pass(2999);
        flusher.renew(silence);
        assertThat(log.flushes).isEmpty();
        pass(1);
        flusher.renew(silence);
        next().answer();
      }
    }
    pass(2000);
    flusher.renew(silence);
    next().fail(ProblemCode.STORE_UNAVAILABLE);
    flusher.renew(silence);
    next().answer();
    assertThat(kept).isEmpty();
    slow.answer();
    assertThat(kept).containsExactly("1:[a]");
    assertThat(counts.flushRetries()).isZero();
    assertThat(lost).isZero();
  }

  @Test
  void aRenewalTellsOfACancelAndOfALoss() {
    say("a");
    FakeTurnLog.Flush slow = next();
    pass(2000);
    log.cancel = Cancel.KEEP;
    flusher.renew(Duration.ofSeconds(2));
    answer();
    assertThat(cancels).containsExactly(Cancel.KEEP);
    pass(2000);
    log.lost = true;
    flusher.renew(Duration.ofSeconds(2));
    answer();
    assertThat(lost).isEqualTo(1);
    slow.answer();
    assertThat(lost).isEqualTo(1);
  }

  /** The store takes it and the answer is lost; or it takes nothing, for minutes. */
  @Test
  void aWriteThatFailsIsSentAgainUntilItIsAnswered() {
    say("a");
    answer();
    say("b");
    pass(50);
    log.flushes.getFirst().take();
    for (int i = 0; i < 200; i++) {
      FakeTurnLog.Flush again = next();
      assertThat(again.after).isEqualTo(1);
      assertThat(again.events).containsExactly(event("b"));
      again.fail(i % 2 == 0 ? ProblemCode.STORE_UNAVAILABLE : ProblemCode.OUTCOME_UNKNOWN);
      say("x");
      assertThat(log.flushes).isEmpty();
      pass(1000);
    }
    answer();
    assertThat(kept).containsExactly("1:[a]", "2:[b]");
    // The last sending was somewhere in the last second, perhaps a moment ago.
    pass(50);
    assertThat(log.flushes.getFirst().events).containsExactly(event("x".repeat(200)));
    answer();
    assertThat(log.events).containsExactly(event("a"), event("b"), event("x".repeat(200)));
    assertThat(lost).isZero();
    assertThat(counts.flushRetries()).isEqualTo(200);
  }

  @Test
  void whatGatheredIsWrittenInParts() {
    say("a");
    say("y".repeat(10_000).repeat(100));
    for (int i = 0; i < 200; i++) {
      say("z".repeat(8000));
    }
    int writes = 0;
    while (!log.flushes.isEmpty()) {
      FakeTurnLog.Flush flush = next();
      int bytes = flush.events.stream().mapToInt(Json::length).sum();
      // One piece is written as it came, whatever its length.
      assertThat(bytes).isLessThan(1_050_000);
      flush.answer();
      pass(50);
      writes++;
    }
    assertThat(writes).isGreaterThan(5);
    String all =
        log.events.stream()
            .map(ModelEventCodec::decode)
            .map(FlusherTest::text)
            .collect(Collectors.joining());
    assertThat(all).isEqualTo("a" + "y".repeat(1_000_000) + "z".repeat(1_600_000));
  }

  @Test
  void theOwnerIsToldOfACancelAndOfALoss() {
    say("a");
    log.cancel = Cancel.ROLLBACK;
    answer();
    assertThat(cancels).containsExactly(Cancel.ROLLBACK);
    say("b");
    pass(50);
    log.lost = true;
    answer();
    assertThat(lost).isEqualTo(1);
    say("c");
    flusher.ask();
    pass(60_000);
    flusher.renew(Duration.ofSeconds(2));
    assertThat(log.flushes).isEmpty();
  }

  /** The cancel came after the store had executed the write that was on its way. */
  @Test
  void whoIsWokenWhileAWriteIsOnItsWayAsksAgain() {
    say("a");
    FakeTurnLog.Flush early = next();
    flusher.ask();
    assertThat(log.flushes).isEmpty();
    early.answer();
    log.cancel = Cancel.KEEP;
    FakeTurnLog.Flush again = next();
    assertThat(again.events).isEmpty();
    again.answer();
    assertThat(cancels).containsExactly(Cancel.KEEP);
    pass(10_000);
    assertThat(log.flushes).isEmpty();
  }

  @Test
  void allIsWrittenBeforeTheEnd() {
    List<String> done = new ArrayList<>();
    say("a");
    say("b");
    flusher.drain(() -> done.add("end"));
    answer();
    assertThat(done).isEmpty();
    FakeTurnLog.Flush last = next();
    assertThat(last.events).containsExactly(event("b"));
    last.answer();
    assertThat(done).containsExactly("end");
  }

  @Test
  void whoHasNothingToWriteEndsAtOnce() {
    List<String> done = new ArrayList<>();
    flusher.drain(() -> done.add("end"));
    assertThat(done).containsExactly("end");

    say("a");
    answer();
    say("b");
    flusher.drain(() -> done.add("again"));
    // Without waiting for the next batch.
    assertThat(log.flushes).hasSize(1);
    answer();
    assertThat(done).containsExactly("end", "again");
  }

  private void say(String... texts) {
    for (String text : texts) {
      flusher.add(new ModelEvent.Text(text));
    }
  }

  /** The one write that is on its way. */
  private FakeTurnLog.Flush next() {
    assertThat(log.flushes).hasSize(1);
    return log.flushes.removeFirst();
  }

  private void answer() {
    next().answer();
  }

  private void pass(long millis) {
    time.advanceTimeBy(Duration.ofMillis(millis));
  }

  private static Json event(String text) {
    return Json.of("{\"text\":\"" + text + "\"}");
  }

  private static String text(ModelEvent piece) {
    return piece instanceof ModelEvent.Text(String text) ? text : piece.toString();
  }
}
