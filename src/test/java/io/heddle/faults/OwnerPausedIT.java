package io.heddle.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.redis.Scripts;
import io.heddle.testing.HttpConnection;
import io.heddle.testing.ModelScript;
import io.heddle.testing.RedisProcess;
import io.heddle.testing.ReplicaProcess;
import io.heddle.testing.ScriptedModel;
import io.heddle.testing.TcpProxy;
import io.heddle.testing.TcpProxy.Direction;
import io.heddle.testing.TcpProxy.Hold;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/**
 * The replica that runs a turn is stopped (SIGSTOP) for longer than the turn's lease. Another one
 * ends the turn or begins it again, and runs the one behind it. Then the first wakes up, and what
 * it had sent arrives: nothing of it may be accepted.
 *
 * <p>Where it is stopped is decided by a proxy between it and Redis, as in {@link PausedHolderIT}:
 * a write that is kept back as a request does reach Redis, while its sender still sleeps and cannot
 * think better of it.
 */
class OwnerPausedIT {
  private static final Duration LEASE = Duration.ofSeconds(2);
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final String WORDS = "one two three";
  private static final String BEHIND = TurnCalls.echo("behind ", "'tokens':100,'pace':'50ms'");
  private static final String BEHIND_SAID = "behind ".repeat(100);

  private final RedisProcess redis = RedisProcess.start();
  private final ScriptedModel model = ScriptedModel.start();
  private final TcpProxy proxy = TcpProxy.to(redis.uri());
  private final RedisView view = new RedisView(redis.uri());
  private ReplicaProcess paused;
  private Here other;
  private TurnCalls there;
  private TurnCalls here;
  private final List<String> figures = new ArrayList<>();

  @BeforeEach
  void start() {
    paused =
        ReplicaProcess.on(proxy.uri(), "paused-owner")
            .set("heddle.turns.lease", LEASE)
            .set("heddle.turns.renew-every", "500ms")
            // Its own patience must not be what saves the thread.
            .set("heddle.redis.timeout", "20s")
            .set("heddle.upstreams.scripted.base-url", model.baseUrl())
            .set("heddle.upstreams.scripted.models", "scripted")
            .launch();
    other =
        Here.start(
            "other",
            redis.uri(),
            "heddle.turns.lease=" + LEASE,
            "heddle.turns.renew-every=500ms",
            "heddle.upstreams.scripted.base-url=" + model.baseUrl(),
            "heddle.upstreams.scripted.models=scripted");
    // Then it tells of every command that it was sent.
    view.commands().configSet("slowlog-log-slower-than", "0");
    view.commands().configSet("slowlog-max-len", "4096");
    paused.awaitReady();
    there = new TurnCalls(paused.port());
    here = new TurnCalls(other.port());
  }

  @AfterEach
  void end() {
    there.close();
    here.close();
    paused.close();
    other.close();
    view.close();
    proxy.close();
    model.close();
    redis.close();
  }

  @Test
  void nothingOfAPausedOwnerIsAccepted() throws Exception {
    inTheMiddleOfItsAnswer();
    withItsEndOnTheWay();
    beforeItKnowsThatItOwnsTheTurn();
    beforeItKnowsThatItOwnsTheNextOne();
    System.out.println("OwnerPausedIT: lease=2s, accepted=0: " + String.join("; ", figures));
  }

