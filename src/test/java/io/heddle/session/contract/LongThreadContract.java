package io.heddle.session.contract;

import static io.heddle.session.contract.WriteFixtures.append;
import static io.heddle.session.contract.WriteFixtures.says;
import static io.heddle.session.contract.WriteFixtures.sized;
import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Position;
import io.heddle.base.ProblemCode;
import io.heddle.base.SessionKey;
import io.heddle.session.ChangeLog.Logged;
import io.heddle.session.ChangeLog.Replay;
import io.heddle.session.Head;
import io.heddle.session.IdempotentRequest;
import io.heddle.session.Message;
import io.heddle.session.MessagePlace;
import io.heddle.session.NewMessage;
import io.heddle.session.Outcome;
import io.heddle.session.PageRequest;
import io.heddle.session.ReadContext;
import io.heddle.session.ThreadPage;
import io.heddle.session.Write;
import io.heddle.session.WritePreconditions;
import io.heddle.session.service.WholePages;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/** Threads that no single answer holds, and cuts that no single step makes. */
abstract class LongThreadContract extends ContractSuite {

  private static final int KB = 1024;

  /** Ways to go through a thread. */
  enum Walk {
    FORWARD,
    BACKWARD,
    BACKWARD_OLDEST_FIRST;

    PageRequest request(int limit, String cursor) {
      return switch (this) {
        case FORWARD -> PageRequest.forward(limit, cursor);
        case BACKWARD -> PageRequest.backward(limit, cursor);
        case BACKWARD_OLDEST_FIRST -> new PageRequest(limit, null, cursor, true, false);
      };
    }

    boolean oldestFirst() {
      return this != BACKWARD;
    }
  }

  /** Bytes of messages: small ones between large ones, and one that is larger than a page. */
  private List<Integer> sizes() {
    int page = (int) engine().limits().pageBytes();
    List<Integer> sizes = new ArrayList<>(List.of(page + KB, 100));
    for (int i = 0; i < 5; i++) {
      sizes.addAll(List.of(page / 2, page / 2 - 40 * KB, 100, page / 3));
    }
    sizes.addAll(List.of(100, page + KB, page, 1 + page / 2));
    return sizes;
  }

  private SessionKey large() {
    SessionKey key = newKey();
    create(key);
    for (int size : sizes()) {
      applied(key, append(sized(null, size)));
    }
    return key;
  }

  @ParameterizedTest
  @EnumSource(Walk.class)
  void aPageIsBoundedInBytesToo(Walk walk) {
    SessionKey key = large();
    long bound = engine().limits().pageBytes();
    List<Integer> seen = new ArrayList<>();
    String cursor = null;
    int pages = 0;
    while (true) {
      ThreadPage page = page(key, walk.request(50, cursor));
      List<Message> messages = page.messages();
      assertThat(messages).as("it has one message at least").isNotEmpty();
      long bytes = messages.stream().mapToLong(message -> message.body().length()).sum();
      assertThat(messages.size() == 1 || bytes <= bound).as("%d bytes", bytes).isTrue();
      List<Integer> sizes = messages.stream().map(message -> message.body().length()).toList();
      if (walk == Walk.FORWARD) {
        seen.addAll(sizes);
      } else {
        seen.addAll(0, walk.oldestFirst() ? sizes : sizes.reversed());
      }
      pages++;
      if (!page.hasMore()) {
        break;
      }
      assertThat(seen.size()).isLessThan(sizes().size());
      cursor = (walk == Walk.BACKWARD_OLDEST_FIRST ? messages.getFirst() : messages.getLast()).id();
    }
    assertThat(seen).isEqualTo(sizes());
    assertThat(pages).isGreaterThan(5);
    assertThat(page(key, walk.request(1, null)).messages()).hasSize(1);
  }

  @ParameterizedTest
  @EnumSource(Walk.class)
  void asManyAsAreAskedForCanBeReadInSeveralPages(Walk walk) {
    SessionKey key = large();
    List<Integer> sizes = sizes();
    for (int limit : List.of(1, 7, sizes.size() - 1, sizes.size(), sizes.size() + 1, 1000)) {
      ThreadPage read =
          get(WholePages.load(engine().reader(), key, ReadContext.ANY, walk.request(limit, null)));
      int size = Math.min(limit, sizes.size());
      List<Integer> wanted =
          walk == Walk.FORWARD
              ? sizes.subList(0, size)
              : sizes.subList(sizes.size() - size, sizes.size());
      assertThat(read.messages().stream().map(message -> message.body().length()).toList())
          .as("limit %d", limit)
          .isEqualTo(walk.oldestFirst() ? wanted : wanted.reversed());
      assertThat(read.hasMore()).isEqualTo(size < sizes.size());
    }
  }

