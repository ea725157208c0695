package io.heddle.live;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Position;
import io.heddle.json.Json;
import io.heddle.live.LiveFixture.Loop;
import io.heddle.live.LiveFixture.Tap;
import io.heddle.session.Change;
import io.heddle.session.Turn;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What watchers are told of a turn while it runs. */
class RunningTurnTrackerTest {

  private static final JsonMapper JSON = new JsonMapper();
  private static final String T1 = "trn_0000000000000001_s";
  private static final String T2 = "trn_0000000000000002_s";

  private final LiveFixture world = new LiveFixture();
  private final Loop loop = new Loop();

  @BeforeEach
  void session() {
    world.write("first");
  }

  @AfterEach
  void close() {
    world.close();
  }

  private Tap watch() {
    return watch(null);
  }

  private Tap watch(Position since) {
    Tap tap = world.watch(loop, since);
    loop.run();
    return tap;
  }

  private void tick() {
    world.hubs.tick(System.nanoTime());
    loop.run();
  }

  private static JsonNode json(Frame frame) {
    return JSON.readTree(frame.utf8());
  }

  // ---- the usual course

  @Test
  void whoIsThereFromTheStartGetsEachBit() {
    Tap tap = watch();
    world.start(T1);
    world.say(T1, "Hel", "lo");
    world.say(T1, " you");
    world.end(T1);
    loop.run();
    assertThat(tap.types())
        .containsExactly(
            "snapshot", "turn.started", "turn.delta", "turn.delta", "turn.delta", "turn.completed");
    assertThat(new String(tap.frames.get(2).utf8(), StandardCharsets.UTF_8))
        .isEqualTo(
            "{\"type\":\"turn.delta\",\"session\":\"s\",\"turn\":\""
                + T1
                + "\",\"seq\":1,\"text\":\"Hel\"}");
    assertThat(tap.frames.get(2).eventId()).isNull();
    assertThat(world.turnReads).isZero();
    assertThat(world.headReads).isZero();
  }

  @Test
  void everyKindOfBitHasItsOwnType() {
    Tap tap = watch();
    world.start(T1);
    List<Json> events =
        List.of(
            Json.of("{\"reasoning\":\"hm\"}"),
            Json.of("{\"refusal\":\"no\"}"),
            Json.of(
                "{\"toolCall\":{\"index\":0,\"id\":\"call_1\",\"name\":\"f\",\"arguments\":\"{\\\"a\"}}"),
            Json.of("{\"toolCall\":{\"index\":0,\"arguments\":\"\\\":1}\"}}"),
            Json.of("{\"text\":\"über\"}"));
    world.hear(world.message(T1, events));
    loop.run();
    assertThat(tap.types().subList(2, 7))
        .containsExactly(
            "turn.reasoning", "turn.refusal", "turn.toolCall", "turn.toolCall", "turn.delta");
    assertThat(json(tap.frames.get(2)).path("text").asString()).isEqualTo("hm");
    assertThat(json(tap.frames.get(4)).path("name").asString()).isEqualTo("f");
    assertThat(json(tap.frames.get(5)).has("name")).isFalse();

    Frame soFar = watch().frames.getLast();
    assertThat(soFar.type()).isEqualTo("turn.text");
    assertThat(json(soFar).path("text").asString()).isEqualTo("über");
    assertThat(json(soFar).path("reasoning").asString()).isEqualTo("hm");
    assertThat(json(soFar).path("refusal").asString()).isEqualTo("no");
    assertThat(json(soFar).path("toolCalls").toString())
        .isEqualTo(
            "[{\"index\":0,\"id\":\"call_1\",\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}]");
  }

  @Test
  void allWatchersGetTheSameFrame() {
    Tap one = watch();
    Tap two = world.watch(new Loop(), null);
    two.loop.run();
    world.start(T1);
    world.say(T1, "x");
    loop.run();
    two.loop.run();
    assertThat(one.frames.getLast()).isSameAs(two.frames.getLast());
  }

  // ---- who comes late

