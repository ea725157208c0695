package io.heddle.nearcache;

import static io.heddle.nearcache.FakeStore.position;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Position;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.nearcache.FakeStore.Read;
import io.heddle.session.Change;
import io.heddle.session.ChangeFeed;
import io.heddle.session.ChangeFeed.Loss;
import io.heddle.session.Message;
import io.heddle.session.Outcome;
import io.heddle.session.PageRequest;
import io.heddle.session.ReadContext;
import io.heddle.session.Session;
import io.heddle.session.SessionReader;
import io.heddle.session.SessionWriter;
import io.heddle.session.ThreadPage;
import io.heddle.session.ThreadPage.Origin;
import io.heddle.session.Write;
import io.heddle.session.WritePreconditions;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.springframework.util.unit.DataSize;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;

class NearCacheTest {

  private static final SessionKey KEY = new SessionKey(Tenant.DEFAULT, "s1");
  private static final int PARTITION = KEY.partition();
  private static final PageRequest LAST = PageRequest.last(50);
  private static final PageRequest FIRST = PageRequest.forward(50, null);
  private static final ReadContext ANN = new ReadContext("ann", null);
  private static final ReadContext BOB = new ReadContext("bob", null);
  private static final Duration HOUR = Duration.ofHours(1);

  private final FakeStore store = new FakeStore();
  private final Coherence coherence = new Coherence();
  private NearCache cache = cache(DataSize.ofMegabytes(64), 3);
  private long now = 1_000_000_000_000L;
  private long seq = 41;

  @BeforeEach
  void trust() {
    coherence.compared(PARTITION, seq, now);
  }

  // ---- what is remembered

  @Test
  void aPageIsReadOnceAndThenServedAsTheSameBytes() {
    ThreadPage first = load(LAST, 7);
    assertThat(first.origin()).isEqualTo(Origin.MISS);

    ThreadPage again = served(ask(LAST));
    store.isNotAsked();
    assertThat(again.origin()).isEqualTo(Origin.HIT);
    assertThat(again.json()).isSameAs(first.json());
    assertThat(again.sessionJson()).isSameAs(first.sessionJson());
    assertThat(again.bareSessionJson()).isSameAs(first.bareSessionJson());
    assertThat(again.tag()).isEqualTo("\"7-00000007\"").isSameAs(first.tag());
    counted(1, 1, 0, 0);
  }

  @Test
  void pagesAreRememberedApart() {
    load(LAST, 7);
    load(PageRequest.last(2), 7);
    load(FIRST, 7);
    for (PageRequest page : List.of(LAST, PageRequest.last(2), FIRST)) {
      assertThat(served(ask(page)).origin()).isEqualTo(Origin.HIT);
    }
    store.isNotAsked();
  }

  @Test
  void aPageFromACursorIsNotRemembered() {
    PageRequest page = PageRequest.forward(50, "m3");
    for (int i = 0; i < 2; i++) {
      CompletableFuture<ThreadPage> asked = ask(ANN, page);
      Read read = store.next();
      assertThat(read.view).isEqualTo(ANN);
      read.answer(page("ann", 7));
      assertThat(served(asked).origin()).isEqualTo(Origin.BYPASS);
    }
    counted(0, 0, 2, 0);
  }

  @Test
  void oneSessionKeepsTheNewestFewPages() {
    for (int limit = 1; limit <= 4; limit++) {
      load(PageRequest.last(limit), 7);
      now += 1000;
    }
    for (int limit = 2; limit <= 4; limit++) {
      assertThat(served(ask(PageRequest.last(limit))).origin()).isEqualTo(Origin.HIT);
    }
    store.isNotAsked();
    ask(PageRequest.last(1));
    store.next();
  }

  @Test
  void whatIsTooMuchIsForgotten() {
    cache = cache(DataSize.ofKilobytes(64), 3);
    int sessions = 100;
    for (int i = 0; i < sessions; i++) {
      SessionKey key = new SessionKey(Tenant.DEFAULT, "big" + i);
      coherence.compared(key.partition(), seq, now);
      cache.load(key, ReadContext.ANY, LAST).subscribe();
      store
          .next()
          .answer(
              new ThreadPage(
                  FakeStore.session(key, null, position(1)),
                  List.of(FakeStore.message(1, 3000)),
                  false,
                  now + HOUR.toNanos()));
    }
    cache.tidy();
    assertThat(cache.bytes()).isPositive().isLessThanOrEqualTo(64 * 1024);
    // Each holds its message and what is made of it.
    assertThat(cache.evictions()).isGreaterThanOrEqualTo(sessions - 64 / 6);
  }

