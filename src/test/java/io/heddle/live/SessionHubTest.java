package io.heddle.live;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Caller;
import io.heddle.base.Position;
import io.heddle.base.Tenant;
import io.heddle.json.Json;
import io.heddle.live.LiveFixture.Loop;
import io.heddle.live.LiveFixture.Tap;
import io.heddle.session.ChangeFeed.Loss;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class SessionHubTest {

  private static final Caller ANN = new Caller(Tenant.DEFAULT, "ann", "ann", false);

  private final LiveFixture world = new LiveFixture();
  private final Loop loop = new Loop();
  private Tap tap;

  @BeforeEach
  void watch() {
    world.write("1");
    tap = world.watch(loop, null);
    loop.run();
  }

  @AfterEach
  void close() {
    world.close();
  }

  @Test
  void aChangeWithoutItsBodyIsReadOnceForAllWatchers() {
    Tap other = world.watch(loop, null);
    loop.run();
    world.writeLarge("2");
    loop.run();
    assertThat(tap.versions()).containsExactly(2L);
    assertThat(other.versions()).containsExactly(2L);
    assertThat(world.logReads).isEqualTo(1);
  }

  @Test
  void aHoleIsReadFromTheLog() {
    world.silently("2");
    world.lose();
    world.write("3");
    loop.run();
    assertThat(tap.versions()).containsExactly(2L, 3L);
  }

  @Test
  void whatComesWhileTheLogIsReadWaits() {
    world.answersWait = true;
    world.writeLarge("2");
    world.write("3");
    world.write("4");
    loop.run();
    assertThat(tap.versions()).isEmpty();
    world.answer();
    loop.run();
    assertThat(tap.versions()).containsExactly(2L, 3L, 4L);
    assertThat(world.logReads).isEqualTo(1);
  }

  @Test
  void whatWasMissedWithTheLinkIsReadWhenItIsLost() {
    world.silently("2");
    world.coherence.lost(LiveFixture.KEY.partition(), Loss.CLOSED);
    loop.run();
    assertThat(tap.versions()).containsExactly(2L);
  }

  @Test
  void withoutTrustTheLogIsReadAtEveryTick() {
    world.coherence.lost(LiveFixture.KEY.partition(), Loss.CLOSED);
    for (long version = 2; version < 6; version++) {
      world.silently("x");
      world.hubs.tick(System.nanoTime());
      loop.run();
      assertThat(tap.versions()).isEqualTo(LongStream.rangeClosed(2, version).boxed().toList());
    }
    world.compare();
    int reads = world.logReads;
    world.hubs.tick(System.nanoTime());
    world.hubs.tick(System.nanoTime());
    assertThat(world.logReads).isEqualTo(reads);
  }

  @Test
  void whatTheStoreCouldNotTellIsAskedForAgain() {
    world.unavailable = true;
    world.silently("2");
    world.lose();
    world.write("3");
    loop.run();
    assertThat(tap.versions()).isEmpty();
    world.hubs.tick(System.nanoTime());
    assertThat(tap.versions()).isEmpty();
    world.unavailable = false;
    world.hubs.tick(System.nanoTime());
    loop.run();
    assertThat(tap.versions()).containsExactly(2L, 3L);
  }

  @Test
  void anotherHistoryIsAGapForEverybody() {
    Tap other = world.watch(loop, null);
    loop.run();
    for (int i = 0; i < 20; i++) {
      world.write("x");
    }
    loop.run();
    world.restore(5);
    loop.run();
    assertThat(tap.types()).endsWith("gap", "snapshot");
    assertThat(other.types()).endsWith("gap", "snapshot");
    assertThat(tap.frames.getLast().position()).isEqualTo(world.now());
    world.compare();
    world.write("on");
    loop.run();
    assertThat(tap.frames.getLast().position()).isEqualTo(world.now());
    assertThat(world.hubs.gaps()).isEqualTo(2);
  }

  @Test
  void aSessionThatEndedUnseenIsFoundOut() {
    world.coherence.lost(LiveFixture.KEY.partition(), Loss.CLOSED);
    world.ended = new io.heddle.session.Change.SessionExpired();
    world.hubs.tick(System.nanoTime());
    loop.run();
    assertThat(tap.types()).containsExactly("snapshot", "session.expired");
    assertThat(tap.ended).isTrue();
    assertThat(world.hubs.watchedSessions()).isZero();
    assertThat(world.coherence.followed()).isZero();
  }

  @Test
  void theLastWatcherTakesTheHubAlong() {
    Tap other = world.watch(loop, null);
    loop.run();
    tap.watch.stop();
    assertThat(world.hubs.watchedSessions()).isEqualTo(1);
    other.watch.stop();
    other.watch.stop();
    assertThat(world.hubs.watchedSessions()).isZero();
    assertThat(world.coherence.followed()).isZero();
    assertThat(world.listeners).isEmpty();
    Tap again = world.watch(loop, null);
    loop.run();
    world.write("2");
    loop.run();
    assertThat(again.versions()).containsExactly(2L);
  }

  // ---- presence

  @Test
  void newcomersAreToldWhoIsThereAndTheOthersThatTheyCame() {
    world.hubs.tick(System.nanoTime());
    Tap ann = world.watch(loop, ANN, null);
    loop.run();
    assertThat(users(ann)).containsExactly("[\"ann\"]");
    assertThat(users(tap)).containsExactly("[\"ann\"]");
    ann.watch.stop();
    world.hubs.tick(System.nanoTime() + Duration.ofSeconds(2).toNanos());
    loop.run();
    assertThat(users(tap)).containsExactly("[\"ann\"]", "[]");
  }

  /**
   * Who is there was told right after the first page of the log: who had more to read was not level
   * by then, and was not told until somebody came or left.
   */
  @Test
  void whoReadsALongHistoryIsToldWhoIsThere() {
    Position seen = world.now();
    for (int i = 0; i < 2 * WatchContext.LOG_READ; i++) {
      world.write("x");
    }
    world.watch(loop, ANN, null);
    loop.run();
    world.hubs.tick(System.nanoTime() + Duration.ofSeconds(2).toNanos());
    loop.run();
    Tap back = world.watch(loop, seen);
    loop.run();
    assertThat(back.versions()).hasSize(2 * WatchContext.LOG_READ);
    assertThat(users(back)).containsExactly("[\"ann\"]");
  }

  /** Somebody left while a connection was full, and stayed there for its user. */
  @Test
  void aFullConnectionIsToldWhoLeftWhenItHasRoom() {
    Tap ann = world.watch(loop, ANN, null);
    loop.run();
    world.hubs.tick(System.nanoTime() + Duration.ofSeconds(2).toNanos());
    loop.run();
    assertThat(users(tap)).containsExactly("[\"ann\"]");
    tap.writable = false;
    ann.watch.stop();
    world.hubs.tick(System.nanoTime() + Duration.ofSeconds(4).toNanos());
    loop.run();
    assertThat(users(tap)).containsExactly("[\"ann\"]");
    tap.writable = true;
    tap.watch.writable();
    loop.run();
    assertThat(users(tap)).containsExactly("[\"ann\"]", "[]");

    tap.writable = false;
    world.write("2");
    world.watch(loop, ANN, null);
    world.hubs.tick(System.nanoTime() + Duration.ofSeconds(6).toNanos());
    loop.run();
    tap.writable = true;
    tap.watch.writable();
    loop.run();
    assertThat(tap.types()).endsWith("message.appended", "presence");
  }

  @Test
  void anotherReplicasUsersAreKeptWhileItRepeatsThem() {
    say("{\"replica\":\"r2\",\"users\":[\"bob\"]}");
    loop.run();
    assertThat(users(tap)).containsExactly("[\"bob\"]");
    world.hubs.tick(System.nanoTime() + Duration.ofSeconds(29).toNanos());
    loop.run();
    assertThat(users(tap)).hasSize(1);
    world.hubs.tick(System.nanoTime() + Duration.ofSeconds(31).toNanos());
    loop.run();
    assertThat(users(tap)).containsExactly("[\"bob\"]", "[]");
  }

  @Test
  void aReplicaThatAsksIsToldAtOnce() {
    world.watch(loop, ANN, null);
    world.published.clear();
    say("{\"who\":\"r2\"}");
    assertThat(world.published).hasSize(1);
    assertThat(world.published.getFirst().toJson().toString()).contains("\"users\":[\"ann\"]");
  }

  @Test
  void whatIsNoMessageOfOursIsPassedOver() {
    say("rubbish");
    say("[]");
    say("{\"replica\":\"r2\",\"users\":7}");
    loop.run();
    assertThat(tap.types()).containsExactly("snapshot");
  }

  @Test
  void typingIsToldAndForgotten() {
    world.hubs.typing(LiveFixture.KEY, "ann").subscribe();
    loop.run();
    assertThat(tap.types()).containsExactly("snapshot", "typing");
    Tap later = world.watch(loop, null);
    loop.run();
    assertThat(later.types()).containsExactly("snapshot");
  }

  /**
   * A client that said so a thousand times a second was repeated to every watcher on every replica,
   * and no limit counted it.
   */
  @Test
  void whoTypesIsToldOnceASecond() {
    world.watch(loop, ANN, null);
    loop.run();
    long now = System.nanoTime();
    for (int i = 0; i < 100; i++) {
      world.hubs.typing(LiveFixture.KEY, "ann", now + i).subscribe();
    }
    world.hubs.typing(LiveFixture.KEY, "ann", now + Duration.ofSeconds(1).toNanos()).subscribe();
    loop.run();
    assertThat(tap.types().stream().filter("typing"::equals)).hasSize(2);
  }

  private void say(String message) {
    world.hear(Json.of(message));
  }

  private static List<String> users(Tap tap) {
    return tap.frames.stream()
        .filter(frame -> frame.type().equals("presence"))
        .map(frame -> new String(frame.utf8(), StandardCharsets.UTF_8))
        .map(json -> json.substring(json.indexOf('['), json.indexOf(']') + 1))
        .toList();
  }
}