  @Test
  void whoComesWhileATurnRunsGetsTheTextSoFarAndThenEachBit() {
    world.start(T1);
    world.say(T1, "a", "b");
    Tap tap = watch();
    world.say(T1, "c");
    loop.run();
    assertThat(tap.types()).containsExactly("snapshot", "turn.text", "turn.delta");
    assertThat(json(tap.frames.get(1)).path("text").asString()).isEqualTo("ab");
    assertThat(json(tap.frames.get(1)).path("seq").asInt()).isEqualTo(2);
    assertThat(json(tap.frames.get(2)).path("seq").asInt()).isEqualTo(3);
  }

  @Test
  void theLogIsReadOncePerSessionAndNotPerWatcher() {
    world.start(T1);
    world.say(T1, "a", "b");
    for (int i = 0; i < 20; i++) {
      Tap tap = watch();
      assertThat(tap.types()).containsExactly("snapshot", "turn.text");
      world.say(T1, "x");
      loop.run();
      assertThat(tap.types()).endsWith("turn.delta");
    }
    assertThat(world.turnReads).isEqualTo(1);
  }

  /** It names a position, so no snapshot tells it that a turn runs; the session is asked once. */
  @Test
  void whoComesBackWhileATurnRunsGetsTheTextToo() {
    Position seen = world.start(T1);
    world.say(T1, "a", "b");
    Tap one = watch(seen);
    Tap two = watch(seen);
    assertThat(one.types()).containsExactly("turn.text");
    assertThat(two.types()).containsExactly("turn.text");
    assertThat(world.headReads).isEqualTo(1);
    assertThat(world.turnReads).isEqualTo(1);
  }

  @Test
  void whoComesBackToNoTurnIsToldOfNone() {
    world.start(T1);
    world.say(T1, "a");
    Position seen = world.end(T1);
    Tap tap = watch(seen);
    assertThat(tap.types()).isEmpty();
    world.start(T2);
    world.say(T2, "b");
    loop.run();
    assertThat(tap.types()).containsExactly("turn.started", "turn.delta");
  }

  @Test
  void whatIsSaidWhileTheLogIsReadComesOnce() {
    world.start(T1);
    world.say(T1, "a");
    world.answersWait = true;
    Tap tap = watch();
    world.answer();
    loop.run();
    assertThat(tap.types()).containsExactly("snapshot");
    world.say(T1, "b");
    world.say(T1, "c");
    world.answer();
    loop.run();
    assertThat(tap.types()).containsExactly("snapshot", "turn.text", "turn.delta", "turn.delta");
    assertThat(text(tap, T1)).isEqualTo("abc");
    assertThat(world.turnReads).isEqualTo(1);
  }

  /** What the owner published before the hub was told of the start is in the log. */
  @Test
  void wordsThatOvertakeTheStartAreReadFromTheLog() {
    Tap tap = watch();
    world.turn = T1;
    world.said.put(T1, new ArrayList<>());
    world.say(T1, "early");
    loop.run();
    assertThat(tap.types()).containsExactly("snapshot");
    world.change(new Change.TurnStarted(T1, List.of()));
    loop.run();
    assertThat(tap.types()).containsExactly("snapshot", "turn.started", "turn.text");
  }

  /** The session was asked which turn runs, and the next turn began before the answer came. */
  @Test
  void whatIsSaidWhileTheSessionIsAskedComesWithTheAnswer() {
    world.answersWait = true;
    Tap tap = watch(world.now());
    world.answerOne();
    loop.run();
    assertThat(world.headReads).isEqualTo(1);
    world.start(T1);
    world.say(T1, "a");
    loop.run();
    world.answer();
    loop.run();
    assertThat(tap.types()).containsExactly("turn.started", "turn.delta");
  }

  @Test
  void aTurnThatBeginsWhileTheLogOfAnotherIsReadIsHeardAtOnce() {
    Tap tap = watch();
    world.start(T1);
    world.answersWait = true;
    world.message(T1, "a");
    world.say(T1, "b");
    world.end(T1);
    world.start(T2);
    world.say(T2, "c");
    world.say(T2, "d");
    loop.run();
    world.answer();
    loop.run();
    assertThat(tap.types())
        .containsExactly(
            "snapshot",
            "turn.started",
            "turn.completed",
            "turn.started",
            "turn.delta",
            "turn.delta");
  }