  @Test
  void weighsWhatItHolds() {
    load(LAST, 7);
    long one = weight();
    load(FIRST, 7);
    assertThat(weight()).isEqualTo(2 * one - 512);
    load(PageRequest.NONE, 7);
    load(PageRequest.last(3), 7);
    assertThat(weight()).isLessThan(3 * one);
    change(8);
    assertThat(weight()).isZero();
  }

  // ---- changes

  @Test
  void aChangeMakesItRead() {
    load(LAST, 7);
    change(8);
    CompletableFuture<ThreadPage> asked = ask(LAST);
    store.next().answer(page("ann", 8));
    assertThat(served(asked).session().position()).isEqualTo(position(8));
    assertThat(served(ask(LAST)).origin()).isEqualTo(Origin.HIT);
  }

  @Test
  void aChangeOfAnotherSessionDoesNot() {
    SessionKey neighbour = neighbour();
    load(LAST, 7);
    change(neighbour, 3);
    assertThat(served(ask(LAST)).origin()).isEqualTo(Origin.HIT);
    store.isNotAsked();
  }

  @Test
  void aReadThatAChangeOvertakesIsNotKept() {
    CompletableFuture<ThreadPage> before = ask(LAST);
    Read read = store.next();
    change(8);
    read.answer(page("ann", 7));
    assertThat(served(before).session().position()).isEqualTo(position(7));

    ask(LAST);
    store.next();
    counted(0, 1, 0, 1);
  }

  @Test
  void whoAsksAfterAChangeDoesNotWaitForAReadFromBefore() {
    CompletableFuture<ThreadPage> before = ask(LAST);
    Read old = store.next();
    change(8);
    CompletableFuture<ThreadPage> after = ask(LAST);
    Read fresh = store.next();

    old.answer(page("ann", 7));
    assertThat(before).isDone();
    assertThat(after).isNotDone();
    fresh.answer(page("ann", 8));
    assertThat(served(after).session().position()).isEqualTo(position(8));
    // The old read was answered while the new one was under way: it must not have taken its place.
    assertThat(served(ask(LAST)).session().position()).isEqualTo(position(8));
    store.isNotAsked();
  }

  @Test
  void aReadFromBeforeThatEndsLastChangesNothing() {
    ask(LAST);
    Read old = store.next();
    change(8);
    load(LAST, 8);
    old.answer(page("ann", 7));
    assertThat(served(ask(LAST)).session().position()).isEqualTo(position(8));
    store.isNotAsked();
  }

  @Test
  void aPageThatShowsTheChangeAlreadyStays() {
    load(LAST, 8);
    ask(FIRST);
    Read other = store.next();
    change(8);
    assertThat(served(ask(LAST)).origin()).isEqualTo(Origin.HIT);
    // Nobody knows yet what the read that is under way will show.
    other.answer(page("ann", 7));
    ask(FIRST);
    store.next();
  }

  @Test
  void anotherHistoryOfTheSameVersionDoesNot() {
    load(LAST, 8);
    changed(KEY, new Position(8, "zzzzzzzz"));
    ask(LAST);
    store.next();
  }

  // ---- appends that tell enough

  @Test
  void anAppendIsAddedToThePagesThatStandRightBeforeIt() {
    load(PageRequest.last(3), 7);
    load(PageRequest.backward(2, null), 7);
    ask(FIRST);
    Read underWay = store.next();
    appended(7, 8);

    ThreadPage last = served(ask(PageRequest.last(3)));
    assertThat(last.origin()).isEqualTo(Origin.HIT);
    assertThat(last.session().position()).isEqualTo(position(8));
    assertThat(last.messages()).extracting(Message::seq).containsExactly(6L, 7L, 8L);
    assertThat(last.hasMore()).isTrue();
    assertThat(new String(last.json(), US_ASCII)).contains("8-00000008", "\"id\":\"m8\"");
    assertThat(last.session().head().messageCount()).isEqualTo(108);
    assertThat(served(ask(PageRequest.backward(2, null))).messages())
        .extracting(Message::seq)
        .containsExactly(8L, 7L);
    // Nobody knows whether the read that is under way shows it.
    underWay.answer(page("ann", 7));
    ask(FIRST);
    store.next();
  }