  private void inTheMiddleOfItsAnswer() throws Exception {
    here.create("flush");
    String turn = there.begin("flush", TurnCalls.echo(WORDS, "'tokens':600,'pace':'20ms'"));
    try (TurnFollower follower = TurnFollower.of(other.port(), "flush", turn);
        TurnFollower atThePaused = TurnFollower.of(paused.port(), "flush", turn)) {
      Pair.await("it to speak").until(() -> follower.seq() > 3 && atThePaused.seq() > 3);
      String behind = here.begin("flush", BEHIND);
      Hold hold = hold(Direction.UPSTREAM, "turn-flush");
      long stopped = System.nanoTime();
      JsonNode end = follower.end(PATIENCE);
      assertThat(end.path("type").asString()).isEqualTo("turn.incomplete");
      assertThat(TurnFollower.answer(end)).isEqualTo(follower.text()).isNotEmpty();
      lateWritesMeetTheNextTurn("flush", turn, behind, hold);
      assertThat(here.texts("flush"))
          .containsExactly(
              "user:" + WORDS,
              "assistant:" + follower.text(),
              "user:behind ",
              "assistant:" + BEHIND_SAID);
      // Who followed where it was stopped is told the same.
      JsonNode late = atThePaused.end(PATIENCE);
      assertThat(late.path("type").asString()).isEqualTo("turn.incomplete");
      assertThat(atThePaused.text()).isEqualTo(follower.text());
      figures.add(
          "stopped while it spoke: reaped after %d ms, its late words refused while the next turn"
                  .formatted((follower.endedAt() - stopped) / 1_000_000)
              + " spoke");
    }
  }

  private void withItsEndOnTheWay() throws Exception {
    here.create("end");
    Hold hold = proxy.hold(Direction.UPSTREAM, seen -> isScript(seen, "turn-end"));
    try (TurnFollower caller =
        TurnFollower.order(paused.port(), "end", TurnCalls.echo(WORDS, "'pace':'20ms'"))) {
      String turn = caller.turn();
      stopAt(hold, "turn-end");
      try (TurnFollower follower = TurnFollower.of(other.port(), "end", turn)) {
        String behind = here.begin("end", BEHIND);
        JsonNode end = follower.end(PATIENCE);
        assertThat(end.path("type").asString()).isEqualTo("turn.incomplete");
        assertThat(TurnFollower.answer(end)).isEqualTo(WORDS).isEqualTo(follower.text());
        lateWritesMeetTheNextTurn("end", turn, behind, hold);
        JsonNode late = caller.end(PATIENCE);
        assertThat(late.path("type").asString())
            .as("its caller is told what is stored, not what it would have been")
            .isEqualTo("turn.incomplete");
        assertThat(TurnFollower.answer(late)).isEqualTo(WORDS).isEqualTo(caller.text());
        assertThat(here.texts("end"))
            .containsExactly(
                "user:" + WORDS, "assistant:" + WORDS, "user:behind ", "assistant:" + BEHIND_SAID);
        figures.add("stopped with its end on the way: refused while the next turn spoke");
      }
    }
  }

  private void beforeItKnowsThatItOwnsTheTurn() throws Exception {
    here.create("begin");
    model.next(ModelScript.say("from", " the", " other"));
    Hold hold = proxy.hold(Direction.DOWNSTREAM, seen -> isScript(seen, "turn-begin"));
    try (HttpConnection caller = paused.connect()) {
      String order = "{\"content\":\"who is there\",\"model\":\"scripted\"}";
      caller.send("POST", TurnCalls.path("begin") + "/turns", order, java.util.Map.of());
      stopAt(hold, "turn-begin");
      Pair.await("it to be begun").until(() -> !here.turns("begin", "running").isEmpty());
      String turn = here.turns("begin", "running").getFirst().path("id").asString();
      completes("begin", turn);
      completes("begin", here.begin("begin", TurnCalls.echo("behind", "'pace':'5ms'")));
      String before = here.everything("begin", turn);
      model.next(ModelScript.say("too", " late"));
      hold.release();
      paused.resume();
      // It asks the model, or learns first that the turn is not its own any more.
      Pair.await("the late attempt to be given up")
          .until(() -> paused.log().contains(turn + "/1: the turn is not run here any more"));
      isIdle();
      assertThat(model.requests().size()).as("calls of its model").isBetween(1, 2);
      assertThat(here.everything("begin", turn)).as("after the late attempt").isEqualTo(before);
      assertThat(here.texts("begin"))
          .containsExactly(
              "user:who is there", "assistant:from the other", "user:behind", "assistant:behind");
      figures.add("stopped before it knew that it owned it: run by the other as attempt 2");
    }
  }