  // ---- holes

  @Test
  void aHoleIsFilledFromTheLog() {
    Tap tap = watch();
    world.start(T1);
    world.say(T1, "a");
    world.message(T1, "b");
    world.say(T1, "c");
    world.say(T1, "d");
    loop.run();
    assertThat(tap.types())
        .containsExactly("snapshot", "turn.started", "turn.delta", "turn.text", "turn.delta");
    assertThat(text(tap, T1)).isEqualTo("abcd");
  }

  @Test
  void aHoleThatTheLogCannotFillYetIsNotAskedForInALoop() {
    Tap tap = watch();
    world.start(T1);
    world.hear(Json.of("{\"turn\":\"" + T1 + "\",\"seq\":9,\"events\":[{\"text\":\"x\"}]}"));
    world.hear(Json.of("{\"turn\":\"" + T1 + "\",\"seq\":9,\"events\":[{\"text\":\"x\"}]}"));
    loop.run();
    assertThat(tap.types()).containsExactly("snapshot", "turn.started");
    assertThat(world.turnReads).isEqualTo(2);
  }

  @Test
  void aTurnOfWhichNothingIsHeardIsLookedAtOnceASecond() {
    Tap tap = watch();
    world.start(T1);
    world.say(T1, "a");
    tick();
    assertThat(world.turnReads).isZero();
    world.message(T1, "b");
    tick();
    assertThat(text(tap, T1)).isEqualTo("ab");
    assertThat(world.turnReads).isEqualTo(1);
    tick();
    assertThat(world.turnReads).isEqualTo(2);
    assertThat(tap.types()).endsWith("turn.text");
    world.say(T1, "c");
    tick();
    assertThat(world.turnReads).isEqualTo(2);
    world.end(T1);
    tick();
    tick();
    assertThat(world.turnReads).isEqualTo(2);
  }

  @Test
  void whatTheLogCouldNotTellIsAskedForAgain() {
    Tap tap = watch();
    world.start(T1);
    world.unavailable = true;
    world.message(T1, "a");
    world.say(T1, "b");
    loop.run();
    world.unavailable = false;
    tick();
    assertThat(text(tap, T1)).isEqualTo("ab");
  }

  /** A hub that was told of no start hears a turn, and asks. */
  @Test
  void aTurnWhoseStartWasMissedIsFound() {
    Tap tap = watch();
    Position started = world.start(T1);
    assertThat(started).isEqualTo(world.now());
    world.end(T1);
    loop.run();
    // Nobody is told of this start: as if the push link had lost it.
    world.turn = T2;
    world.said.put(T2, new ArrayList<>());
    world.silently("x");
    world.say(T2, "a");
    tick();
    tick();
    assertThat(world.headReads).isEqualTo(1);
    assertThat(tap.types()).doesNotContain("turn.text");
    world.lose();
    world.write("y");
    tick();
    assertThat(tap.types()).endsWith("message.appended", "message.appended", "turn.text");
  }

  // ---- the end

  @Test
  void nothingIsToldOfATurnAfterItsEnd() {
    Tap tap = watch();
    world.start(T1);
    world.say(T1, "a");
    Json late = world.message(T1, "b");
    world.end(T1);
    world.hear(late);
    loop.run();
    tick();
    tick();
    assertThat(tap.types())
        .containsExactly("snapshot", "turn.started", "turn.delta", "turn.completed");
    assertThat(world.headReads).isZero();
  }

  @Test
  void twoTurnsAfterEachOther() {
    Tap tap = watch();
    world.start(T1);
    world.say(T1, "a");
    world.change(new Change.TurnQueued(T2, 1));
    world.end(T1);
    world.start(T2);
    world.say(T2, "b");
    loop.run();
    Tap late = watch();
    world.say(T2, "c");
    world.end(T2);
    loop.run();
    assertThat(tap.types())
        .containsExactly(
            "snapshot",
            "turn.started",
            "turn.delta",
            "turn.queued",
            "turn.completed",
            "turn.started",
            "turn.delta",
            "turn.delta",
            "turn.completed");
    assertThat(late.types())
        .containsExactly("snapshot", "turn.text", "turn.delta", "turn.completed");
    assertThat(text(late, T2)).isEqualTo("bc");
  }