  @Test
  void aPageFromTheStartTakesAppendsUntilItIsFull() {
    PageRequest page = PageRequest.forward(8, null);
    load(page, 7);
    appended(7, 8);
    assertThat(served(ask(page)).messages()).hasSize(8);
    assertThat(served(ask(page)).hasMore()).isFalse();
    appended(8, 9);
    appended(9, 10);
    assertThat(served(ask(page)).messages()).last().extracting(Message::seq).isEqualTo(8L);
    assertThat(served(ask(page)).hasMore()).isTrue();
    assertThat(served(ask(page)).session().position()).isEqualTo(position(10));
    store.isNotAsked();
  }

  @Test
  void anAppendMovesTheEndOfThePageWithTheSessions() {
    ask(LAST);
    long endsAt = now + 5_000_000_000L;
    store.next().answer(new ThreadPage(session("ann", 7), messages(7), false, endsAt));
    appended(7, 8);
    assertThat(served(ask(LAST)).endsAt()).isEqualTo(endsAt + 100_000_000_000L);
    pass(Duration.ofMillis(29_999));
    assertThat(served(ask(LAST)).origin()).isEqualTo(Origin.HIT);
    pass(Duration.ofMillis(1));
    // It was read as long ago as the page that it was added to.
    ask(LAST);
    store.next();
  }

  @Test
  void anAppendToAnotherVersionOrHistoryIsNotAdded() {
    for (Position before : List.of(position(6), position(8), new Position(7, "zzzzzzzz"))) {
      load(LAST, 7);
      appended(before, 9);
      ask(LAST);
      store.next().answer(page("ann", 7));
      change(100);
    }
  }

  // ---- trust

  @Test
  void nothingIsServedOnceTrustHasRunOut() {
    load(LAST, 7);
    now += ChangeFeed.TRUST.toNanos();
    CompletableFuture<ThreadPage> asked = ask(ANN, LAST);
    Read read = store.next();
    assertThat(read.view).isEqualTo(ANN);
    read.answer(page("ann", 7));
    assertThat(served(asked).origin()).isEqualTo(Origin.BYPASS);
    counted(0, 1, 1, 0);
  }

  @Test
  void withoutTrustNobodyJoinsAndNothingIsKept() {
    now += ChangeFeed.TRUST.toNanos();
    ask(LAST);
    ask(LAST);
    assertThat(store.reads()).hasSize(2);
    store.reads().forEach(read -> read.answer(page("ann", 7)));
    store.reads().clear();
    trust();
    ask(LAST);
    store.next();
  }

  @Test
  void aReadThatTrustDidNotOutlastIsNotKept() {
    ask(LAST);
    now += ChangeFeed.TRUST.toNanos();
    store.next().answer(page("ann", 7));
    trust();
    ask(LAST);
    store.next();
    counted(0, 1, 0, 1);
  }

  @Test
  void anEqualComparisonBringsTrustBackAndWhatWasKnown() {
    load(LAST, 7);
    now += ChangeFeed.TRUST.toNanos();
    trust();
    assertThat(served(ask(LAST)).origin()).isEqualTo(Origin.HIT);
    store.isNotAsked();
  }

  @Test
  void anUnequalComparisonDropsWhatWasKnown() {
    load(LAST, 7);
    seq++;
    trust();
    ask(LAST);
    store.next();
  }

  @Test
  void aHoleDropsTheWholePartition() {
    load(LAST, 7);
    seq++;
    change(neighbour(), 3);
    ask(LAST);
    store.next();
  }

  @Test
  void aReadFromBeforeADropIsNeitherKeptNorJoined() {
    ask(LAST);
    Read old = store.next();
    seq++;
    change(neighbour(), 3);
    CompletableFuture<ThreadPage> after = ask(LAST);
    Read fresh = store.next();
    old.answer(page("ann", 7));
    assertThat(after).isNotDone();
    fresh.answer(page("ann", 8));
    assertThat(served(after).session().position()).isEqualTo(position(8));
    assertThat(served(ask(LAST)).session().position()).isEqualTo(position(8));
    store.isNotAsked();
    assertThat(cache.overtaken()).isEqualTo(1);
  }