  /**
   * It had started the turn that waited, and read only when it woke what it had started: that was
   * another one's second attempt by then. It ran that too, with the other's fence, so a model was
   * asked twice and the one who had answered first lost.
   */
  private void beforeItKnowsThatItOwnsTheNextOne() throws Exception {
    here.create("next");
    int asked = model.requests().size();
    if (asked == 1) {
      // Nobody took what was meant for the late attempt.
      here.create("spare");
      completes("spare", here.begin("spare", "{\"content\":\"x\",\"model\":\"scripted\"}"));
      asked++;
    }
    int before = asked;
    model.next(
        ModelScript.stream()
            .text("from")
            .pause(Duration.ofSeconds(4))
            .text(" the other")
            .finish("stop")
            .usage(1, 2)
            .done());
    model.next(ModelScript.say("from", " the one that slept"));
    there.begin("next", TurnCalls.echo("first ", "'tokens':30,'pace':'20ms'"));
    String second = there.begin("next", "{\"content\":\"second\",\"model\":\"scripted\"}");
    Hold hold = hold(Direction.DOWNSTREAM, "turn-next");
    try (TurnFollower follower = TurnFollower.of(other.port(), "next", second)) {
      Pair.await("the other to run it").until(() -> follower.seq() > 0);
      hold.release();
      paused.resume();
      JsonNode end = follower.end(PATIENCE);
      isIdle();
      assertThat(model.requests()).as("calls of its model").hasSize(before + 1);
      assertThat(end.path("type").asString()).isEqualTo("turn.completed");
      assertThat(TurnFollower.answer(end)).isEqualTo("from the other").isEqualTo(follower.text());
      figures.add("stopped before it knew that it owned the next one: left to the other");
    }
  }

  private static boolean isScript(TcpProxy.Request seen, String script) {
    return seen.argument().equals(Scripts.sha(script));
  }

  private Hold hold(Direction direction, String script) throws InterruptedException {
    Hold hold = proxy.hold(direction, seen -> isScript(seen, script));
    stopAt(hold, script);
    return hold;
  }

  private void stopAt(Hold hold, String script) throws InterruptedException {
    assertThat(hold.await(Duration.ofSeconds(10))).as("%s is kept back", script).isTrue();
    paused.pause();
  }

  private void completes(String session, String turn) throws IOException {
    Pair.await("the turn to complete")
        .pollInterval(Duration.ofMillis(20))
        .until(() -> here.turn(session, turn).path("status").asString().equals("completed"));
  }

  /** What it had sent, and what it does when it wakes, meets the turn that runs by then. */
  private void lateWritesMeetTheNextTurn(String session, String turn, String behind, Hold hold)
      throws Exception {
    try (TurnFollower next = TurnFollower.of(other.port(), session, behind)) {
      Pair.await("the next one to speak").until(() -> next.seq() > 3);
      String before = here.everything(session, turn);
      String stored = here.stored(session, turn);
      view.commands().slowlogReset();
      hold.release();
      // Its sender still sleeps, so it cannot have thought better of it: Redis refuses it.
      Pair.await("what it had sent to reach Redis")
          .until(() -> view.commands().slowlogGet(4096).toString().contains(turn));
      assertThat(here.everything(session, turn)).as("%s, asleep", session).isEqualTo(before);
      assertThat(next.isOver()).as("the next one has ended").isFalse();
      paused.resume();
      isIdle();
      assertThat(next.end(PATIENCE).path("type").asString()).isEqualTo("turn.completed");
      assertThat(next.text()).isEqualTo(BEHIND_SAID);
      assertThat(here.stored(session, turn)).as("%s, awake", session).isEqualTo(stored);
    }
  }

  /** It runs nothing any more. */
  private void isIdle() {
    Pair.await("the one that was stopped to give up")
        .ignoreExceptions()
        .pollInterval(Duration.ofMillis(50))
        .until(() -> {
          try (HttpConnection connection = paused.connect()) {
            return connection
                    .get("/actuator/metrics/heddle.turns.running")
                    .json()
                    .path("measurements")
                    .path(0)
                    .path("value")
                    .asDouble(-1)
                == 0;
          }
        });
  }
}