  @Test
  void theEndOfAQueuedTurnIsNotThatOfTheRunningOne() {
    Tap tap = watch();
    world.start(T1);
    world.say(T1, "a");
    world.change(
        new Change.TurnEnded(
            T2, Turn.Status.CANCELLED, Json.of("{\"a\":1}"), List.of(), List.of()));
    world.say(T1, "b");
    loop.run();
    assertThat(tap.types())
        .containsExactly("snapshot", "turn.started", "turn.delta", "turn.cancelled", "turn.delta");
  }

  /** The watch has read further than its hub was told. */
  @Test
  void aWatchThatIsAheadOfItsHubHearsNothingOfATurnThatHasEnded() {
    Tap first = watch();
    world.start(T1);
    loop.run();
    Position seen = world.now();
    world.silentlyEnd(T1);
    Tap ahead = watch(seen);
    assertThat(ahead.types()).containsExactly("turn.completed");
    world.hear(Json.of("{\"turn\":\"" + T1 + "\",\"seq\":1,\"events\":[{\"text\":\"x\"}]}"));
    loop.run();
    assertThat(ahead.types()).containsExactly("turn.completed");
    assertThat(first.types()).containsExactly("snapshot", "turn.started", "turn.delta");
  }

  @Test
  void anotherHistoryBeginsTheTurnAnew() {
    Tap tap = watch();
    world.start(T1);
    world.say(T1, "a", "b");
    loop.run();
    world.said.get(T1).removeLast();
    world.restore(4);
    loop.run();
    assertThat(tap.types()).endsWith("gap", "snapshot", "turn.text");
    assertThat(json(tap.frames.getLast()).path("text").asString()).isEqualTo("a");
    world.say(T1, "c");
    loop.run();
    assertThat(text(tap, T1)).isEqualTo("ac");
  }

  // ---- slow watchers

  @Test
  void aSlowWatcherGetsTheTextSoFarWhenItHasRoom() {
    Tap slow = watch();
    Tap quick = watch();
    world.start(T1);
    world.say(T1, "a");
    loop.run();
    slow.writable = false;
    for (int i = 0; i < 100; i++) {
      world.say(T1, "x");
    }
    loop.run();
    assertThat(slow.types()).endsWith("turn.started", "turn.delta");
    assertThat(quick.types()).filteredOn("turn.delta"::equals).hasSize(101);
    slow.writable = true;
    slow.watch.writable();
    assertThat(slow.types()).endsWith("turn.delta", "turn.text");
    world.say(T1, "b");
    loop.run();
    assertThat(text(slow, T1)).isEqualTo("a" + "x".repeat(100) + "b");
    assertThat(world.turnReads).isZero();
  }

  @Test
  void aSlowWatcherOfATurnThatHasEndedMeanwhileGetsItsEnd() {
    Tap slow = watch();
    world.start(T1);
    loop.run();
    slow.writable = false;
    world.say(T1, "a");
    world.end(T1);
    loop.run();
    slow.writable = true;
    slow.watch.writable();
    loop.run();
    assertThat(slow.types()).containsExactly("snapshot", "turn.started", "turn.completed");
  }

  /** What a client shows: it puts deltas behind what it has, and replaces it by a text. */
  private static String text(Tap tap, String turn) {
    String text = "";
    for (Frame frame : tap.frames) {
      if (frame.spoken() != null && frame.spoken().turn().equals(turn)) {
        String told = json(frame).path("text").asString();
        text = frame.type().equals("turn.text") ? told : text + told;
      }
    }
    return text;
  }

