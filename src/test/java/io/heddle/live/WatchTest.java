package io.heddle.live;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Position;
import io.heddle.live.LiveFixture.Loop;
import io.heddle.live.LiveFixture.Tap;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WatchTest {

  private final LiveFixture world = new LiveFixture();
  private final Loop loop = new Loop();

  @AfterEach
  void close() {
    world.close();
  }

  @Test
  void beginsWithASnapshotAndGoesOn() {
    world.write("1");
    Tap tap = world.watch(loop, null);
    loop.run();
    world.write("2");
    world.write("3");
    loop.run();
    assertThat(tap.types()).containsExactly("snapshot", "message.appended", "message.appended");
    assertThat(new String(tap.frames.get(1).utf8(), java.nio.charset.StandardCharsets.UTF_8))
        .isEqualTo(
            "{\"type\":\"message.appended\",\"session\":\"s\",\"position\":\"2-a0000002\","
                + "\"messages\":[{\"content\":\"2\"}]}");
    assertThat(world.logReads).isZero();
  }

  @Test
  void whatHappensWhileTheLogIsReadComesOnceAndInOrder() {
    Position seen = world.write("1");
    world.write("2");
    world.answersWait = true;
    Tap tap = world.watch(loop, seen);
    world.write("3");
    loop.run();
    // The answer is of before 3 was written.
    world.answer();
    world.write("4");
    loop.run();
    assertThat(tap.versions()).containsExactly(2L, 3L, 4L);
  }

  @Test
  void aLongHistoryIsReadInPieces() {
    Position seen = world.write("1");
    for (int i = 0; i < 1000; i++) {
      world.write("x");
    }
    Tap tap = world.watch(loop, seen);
    loop.run();
    assertThat(tap.versions()).isEqualTo(LongStream.rangeClosed(2, 1001).boxed().toList());
  }

  @Test
  void aPositionThatTheLogDoesNotHoldIsAGapAndASnapshot() {
    Position seen = world.write("1");
    for (int i = 0; i < 10; i++) {
      world.write("x");
    }
    world.trim(3);
    Tap tap = world.watch(loop, seen);
    loop.run();
    world.write("next");
    loop.run();
    assertThat(tap.types()).containsExactly("gap", "snapshot", "message.appended");
    assertThat(world.hubs.gaps()).isEqualTo(1);
  }

  @Test
  void aSessionThatIsNotThereIsRefused() {
    Tap tap = world.watch(loop, null);
    loop.run();
    assertThat(tap.refused).isNotNull();
    assertThat(tap.frames).isEmpty();
    nothingIsLeft();
  }

  @Test
  void theEndOfTheSessionIsTheEndOfTheWatch() {
    Position seen = world.write("1");
    Tap tap = world.watch(loop, null);
    loop.run();
    world.delete();
    loop.run();
    assertThat(tap.types()).containsExactly("snapshot", "session.deleted");
    assertThat(tap.ended).isTrue();
    Tap later = world.watch(loop, seen);
    loop.run();
    assertThat(later.types()).containsExactly("session.deleted");
    nothingIsLeft();
  }

  @Test
  void aFullConnectionIsFedFromTheLogWhenItHasRoom() {
    world.write("1");
    Tap slow = world.watch(loop, null);
    Tap quick = world.watch(loop, null);
    loop.run();
    slow.writable = false;
    for (int i = 0; i < 500; i++) {
      world.write("x");
    }
    loop.run();
    assertThat(slow.types()).containsExactly("snapshot");
    assertThat(quick.versions()).hasSize(500);
    assertThat(world.logReads).isZero();
    slow.writable = true;
    slow.watch.writable();
    loop.run();
    world.write("last");
    loop.run();
    assertThat(slow.versions()).isEqualTo(LongStream.rangeClosed(2, 502).boxed().toList());
  }

  @Test
  void aConnectionThatIsFullAgainWhileItReadsWaitsForRoom() {
    Position seen = world.write("1");
    for (int i = 0; i < 600; i++) {
      world.write("x");
    }
    Tap tap = world.watch(loop, seen);
    tap.writable = false;
    loop.run();
    assertThat(tap.versions()).hasSize(WatchContext.LOG_READ);
    tap.watch.writable();
    loop.run();
    assertThat(tap.versions()).hasSize(2 * WatchContext.LOG_READ);
    tap.writable = true;
    tap.watch.writable();
    loop.run();
    assertThat(tap.versions()).hasSize(600);
  }

  /**
   * A session was deleted and made again while a newcomer's snapshot was on its way, which was of
   * the new one then. The newcomer's hub had ended with the old one: it stayed, and was never told
   * anything any more.
   */
  @Test
  void aSnapshotOfALaterSessionIsNotTheBeginningOfSilence() {
    world.write("1");
    Tap there = world.watch(loop, null);
    loop.run();
    world.readsWait = true;
    Tap tap = world.watch(loop, null);
    world.delete();
    world.ended = null;
    world.write("another");
    world.answer();
    loop.run();
    assertThat(there.types()).endsWith("session.deleted");
    assertThat(tap.types()).containsExactly("snapshot", "session.deleted");
    assertThat(tap.ended).isTrue();
    nothingIsLeft();
  }

  /** The full connection had no room for the gap, but for the snapshot that came after it. */
  @Test
  void aConnectionThatHasNoRoomForAGapIsToldOfItLater() {
    world.write("1");
    Tap tap = world.watch(loop, null);
    loop.run();
    tap.fullFor = 1;
    world.restore(3);
    loop.run();
    assertThat(tap.types()).containsExactly("snapshot");
    tap.watch.writable();
    loop.run();
    assertThat(tap.types()).containsExactly("snapshot", "gap", "snapshot");
    assertThat(tap.frames.getLast().position()).isEqualTo(world.now());
  }

  @Test
  void framesThatWaitGoOutInOneFlush() {
    world.write("1");
    Tap tap = world.watch(loop, null);
    loop.run();
    int before = tap.flushes;
    for (int i = 0; i < 50; i++) {
      world.write("x");
    }
    loop.run();
    assertThat(tap.versions()).hasSize(50);
    assertThat(tap.flushes).isEqualTo(before + 1);
  }

  @Test
  void everyWatcherIsGivenTheSameFrame() {
    world.write("1");
    Tap one = world.watch(loop, null);
    Tap two = world.watch(new Loop(), null);
    loop.run();
    two.loop.run();
    world.write("2");
    loop.run();
    two.loop.run();
    assertThat(one.frames.getLast()).isSameAs(two.frames.getLast());
  }

  /**
   * Whatever comes in whatever order (changes without a body, changes that nobody was told of,
   * answers that arrive late, connections that are full), each watcher sees every change after its
   * snapshot once and in order, and nothing is left when all have gone.
   */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20})
  void everyChangeOnceAndInOrder(long seed) {
    Random random = new Random(seed);
    List<Loop> loops = List.of(new Loop(), new Loop());
    List<Tap> taps = new ArrayList<>();
    List<Position> since = new ArrayList<>();
    List<Position> all = new ArrayList<>(List.of(world.write("first")));
    world.answersWait = true;
    for (int step = 0; step < 3000; step++) {
      switch (random.nextInt(14)) {
        case 0, 1, 2, 3 -> all.add(world.write("x"));
        case 4 -> all.add(world.writeLarge("x"));
        case 5 -> {
          all.add(world.silently("x"));
          world.lose();
        }
        case 6, 7 -> world.answerOne();
        case 8, 9 -> loops.get(random.nextInt(2)).runOne();
        case 10 -> {
          if (taps.size() < 8) {
            Position from = random.nextBoolean() ? null : all.get(random.nextInt(all.size()));
            since.add(from);
            taps.add(world.watch(loops.get(random.nextInt(2)), from));
          }
        }
        case 11 -> {
          if (!taps.isEmpty()) {
            Tap tap = taps.get(random.nextInt(taps.size()));
            tap.writable = !tap.writable;
            if (tap.writable) {
              tap.watch.writable();
            }
          }
        }
        case 12 -> {
          if (random.nextInt(20) == 0) {
            world.compare();
          }
        }
        default -> world.hubs.tick(System.nanoTime());
      }
    }
    world.lose();
    world.compare();
    settle(loops, taps);
    for (int i = 0; i < taps.size(); i++) {
      Tap tap = taps.get(i);
      Position from = since.get(i) != null ? since.get(i) : tap.frames.getFirst().position();
      assertThat(tap.versions())
          .as("watcher " + i + " since " + from)
          .isEqualTo(
              LongStream.rangeClosed(from.version() + 1, world.now().version()).boxed().toList());
    }
    taps.forEach(tap -> tap.watch.stop());
    nothingIsLeft();
  }

  private void settle(List<Loop> loops, List<Tap> taps) {
    world.answersWait = false;
    taps.forEach(tap -> tap.writable = true);
    for (int i = 0; i < 10; i++) {
      taps.forEach(tap -> tap.watch.writable());
      world.answer();
      loops.forEach(Loop::run);
      world.coherence.lost(LiveFixture.KEY.partition(), io.heddle.session.ChangeFeed.Loss.CLOSED);
      world.hubs.tick(System.nanoTime());
      loops.forEach(Loop::run);
    }
  }

  private void nothingIsLeft() {
    assertThat(world.hubs.watchedSessions()).isZero();
    assertThat(world.hubs.watches()).isZero();
    assertThat(world.coherence.followed()).isZero();
    assertThat(world.listeners).isEmpty();
  }
}
