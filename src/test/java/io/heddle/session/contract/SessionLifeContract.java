package io.heddle.session.contract;

import static io.heddle.session.contract.WriteFixtures.HOUR;
import static io.heddle.session.contract.WriteFixtures.append;
import static io.heddle.session.contract.WriteFixtures.described;
import static io.heddle.session.contract.WriteFixtures.says;
import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Position;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.session.Change;
import io.heddle.session.Head;
import io.heddle.session.Message;
import io.heddle.session.Outcome;
import io.heddle.session.PageRequest;
import io.heddle.session.ReadContext;
import io.heddle.session.Write;
import io.heddle.session.WritePreconditions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** How long a session lives, how it ends, and what its id does afterwards. */
abstract class SessionLifeContract extends ContractSuite {

  private static final String EVERY_BUT_DELETE =
      "io.heddle.session.contract.WriteFixtures#everyButDelete";
  private static final Duration SECOND = Duration.ofSeconds(1);

  /** What the store's clock, in whole milliseconds, may cut off a measured time. */
  private static final Duration GRAIN = Duration.ofMillis(2);

  @ParameterizedTest
  @MethodSource(EVERY_BUT_DELETE)
  void everyWriteSlidesTheEnd(Write write) {
    SessionKey key = furnished();
    Instant before = session(key).head().expiresAt();
    pass(Duration.ofMillis(10));

    Head after = applied(key, write).head();

    assertThat(after.expiresAt()).isAfter(before);
    assertThat(after.expiresAt()).isEqualTo(after.updatedAt().plus(HOUR));
  }

  @Test
  void nothingButAWriteSlidesTheEnd() {
    SessionKey key = furnished();
    Head before = session(key).head();
    WritePreconditions elsewhere =
        WritePreconditions.NONE.withPositions(List.of(new Position(1, "aaaaaaaa")));
    pass(Duration.ofMillis(10));

    thread(key);
    get(engine().reader().message(key, ReadContext.ANY, "first"));
    get(engine().reader().state(key, ReadContext.ANY));
    get(engine().reader().checkpoints(key, ReadContext.ANY, 5, null));
    refused(key, append(says("x")), elsewhere, ProblemCode.VERSION_CONFLICT);
    refused(key, append(says("first", "x")), WritePreconditions.NONE, ProblemCode.MESSAGE_EXISTS);
    refused(key, new Write.Expire(), WritePreconditions.NONE, ProblemCode.VERSION_CONFLICT);
    engine().locks().holder(key, null).block(PATIENCE);

    assertThat(session(key).head()).isEqualTo(before);
  }

  @Test
  void aReplayDoesNotSlideTheEnd() {
    SessionKey key = furnished();
    WritePreconditions once = WritePreconditions.NONE.withRetry(newRetry());
    applied(key, append(says("x")), once);
    Head before = session(key).head();
    pass(Duration.ofMillis(10));

    assertThat(write(key, append(says("x")), once)).isInstanceOf(Outcome.Replayed.class);

    assertThat(session(key).head()).isEqualTo(before);
  }

  /** Many lives of one second, each measured from before its last write was sent. */
  @Test
  void aSessionEndsWhenItsTimeHasPassedAndNeverEarly() {
    List<SessionKey> keys = new ArrayList<>();
    Map<SessionKey, Long> started = new HashMap<>();
    for (int i = 0; i < 24; i++) {
      SessionKey key = newKey();
      create(key, "someone", SECOND, says("x"));
      pass(Duration.ofMillis(i));
      started.put(key, System.nanoTime());
      applied(key, append(says("y")));
      keys.add(key);
    }
    Map<SessionKey, Duration> lived = new HashMap<>();
    await()
        .pollInterval(Duration.ofMillis(1))
        .until(() -> {
          for (SessionKey key : keys) {
            if (!lived.containsKey(key) && expired(key)) {
              lived.put(key, Duration.ofNanos(System.nanoTime() - started.get(key)));
            }
          }
          return lived.size() == keys.size();
        });
    assertThat(lived.values())
        .allSatisfy(life -> assertThat(life).isBetween(SECOND.minus(GRAIN), SECOND.plusSeconds(2)));
  }

  @Test
  void aSessionThatIsWrittenToLivesOn() {
    SessionKey key = newKey();
    create(key, "someone", Duration.ofSeconds(2));
    for (int i = 0; i < 4; i++) {
      pass(Duration.ofMillis(800));
      applied(key, append(says("still here")));
    }
    assertThat(thread(key)).hasSize(4);
  }