  @Test
  void theLogTellsAVersionThatIsLargerThanAnAnswer() {
    SessionKey key = newKey();
    Position begun = create(key).head().position();
    List<NewMessage> four = IntStream.range(0, 4).mapToObj(i -> sized(null, 900 * KB)).toList();
    applied(key, append(says("small")));
    applied(key, new Write.Append(four));
    Position now = applied(key, append(says("last"))).head().position();

    Position from = begun;
    List<Logged> told = new ArrayList<>();
    while (!from.equals(now)) {
      Replay replay = get(engine().changeLog().after(key, null, from, 256));
      assertThat(replay).isInstanceOf(Replay.Followed.class);
      List<Logged> changes = ((Replay.Followed) replay).changes();
      assertThat(changes).isNotEmpty();
      told.addAll(changes);
      from = changes.getLast().position();
    }
    assertThat(told).extracting(logged -> logged.position().version()).containsExactly(2L, 3L, 4L);
    assertThat(told.get(1).body().length()).isGreaterThan(4 * 900 * KB);
  }

  private SessionKey ofMany(int messages) {
    SessionKey key = newKey();
    create(key);
    for (int at = 0; at < messages; at += 100) {
      int from = at;
      applied(
          key,
          new Write.Append(
              IntStream.range(from, from + 100)
                  .mapToObj(i -> i % 3 == 0 ? says("own" + i, "m" + i) : says("m" + i))
                  .toList()));
    }
    return key;
  }

  /** More is deleted, and more stays, than one step deletes or copies. */
  @Test
  void aLongCutIsRight() {
    SessionKey key = ofMany(2500);
    List<Message> before = thread(key);
    String after = before.get(999).id();
    Position at = position(key);

    Head head = applied(key, new Write.TruncateThread(after)).head();

    List<Message> kept = before.subList(0, 1000);
    assertThat(thread(key)).isEqualTo(kept);
    assertThat(head.position().version()).isEqualTo(at.version() + 1);
    assertThat(head.lastSeq()).isEqualTo(2500);
    assertThat(head.messageCount()).isEqualTo(1000);
    assertThat(head.bytes()).isEqualTo(bytes(kept));
    assertThat(head).isEqualTo(session(key).head());
    // What stayed is found by its id and can be gone on from; what went is free again.
    assertThat(get(engine().reader().message(key, ReadContext.ANY, "own999")).messages().getFirst())
        .isEqualTo(kept.get(999));
    refused(key, append(says("own999", "x")), WritePreconditions.NONE, ProblemCode.MESSAGE_EXISTS);
    failed(
        engine().reader().message(key, ReadContext.ANY, "own1002"), ProblemCode.MESSAGE_NOT_FOUND);
    Position then = head.position();
    Position again = applied(key, append(says("own1002", "again"))).head().position();
    assertThat(seqs(page(key, PageRequest.backward(2, null)))).containsExactly(2501L, 1000L);
    assertThat(
            get(engine().reader().message(key, ReadContext.ANY, "own1002"))
                .messages()
                .getFirst()
                .seq())
        .isEqualTo(2501);
    Replay replay = get(engine().changeLog().after(key, null, then, 10));
    assertThat(((Replay.Followed) replay).changes())
        .extracting(Logged::position)
        .containsExactly(again);
    assertThat(get(engine().changeLog().after(key, null, at, 10)))
        .as("the entry of that position went with the cut")
        .isInstanceOf(Replay.Gap.class);

    applied(key, new Write.TruncateThread(kept.getFirst().id()));
    assertThat(thread(key)).isEqualTo(kept.subList(0, 1));
    assertThat(session(key).head().bytes()).isEqualTo(bytes(kept.subList(0, 1)));
  }

  @Test
  void aCutOfFewLargeMessagesIsRight() {
    SessionKey key = large();
    List<Message> before = thread(key);
    for (int kept : List.of(before.size() - 1, before.size() - 3, 9, 1)) {
      Head head = applied(key, new Write.TruncateThread(before.get(kept - 1).id())).head();
      assertThat(head.messageCount()).isEqualTo(kept);
      assertThat(head.bytes()).isEqualTo(bytes(before.subList(0, kept)));
      assertThat(thread(key)).isEqualTo(before.subList(0, kept));
    }
  }