  @ParameterizedTest
  @EnumSource(Loss.class)
  void aLostLinkDropsAndTheNextComparisonBeginsAnew(Loss loss) {
    load(LAST, 7);
    coherence.lost(PARTITION, loss);
    ask(LAST);
    store.next().answer(page("ann", 7));

    trust();
    load(LAST, 8);
    assertThat(served(ask(LAST)).session().position()).isEqualTo(position(8));
  }

  // ---- time

  @Test
  void aPageEndsWithItsSession() {
    ask(LAST);
    long endsAt = now + 5_000_000_000L;
    store.next().answer(new ThreadPage(session("ann", 7), messages(7), false, endsAt));
    pass(Duration.ofMillis(4999));
    assertThat(served(ask(LAST)).origin()).isEqualTo(Origin.HIT);
    pass(Duration.ofMillis(1));
    ask(LAST);
    store.next();
  }

  @Test
  void aPageIsReadAgainWhenItIsOldWhateverWasTold() {
    ask(LAST);
    Read slow = store.next();
    // Its age counts from the question: the answer may be as old as that.
    pass(Duration.ofMillis(1500));
    slow.answer(page("ann", 7));
    pass(Duration.ofMillis(28_499));
    assertThat(served(ask(LAST)).origin()).isEqualTo(Origin.HIT);
    pass(Duration.ofMillis(1));
    ask(LAST);
    store.next();
  }

  // ---- at the same time

  @Test
  void manyAtOnceAreOneRead() {
    List<CompletableFuture<ThreadPage>> askers =
        LongStream.range(0, 20).mapToObj(_ -> ask(ANN, LAST)).toList();
    Read read = store.next();
    assertThat(read.view).isEqualTo(ReadContext.ANY);
    read.answer(page("ann", 7));
    assertThat(askers)
        .allSatisfy(asker -> {
          assertThat(served(asker).origin()).isEqualTo(Origin.MISS);
          assertThat(served(asker).json()).isSameAs(served(askers.getFirst()).json());
        });
    counted(0, 20, 0, 0);
  }

  @Test
  void whoHangsUpDoesNotEndTheReadOfTheOthers() {
    Disposable first = cache.load(KEY, ReadContext.ANY, LAST).subscribe();
    CompletableFuture<ThreadPage> second = ask(LAST);
    first.dispose();
    Read read = store.next();
    assertThat(read.isCancelled()).isFalse();
    read.answer(page("ann", 7));
    assertThat(served(second).origin()).isEqualTo(Origin.MISS);
  }

  @Test
  void aReadThatEverybodyLeftIsKeptAllTheSame() {
    cache.load(KEY, ReadContext.ANY, LAST).subscribe().dispose();
    store.next().answer(page("ann", 7));
    assertThat(served(ask(LAST)).origin()).isEqualTo(Origin.HIT);
  }

  @Test
  void aFailureIsToldToAllAndNotKept() {
    CompletableFuture<ThreadPage> first = ask(ANN, LAST);
    CompletableFuture<ThreadPage> second = ask(LAST);
    store.next().refuse(ProblemCode.STORE_UNAVAILABLE);
    assertThat(refused(first)).isEqualTo(ProblemCode.STORE_UNAVAILABLE);
    assertThat(refused(second)).isEqualTo(ProblemCode.STORE_UNAVAILABLE);
    store.isNotAsked();
    cache.tidy();
    assertThat(cache.bytes()).isZero();
    load(LAST, 7);
  }

  @Test
  void aReaderThatThrowsLeavesNobodyWaiting() {
    SessionReader broken =
        (SessionReader)
            Proxy.newProxyInstance(
                getClass().getClassLoader(),
                new Class<?>[] {SessionReader.class},
                (_, _, _) -> {
                  throw new IllegalStateException("broken");
                });
    NearCache cache =
        new NearCache(
            broken,
            coherence,
            new CoherenceProperties(true, DataSize.ofMegabytes(1), Duration.ofSeconds(30), 3),
            () -> now);
    CompletableFuture<ThreadPage> asked = cache.load(KEY, ReadContext.ANY, LAST).toFuture();
    assertThat(asked).isCompletedExceptionally();
    cache.tidy();
    assertThat(cache.bytes()).isZero();
  }

  // ---- whose session it is

