package io.heddle.turn;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.ByteBudget;
import io.heddle.base.ByteBudget.Hold;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.embedded.EmbeddedEngine;
import io.heddle.session.Turn;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What a turn holds of the bytes in flight. */
class TurnMemoryTest extends TurnsSuite {

  private static final int SHARE = 512 << 10;

  private static EmbeddedEngine engine;

  private final ByteBudget budget = new ByteBudget(2 * SHARE, SHARE, SHARE);

  @BeforeAll
  static void open() {
    engine = Replica.embedded();
  }

  @AfterAll
  static void shut() {
    engine.close();
  }

  @Override
  Replica.Ports ports() {
    return Replica.Ports.of(engine);
  }

  @Override
  Replica replica() {
    Replica replica =
        new Replica(ports(), model, settings, Map.of("heddle.limits.enabled", "false"), budget);
    replicas.add(replica);
    return replica;
  }

  @Test
  void anAnswerThatGoesOverTheBudgetEndsThereAndKeepsWhatWasSaid() {
    Replica replica = replica();
    create(replica);
    try (Hold others = budget.hold(caller.holder())) {
      assertThat(others.tryGrow(SHARE / 2)).isTrue();
      Tape tape = new Tape(replica, begin(replica, order("go on")).value().id(), 0);
      FakeModel.Call call = model.next();
      for (int i = 0; i < 20; i++) {
        call.says("x".repeat(10_000));
      }

      TurnEvent.Ended end = tape.end();
      assertThat(end.turn().status()).isEqualTo(Turn.Status.INCOMPLETE);
      assertThat(String.valueOf(end.turn().end())).contains("overloaded");
      assertThat(end.messages()).hasSize(1);
      assertThat(tape.text()).startsWith("xxxx").hasSizeLessThan(SHARE / 2);
      await().until(call::isCancelled);
      await().until(() -> budget.used() == SHARE / 2);
    }
  }

  /** Before the model is asked: it would be paid for. */
  @Test
  void aTurnWithoutRoomForWhatTheModelIsToldDoesNotAskIt() {
    Replica replica = replica();
    create(replica);
    try (Hold others = budget.hold(caller.holder())) {
      assertThat(others.tryGrow(SHARE - 1000)).isTrue();
      Tape tape = new Tape(replica, begin(replica, order("y".repeat(20_000))).value().id(), 0);

      assertThat(tape.end().turn().status()).isEqualTo(Turn.Status.FAILED);
      assertThat(String.valueOf(tape.end().turn().end())).contains("overloaded");
      assertThat(model.isAsked()).isFalse();
    }
  }

  @Test
  void aSmallTurnHoldsNothing() {
    Replica replica = replica();
    create(replica);
    Tape tape = new Tape(replica, begin(replica, order("hi")).value().id(), 0);
    model.next().says("hello").finishes();

    assertThat(tape.end().turn().status()).isEqualTo(Turn.Status.COMPLETED);
    assertThat(budget.used()).isZero();
  }

  @Test
  void whateverEndsATurnGivesItBack() {
    Replica replica = replica();
    create(replica);
    String said = "z".repeat(30_000);

    Tape finished = new Tape(replica, begin(replica, order("1")).value().id(), 0);
    FakeModel.Call call = model.next().says(said);
    await().until(() -> budget.used() > 100_000);
    call.finishes();
    assertThat(finished.end().turn().status()).isEqualTo(Turn.Status.COMPLETED);
    await().until(() -> budget.used() == 0);

    Tape failed = new Tape(replica, begin(replica, order("2")).value().id(), 0);
    model.next().says(said).fails(Problem.of(ProblemCode.MODEL_TIMEOUT, "too slow").toException());
    assertThat(failed.end().turn().status()).isEqualTo(Turn.Status.FAILED);
    await().until(() -> budget.used() == 0);

    Tape broken = new Tape(replica, begin(replica, order("3")).value().id(), 0);
    model.next().says(said).breaksOff();
    assertThat(broken.end().turn().status()).isEqualTo(Turn.Status.FAILED);
    await().until(() -> budget.used() == 0);

    String turn = begin(replica, order("4")).value().id();
    Tape cancelled = new Tape(replica, turn, 0);
    model.next().says(said);
    await().until(() -> budget.used() > 100_000);
    get(replica.turns.cancel(request(caller), turn));
    assertThat(cancelled.end().turn().status()).isEqualTo(Turn.Status.CANCELLED);
    await().until(() -> budget.used() == 0);

    // And with its replica.
    begin(replica, order("5"));
    model.next().says(said);
    await().until(() -> budget.used() > 100_000);
    replica.close();
    await().until(() -> budget.used() == 0);
    assertThat(budget.holders()).isZero();
  }
}