  @Test
  void aLongCutKeepsItsTerms() {
    SessionKey key = ofMany(1000);
    String after = thread(key).get(10).id();
    WritePreconditions elsewhere =
        WritePreconditions.NONE.withPositions(List.of(new Position(3, "aaaaaaaa")));
    refused(key, new Write.TruncateThread(after), elsewhere, ProblemCode.VERSION_CONFLICT);
    assertThat(session(key).head().messageCount()).isEqualTo(1000);

    IdempotentRequest retry = newRetry();
    Outcome.Applied done =
        applied(key, new Write.TruncateThread(after), WritePreconditions.NONE.withRetry(retry));
    applied(key, append(says("later")));
    Outcome replay =
        write(key, new Write.TruncateThread(after), WritePreconditions.NONE.withRetry(retry));
    assertThat(replay).isInstanceOf(Outcome.Replayed.class);
    assertThat(((Outcome.Replayed) replay).position()).isEqualTo(done.head().position());
    assertThat(session(key).head().messageCount()).isEqualTo(12);
  }

  /** Whoever reads meanwhile sees all of it or none of it, and nothing that is added gets lost. */
  @Test
  void nobodySeesHalfOfALongCut() {
    SessionKey key = ofMany(2000);
    String after = thread(key).get(499).id();
    AtomicBoolean stop = new AtomicBoolean();
    var written =
        Flux.range(0, 3)
            .flatMap(writer ->
                engine()
                    .writer()
                    .apply(key, append(says("x")), WritePreconditions.NONE)
                    .repeat(() -> !stop.get()))
            .collectList()
            .subscribeOn(Schedulers.parallel())
            .toFuture();
    var counts =
        engine()
            .reader()
            .load(key, ReadContext.ANY, PageRequest.last(3))
            .repeat(() -> !stop.get())
            .collectList()
            .subscribeOn(Schedulers.parallel())
            .toFuture();
    Head cut = applied(key, new Write.TruncateThread(after)).head();
    stop.set(true);
    List<Outcome> outcomes = get(Mono.fromFuture(written));
    List<ThreadPage> pages = get(Mono.fromFuture(counts));

    assertThat(cut.messageCount()).isEqualTo(500);
    long later =
        outcomes.stream()
            .map(outcome -> assertApplied(outcome).head().position().version())
            .filter(version -> version > cut.position().version())
            .count();
    List<Message> left = thread(key);
    assertThat(left).hasSize((int) (500 + later));
    assertThat(session(key).head().messageCount()).isEqualTo(left.size());
    assertThat(session(key).head().bytes()).isEqualTo(bytes(left));
    assertThat(left.subList(0, 500))
        .extracting(Message::seq)
        .isEqualTo(LongStream.rangeClosed(1, 500).boxed().toList());
    for (ThreadPage page : pages) {
      Head head = page.session().head();
      boolean isCut = head.position().version() >= cut.position().version();
      assertThat(head.messageCount())
          .isEqualTo(isCut ? head.lastSeq() - cut.lastSeq() + 500 : head.lastSeq());
    }
  }

  @Test
  void aCutAmongDeletionsIsRight() {
    SessionKey key = ofMany(1500);
    List<String> ids = ids(key);
    List<Outcome> outcomes =
        atOnce(
            21,
            i ->
                engine()
                    .writer()
                    .apply(
                        key,
                        i == 10
                            ? new Write.TruncateThread(ids.get(700))
                            : new Write.DeleteMessage(ids.get(i)),
                        WritePreconditions.NONE));
    outcomes.forEach(ContractSuite::assertApplied);
    List<Message> left = thread(key);
    List<String> kept = new ArrayList<>(ids.subList(0, 701));
    kept.removeAll(ids.subList(0, 21).stream().filter(id -> !id.equals(ids.get(10))).toList());
    assertThat(left).extracting(Message::id).isEqualTo(kept);
    assertThat(session(key).head().messageCount()).isEqualTo(kept.size());
    assertThat(session(key).head().bytes()).isEqualTo(bytes(left));
  }

  private static List<Long> seqs(ThreadPage page) {
    return page.messages().stream().map(Message::seq).toList();
  }

  /** Ids that clients gave count like the bodies. */
  private static long bytes(List<Message> messages) {
    return messages.stream()
        .mapToLong(message -> {
          String own = MessagePlace.parse(message.id()) == null ? message.id() : null;
          return NewMessage.bytes(own, message.body());
        })
        .sum();
  }
}