  @Test
  void theOwnerIsServedAndAnotherIsAnsweredByTheStore() {
    load(LAST, 7);
    assertThat(served(ask(ANN, LAST)).origin()).isEqualTo(Origin.HIT);

    // Answered here, a session that exists would be told apart by how fast its 404 comes.
    CompletableFuture<ThreadPage> bob = ask(BOB, LAST);
    Read read = store.next();
    assertThat(read.view).isEqualTo(BOB);
    read.refuse(ProblemCode.SESSION_NOT_FOUND);
    assertThat(refused(bob)).isEqualTo(ProblemCode.SESSION_NOT_FOUND);
    counted(1, 1, 1, 0);
  }

  @Test
  void anotherOwnerWhoWaitedForTheSameReadIsAnsweredByTheStore() {
    CompletableFuture<ThreadPage> bob = ask(BOB, LAST);
    CompletableFuture<ThreadPage> ann = ask(ANN, LAST);
    store.next().answer(page("ann", 7));
    assertThat(ann).isCompleted();
    assertThat(bob).isNotDone();
    store.next().refuse(ProblemCode.SESSION_NOT_FOUND);
    assertThat(refused(bob)).isEqualTo(ProblemCode.SESSION_NOT_FOUND);
  }

  @ParameterizedTest
  @EnumSource(names = {"SESSION_DELETED", "SESSION_EXPIRED"})
  void aTombstoneIsToldToItsOwnerOnly(ProblemCode code) {
    CompletableFuture<ThreadPage> admin = ask(LAST);
    CompletableFuture<ThreadPage> bob = ask(BOB, LAST);
    CompletableFuture<ThreadPage> ann = ask(ANN, LAST);
    store.next().refuse(code);
    assertThat(refused(admin)).isEqualTo(code);

    assertThat(store.reads()).extracting(read -> read.view).containsExactlyInAnyOrder(BOB, ANN);
    store
        .reads()
        .forEach(read -> read.refuse(read.view.equals(ANN) ? code : ProblemCode.SESSION_NOT_FOUND));
    assertThat(refused(bob)).isEqualTo(ProblemCode.SESSION_NOT_FOUND);
    assertThat(refused(ann)).isEqualTo(code);
  }

  // ---- positions

  @Test
  void aCallersOwnPositionIsServed() {
    load(LAST, 7);
    assertThat(served(ask(new ReadContext("ann", position(7)), LAST)).origin())
        .isEqualTo(Origin.HIT);
    store.isNotAsked();
  }

  @Test
  void anyOtherPositionIsForTheStoreToDecide() {
    load(LAST, 7);
    for (Position other : List.of(position(8), position(6), new Position(7, "zzzzzzzz"))) {
      ReadContext view = new ReadContext(null, other);
      CompletableFuture<ThreadPage> asked = ask(view, LAST);
      Read read = store.next();
      assertThat(read.view).isEqualTo(view);
      read.refuse(ProblemCode.POSITION_LOST);
      assertThat(refused(asked)).isEqualTo(ProblemCode.POSITION_LOST);
    }
    assertThat(served(ask(LAST)).origin()).isEqualTo(Origin.HIT);
  }

  @Test
  void whoWaitsWithANewerPositionThanTheReadShowsIsReadFor() {
    ask(LAST);
    ReadContext view = new ReadContext(null, position(8));
    CompletableFuture<ThreadPage> writer = ask(view, LAST);
    store.next().answer(page("ann", 7));
    assertThat(writer).isNotDone();
    Read read = store.next();
    assertThat(read.view).isEqualTo(view);
    read.answer(page("ann", 8));
    assertThat(served(writer).session().position()).isEqualTo(position(8));
  }

  // ---- own writes

  @Test
  void whoWritesHereReadsItHereBeforeTheChangeIsTold() {
    load(LAST, 7);
    written(8);
    ask(LAST);
    Read read = store.next();
    read.answer(page("ann", 8));
    // Then the change comes.
    change(8);
    assertThat(served(ask(LAST)).origin()).isEqualTo(Origin.HIT);
    store.isNotAsked();
  }

  @Test
  void anAnswerAfterItsChangeForgetsNothing() {
    change(8);
    load(LAST, 8);
    written(8);
    assertThat(served(ask(LAST)).origin()).isEqualTo(Origin.HIT);
    store.isNotAsked();
  }

  // ---- off