  /**
   * Whatever is lost, late, overtaken or slow: no watcher is told a bit twice or out of order, of a
   * turn that it was not told to run, or after its end; and while a turn goes on, each comes to
   * have all of its text.
   */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20})
  void allOfItInOrderAndNothingAfterTheEnd(long seed) {
    Random random = new Random(seed);
    List<Loop> loops = List.of(new Loop(), new Loop());
    List<Tap> taps = new ArrayList<>();
    List<Position> all = new ArrayList<>(List.of(world.now()));
    int turns = 0;
    world.answersWait = true;
    for (int step = 0; step < 4000; step++) {
      String turn = world.turn;
      switch (random.nextInt(18)) {
        case 0 -> {
          if (turn == null && random.nextInt(3) == 0) {
            all.add(world.start(String.format("trn_%016d_s", ++turns)));
          }
        }
        case 1 -> {
          if (turn != null && random.nextInt(12) == 0) {
            all.add(world.end(turn));
          }
        }
        case 2, 3, 4, 5 -> {
          if (turn != null) {
            world.say(turn, step + ",", ";");
          }
        }
        case 6 -> {
          if (turn != null) {
            world.message(turn, step + ",");
          }
        }
        case 7 -> all.add(world.write("x"));
        case 8 -> {
          if (random.nextInt(4) == 0) {
            all.add(world.writeLarge("x"));
          }
        }
        case 9, 10 -> world.answerOne();
        case 11, 12, 13 -> loops.get(random.nextInt(2)).runOne();
        case 14 -> {
          if (taps.size() < 8) {
            Position from = random.nextBoolean() ? null : all.get(random.nextInt(all.size()));
            taps.add(world.watch(loops.get(random.nextInt(2)), from));
          }
        }
        case 15 -> {
          if (!taps.isEmpty()) {
            Tap tap = taps.get(random.nextInt(taps.size()));
            tap.writable = !tap.writable;
            if (tap.writable) {
              tap.watch.writable();
            }
          }
        }
        case 16 -> {
          if (turn != null && random.nextInt(6) == 0) {
            all.add(world.silentlyEnd(turn));
            world.lose();
          }
        }
        default -> world.hubs.tick(System.nanoTime());
      }
    }
    world.lose();
    world.compare();
    if (world.turn == null) {
      world.start("trn_lastlastlastlast_s");
    }
    world.message(world.turn, "last");
    settle(loops, taps);
    for (int i = 0; i < taps.size(); i++) {
      check("watcher " + i, taps.get(i));
    }
  }

  private void settle(List<Loop> loops, List<Tap> taps) {
    world.answersWait = false;
    taps.forEach(tap -> tap.writable = true);
    for (int i = 0; i < 10; i++) {
      taps.forEach(tap -> tap.watch.writable());
      world.answer();
      loops.forEach(Loop::run);
      world.hubs.tick(System.nanoTime());
      loops.forEach(Loop::run);
    }
  }

  private void check(String name, Tap tap) {
    List<String> ended = new ArrayList<>();
    String turn = null;
    long seq = 0;
    String text = "";
    for (Frame frame : tap.frames) {
      if (frame.spoken() == null) {
        if (frame.turn() != null && !frame.type().equals("turn.started")) {
          ended.add(frame.turn());
        }
        continue;
      }
      assertThat(ended).as(name).doesNotContain(frame.spoken().turn());
      if (!frame.spoken().turn().equals(turn)) {
        turn = frame.spoken().turn();
        seq = 0;
        text = "";
      }
      String told = json(frame).path("text").asString();
      if (frame.type().equals("turn.text")) {
        assertThat(frame.spoken().seq()).as(name).isGreaterThan(seq);
        text = told;
      } else {
        assertThat(frame.spoken().seq()).as(name).isEqualTo(seq + 1);
        text += told;
      }
      seq = frame.spoken().seq();
      assertThat(text).as(name).isEqualTo(logged(turn).substring(0, text.length()));
    }
    assertThat(turn).as(name).isEqualTo(world.turn);
    assertThat(text).as(name).isEqualTo(logged(turn));
  }

  private String logged(String turn) {
    StringBuilder all = new StringBuilder();
    world
        .said
        .get(turn)
        .forEach(event -> all.append(JSON.readTree(event.utf8()).path("text").asString()));
    return all.toString();
  }
}