  @Test
  void aNewTtlCountsFromItsUpdate() {
    SessionKey shorter = newKey();
    SessionKey longer = newKey();
    try (Changes changes = Changes.of(engine())) {
      create(shorter, "someone", HOUR);
      create(longer, "someone", SECOND);
      long sent = System.nanoTime();
      applied(longer, new Write.Update(described("someone", HOUR)));
      applied(shorter, new Write.Update(described("someone", SECOND)));
      Duration lived = elapsedUntil(sent, () -> expired(shorter));
      assertThat(lived).isBetween(SECOND.minus(GRAIN), SECOND.plusSeconds(2));
      await().untilAsserted(() -> assertThat(changes.types(shorter)).endsWith("session.expired"));
      assertThat(expired(longer)).isFalse();
      assertThat(changes.types(longer)).doesNotContain("session.expired");
    }
  }

  /** The sweeper tells it, nobody has to ask; and it tells it once. */
  @Test
  void anExpiryIsToldAsAChangeExactlyOnce() {
    try (Changes changes = Changes.of(engine())) {
      List<SessionKey> keys = new ArrayList<>();
      for (int i = 0; i < 40; i++) {
        SessionKey key = newKey();
        create(key, i % 2 == 0 ? "someone" : null, SECOND, says("x"));
        keys.add(key);
      }
      // Half are asked to expire by many at once, before and after their time.
      Flux.fromIterable(keys.subList(0, 20))
          .flatMap(
              key ->
                  Flux.merge(
                          engine().writer().apply(key, new Write.Expire(), WritePreconditions.NONE),
                          engine()
                              .peer()
                              .writer()
                              .apply(key, new Write.Expire(), WritePreconditions.NONE))
                      .then(Mono.delay(Duration.ofMillis(50)))
                      .repeat(40),
              20)
          .blockLast(PATIENCE);
      await()
          .untilAsserted(() ->
              assertThat(keys)
                  .allSatisfy(key -> assertThat(changes.types(key)).contains("session.expired")));
      pass(Duration.ofMillis(500));
      for (SessionKey key : keys) {
        assertThat(changes.types(key)).containsExactly("session.created", "session.expired");
        Change.Published last = changes.of(key).getLast();
        assertThat(last.position().version()).isEqualTo(2);
        assertThat(last.previousTag()).isEqualTo(changes.of(key).getFirst().position().tag());
      }
    }
  }

  @Test
  void nobodyCanExpireASessionBeforeItsTime() {
    SessionKey key = furnished();
    Everything before = everything(key);
    refused(key, new Write.Expire(), WritePreconditions.NONE, ProblemCode.VERSION_CONFLICT);
    assertThat(everything(key)).isEqualTo(before);
    assertThat(write(newKey(), new Write.Expire(), WritePreconditions.NONE))
        .isInstanceOf(Outcome.Refused.class);
  }

  @ParameterizedTest
  @MethodSource(EVERY_BUT_DELETE)
  void lateWritersAreToldThatTheSessionWasDeleted(Write write) {
    SessionKey key = furnished();
    Position deleted = applied(key, new Write.Delete()).head().position();

    refused(key, write, WritePreconditions.NONE, ProblemCode.SESSION_DELETED);
    refused(key, write, ownedBy("someone"), ProblemCode.SESSION_DELETED);
    refused(key, write, ownedBy("other"), ProblemCode.SESSION_NOT_FOUND);
    refused(
        key,
        write,
        new WritePreconditions("someone", newRetry(), "token", List.of(deleted)),
        ProblemCode.SESSION_DELETED);
  }

  @Test
  void readersAreToldThatTheSessionWasDeleted() {
    SessionKey key = furnished();
    applied(key, new Write.Delete());
    assertGone(key, ProblemCode.SESSION_DELETED);
  }

  @Test
  void lateWritersAreToldThatTheSessionHasExpired() {
    List<Write> writes = WriteFixtures.every().map(Named::getPayload).toList();
    List<SessionKey> keys = writes.stream().map(write -> furnished(SECOND)).toList();
    for (int i = 0; i < writes.size(); i++) {
      SessionKey key = keys.get(i);
      // At once, while it is likely that no sweeper came by yet.
      await().pollInterval(Duration.ofMillis(2)).until(() -> expired(key));
      refused(key, writes.get(i), WritePreconditions.NONE, ProblemCode.SESSION_EXPIRED);
      refused(key, writes.get(i), ownedBy("someone"), ProblemCode.SESSION_EXPIRED);
      refused(key, writes.get(i), ownedBy("other"), ProblemCode.SESSION_NOT_FOUND);
    }
  }