  @Test
  void switchedOffItRemembersNothing() {
    cache =
        new NearCache(
            store,
            coherence,
            new CoherenceProperties(false, DataSize.ofMegabytes(1), Duration.ofSeconds(30), 3),
            () -> now);
    for (int i = 0; i < 2; i++) {
      CompletableFuture<ThreadPage> asked = ask(LAST);
      store.next().answer(page("ann", 7));
      assertThat(served(asked).origin()).isEqualTo(Origin.BYPASS);
    }
    counted(0, 0, 2, 0);
  }

  // ----

  private NearCache cache(DataSize size, int pages) {
    return new NearCache(
        store,
        coherence,
        new CoherenceProperties(true, size, Duration.ofSeconds(30), pages),
        () -> now);
  }

  private ThreadPage load(PageRequest page, long version) {
    CompletableFuture<ThreadPage> asked = ask(page);
    List<Message> messages = new ArrayList<>(messages(version));
    boolean more = messages.size() > page.limit();
    if (more) {
      messages =
          page.fromEnd()
              ? messages.subList(messages.size() - page.limit(), messages.size())
              : messages.subList(0, page.limit());
    }
    if (page.newestFirst()) {
      Collections.reverse(messages);
    }
    long endsAt = now + HOUR.toNanos();
    store.next().answer(new ThreadPage(session("ann", version), messages, more, endsAt));
    return served(asked);
  }

  private CompletableFuture<ThreadPage> ask(PageRequest page) {
    return ask(ReadContext.ANY, page);
  }

  private CompletableFuture<ThreadPage> ask(ReadContext view, PageRequest page) {
    return cache.load(KEY, view, page).toFuture();
  }

  /** Time passes, and the store is compared often enough. */
  private void pass(Duration time) {
    now += time.toNanos();
    trust();
  }

  private void change(long version) {
    change(KEY, version);
  }

  private void change(SessionKey key, long version) {
    changed(key, position(version));
  }

  private void changed(SessionKey key, Position position) {
    coherence.changed(
        new Change.Published(
            key,
            ++seq,
            position(position.version() - 1).tag(),
            position,
            new Change.Counters(1, 1, 1, FakeStore.TIME, FakeStore.TIME),
            null));
  }

  private void appended(long before, long version) {
    appended(position(before), version);
  }

  /** An append that also makes the session end 100 s later. */
  private void appended(Position before, long version) {
    Message message = FakeStore.message(version, 20);
    coherence.changed(
        new Change.Published(
            KEY,
            ++seq,
            before.tag(),
            position(version),
            new Change.Counters(
                version,
                100 + version,
                1,
                FakeStore.TIME,
                session("ann", before.version()).head().expiresAt().plusSeconds(100)),
            new Change.MessagesAppended(List.of(message)).toJson(),
            List.of(message)));
  }

  private void written(long version) {
    SessionWriter writer =
        (_, _, _) -> Mono.just(new Outcome.Applied("ann", null, session("ann", version).head()));
    cache
        .forgetting(writer)
        .apply(KEY, new Write.Delete(), WritePreconditions.NONE)
        .toFuture()
        .join();
  }

  private ThreadPage page(@Nullable String user, long version) {
    return new ThreadPage(session(user, version), messages(version), false, now + HOUR.toNanos());
  }

  private static Session session(@Nullable String user, long version) {
    return FakeStore.session(KEY, user, position(version));
  }

  private static List<Message> messages(long version) {
    return LongStream.rangeClosed(1, version).mapToObj(i -> FakeStore.message(i, 20)).toList();
  }

  /** Another session of the same partition. */
  private static SessionKey neighbour() {
    for (int i = 0; ; i++) {
      SessionKey key = new SessionKey(Tenant.DEFAULT, "n" + i);
      if (key.partition() == PARTITION) {
        return key;
      }
    }
  }

  private static ThreadPage served(CompletableFuture<ThreadPage> asked) {
    assertThat(asked).isCompleted();
    return asked.join();
  }

  private static ProblemCode refused(CompletableFuture<ThreadPage> asked) {
    assertThat(asked).isCompletedExceptionally();
    return ((ProblemException) asked.exceptionNow()).problem().code();
  }

  /** What the map has noted of it; it does so a little later than it changes. */
  private long weight() {
    cache.tidy();
    return cache.bytes();
  }

  private void counted(long hits, long misses, long bypasses, long dirty) {
    assertThat(List.of(cache.hits(), cache.misses(), cache.bypasses(), cache.overtaken()))
        .as("hits, misses, bypasses, dirty")
        .containsExactly(hits, misses, bypasses, dirty);
  }
}