  @Test
  void readersAreToldThatTheSessionHasExpiredSweptOrNot() {
    SessionKey key = furnished(SECOND);
    try (Changes changes = Changes.of(engine())) {
      await().pollInterval(Duration.ofMillis(2)).until(() -> expired(key));
      assertGone(key, ProblemCode.SESSION_EXPIRED);
      await().untilAsserted(() -> assertThat(changes.types(key)).contains("session.expired"));
      assertGone(key, ProblemCode.SESSION_EXPIRED);
      refused(key, append(says("x")), WritePreconditions.NONE, ProblemCode.SESSION_EXPIRED);
      refused(key, new Write.Delete(), WritePreconditions.NONE, ProblemCode.SESSION_EXPIRED);
      refused(key, new Write.Delete(), ownedBy("other"), ProblemCode.SESSION_NOT_FOUND);
    }
  }

  @Test
  void deletesTwiceAsOnce() {
    SessionKey key = furnished();
    long version = position(key).version();
    try (Changes changes = Changes.of(engine())) {
      Outcome.Applied first = applied(key, new Write.Delete(), ownedBy("someone"));
      Outcome.Applied second = applied(key, new Write.Delete(), ownedBy("someone"));
      Outcome.Applied third = applied(key, new Write.Delete());
      refused(key, new Write.Delete(), ownedBy("other"), ProblemCode.SESSION_NOT_FOUND);

      assertThat(first.head().position().version()).isEqualTo(version + 1);
      assertThat(second.head().position()).isEqualTo(first.head().position());
      assertThat(third.head().position()).isEqualTo(first.head().position());
      changes.flush();
      assertThat(changes.types(key)).containsExactly("session.deleted");
    }
  }

  @Test
  void ofManyDeletesAtOnceOneIsAChange() {
    SessionKey key = furnished();
    try (Changes changes = Changes.of(engine())) {
      List<Outcome> outcomes =
          atOnce(
              20, i -> engine().writer().apply(key, new Write.Delete(), WritePreconditions.NONE));
      assertThat(outcomes)
          .extracting(outcome -> assertApplied(outcome).head().position())
          .containsOnly(assertApplied(outcomes.getFirst()).head().position());
      changes.flush();
      assertThat(changes.types(key)).containsExactly("session.deleted");
    }
  }

  @Test
  void aSessionOverATombstoneIsNewAndGoesOnCountingVersions() {
    SessionKey key = furnished();
    applied(key, new Write.Update(WriteFixtures.complete(described("someone", HOUR))));
    Position deleted = applied(key, new Write.Delete()).head().position();

    Outcome.Applied again = create(key, "another", HOUR, says("first", "new"));

    Head head = again.head();
    assertThat(head.position().version()).isEqualTo(deleted.version() + 1);
    assertThat(head.lastSeq()).isEqualTo(1);
    assertThat(head.messageCount()).isEqualTo(1);
    assertThat(head.bytes()).isEqualTo("first".length() + body("new").length());
    assertThat(head.createdAt()).isEqualTo(head.updatedAt());
    assertThat(again.description()).isEqualTo(described("another", HOUR));
    assertThat(ids(key)).containsExactly("first");
    assertThat(thread(key)).extracting(Message::seq).containsExactly(1L);
    assertThat(get(engine().reader().state(key, ReadContext.ANY)).checkpoint()).isNull();
    assertThat(get(engine().reader().checkpoints(key, ReadContext.ANY, 10, null)).checkpoints())
        .isEmpty();
    refused(key, append(says("x")), ownedBy("someone"), ProblemCode.SESSION_NOT_FOUND);
    assertThat(applied(key, append(says("second", "x"))).head().lastSeq()).isEqualTo(2);
  }

  @Test
  void manyLivesOfOneIdNeverCountBack() {
    SessionKey key = newKey();
    long version = 0;
    for (int life = 0; life < 5; life++) {
      assertThat(create(key, says("x" + life)).head().position().version()).isEqualTo(++version);
      assertThat(applied(key, append(says("y"))).head().position().version()).isEqualTo(++version);
      assertThat(contents(key)).containsExactly(body("x" + life), body("y"));
      assertThat(applied(key, new Write.Delete()).head().position().version()).isEqualTo(++version);
    }
  }

  @Test
  void anExpiredSessionsIdStartsAnewToo() {
    SessionKey key = furnished(SECOND);
    Position last = position(key);
    await().pollInterval(Duration.ofMillis(2)).until(() -> expired(key));

    Head head = create(key, "another", HOUR, says("first", "new")).head();

    assertThat(head.position().version()).isGreaterThan(last.version());
    assertThat(head.lastSeq()).isEqualTo(1);
    assertThat(contents(key)).containsExactly(body("new"));
    assertThat(get(engine().reader().state(key, ReadContext.ANY)).checkpoint()).isNull();
    // The end of the first life, whenever it is told, is not the end of the second.
    pass(Duration.ofMillis(1500));
    assertThat(contents(key)).containsExactly(body("new"));
  }

  @Test
  void aSweptSessionsIdStartsAnewAndGoesOnCounting() {
    SessionKey key = furnished(SECOND);
    try (Changes changes = Changes.of(engine())) {
      await().untilAsserted(() -> assertThat(changes.types(key)).contains("session.expired"));
      Position expired = changes.of(key).getLast().position();

      Head head = create(key, "another", HOUR, says("first", "new")).head();

      assertThat(head.position().version()).isEqualTo(expired.version() + 1);
      assertThat(contents(key)).containsExactly(body("new"));
    }
  }

  @Test
  void aDeletedSessionDoesNotExpire() {
    SessionKey key = furnished(SECOND);
    try (Changes changes = Changes.of(engine())) {
      applied(key, new Write.Delete());
      pass(Duration.ofMillis(2500));
      refused(key, append(says("x")), WritePreconditions.NONE, ProblemCode.SESSION_DELETED);
      assertThat(write(key, new Write.Expire(), WritePreconditions.NONE))
          .isInstanceOf(Outcome.Refused.class);
      changes.flush();
      assertThat(changes.types(key)).containsExactly("session.deleted");
    }
  }

  /** A session outlives its client's lock by ten seconds at least. */
  @Test
  void aClientsLockKeepsTheSession() {
    SessionKey key = newKey();
    create(key, "someone", SECOND);
    Instant until =
        get(engine().clientLock().lock(key, null, Duration.ofSeconds(20), null)).expiresAt();
    assertThat(session(key).head().expiresAt()).isAfterOrEqualTo(until.plusSeconds(10));

    SessionKey longer = newKey();
    Instant end = create(longer, "someone", HOUR).head().expiresAt();
    get(engine().clientLock().lock(longer, null, Duration.ofSeconds(20), null));
    assertThat(session(longer).head().expiresAt()).isEqualTo(end);
  }

  /** A write of the holder began the session's short life anew, and it ended under the lock. */
  @ParameterizedTest
  @MethodSource(EVERY_BUT_DELETE)
  void aWriteUnderALockDoesNotShortenTheSessionsLife(Write write) {
    SessionKey key = furnished();
    var held = get(engine().clientLock().lock(key, null, Duration.ofHours(3), null));
    WritePreconditions holder = WritePreconditions.NONE.withLock(held.token());

    Head after = applied(key, write, holder).head();

    assertThat(after.expiresAt()).isAfterOrEqualTo(held.expiresAt().plusSeconds(10));
    assertThat(session(key).head().expiresAt()).isEqualTo(after.expiresAt());
  }

  private void assertGone(SessionKey key, ProblemCode code) {
    for (@Nullable String owner : new @Nullable String[] {null, "someone"}) {
      for (Mono<?> read : reads(key, new ReadContext(owner, null))) {
        failed(read, code);
      }
    }
    for (Mono<?> read : reads(key, new ReadContext("other", null))) {
      failed(read, ProblemCode.SESSION_NOT_FOUND);
    }
  }

  private List<Mono<?>> reads(SessionKey key, ReadContext view) {
    return List.of(
        engine().reader().load(key, view, PageRequest.NONE),
        engine().reader().load(key, view, PageRequest.last(5)),
        engine().reader().message(key, view, "first"),
        engine().reader().state(key, view),
        engine().reader().checkpoints(key, view, 5, null),
        engine().reader().checkpoint(key, view, "latest"));
  }

  private boolean expired(SessionKey key) {
    try {
      engine().reader().load(key, ReadContext.ANY, PageRequest.NONE).block(PATIENCE);
      return false;
    } catch (ProblemException e) {
      assertThat(e.problem().code()).isEqualTo(ProblemCode.SESSION_EXPIRED);
      return true;
    }
  }
}
