package io.heddle.session.contract;

import static io.heddle.session.contract.WriteFixtures.append;
import static io.heddle.session.contract.WriteFixtures.says;
import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Position;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.SessionKey;
import io.heddle.json.Json;
import io.heddle.session.Message;
import io.heddle.session.MessagePlace;
import io.heddle.session.NewMessage;
import io.heddle.session.PageRequest;
import io.heddle.session.ReadContext;
import io.heddle.session.SessionReader;
import io.heddle.session.ThreadPage;
import io.heddle.session.Write;
import io.heddle.session.WritePreconditions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/** Every page of a thread, at every border, and the terms of every read. */
abstract class ThreadPagingContract extends ContractSuite {

  @Test
  void anEmptyThreadHasEmptyPages() {
    SessionKey key = newKey();
    create(key);
    ThreadModel model = new ThreadModel(key);
    compareEveryPage(key, model);
  }

  /**
   * Every limit, both cursors at every message there is or was, both ends, both orders: on a thread
   * with messages of both kinds of id, a hole, a cut tail and an id that was used twice.
   */
  @Test
  void everyPageOfASmallThreadIsRight() {
    SessionKey key = newKey();
    ThreadModel model = new ThreadModel(key);
    List<NewMessage> first = List.of(says("a", "1"), says("2"), says("c", "3"));
    model.append(create(key, first.toArray(NewMessage[]::new)).head().position(), first);
    compareEveryPage(key, model);
    appendBoth(key, model, List.of(says("d", "4"), says("5")));
    deleteBoth(key, model, "c");
    compareEveryPage(key, model);
    appendBoth(key, model, List.of(says("c", "again")));
    appendBoth(key, model, List.of(says("tail")));
    cutBoth(key, model, "c");
    deleteBoth(key, model, model.aliveIds().get(1));
    appendBoth(key, model, List.of(says("7")));
    compareEveryPage(key, model);
    clearBoth(key, model);
    compareEveryPage(key, model);
    appendBoth(key, model, List.of(says("8"), says("a", "9")));
    compareEveryPage(key, model);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4})
  void randomThreadsAreLikeTheModel(long seed) {
    Random random = new Random(seed);
    SessionKey key = newKey();
    ThreadModel model = new ThreadModel(key);
    create(key);
    for (int step = 1; step <= 60; step++) {
      List<String> alive = model.aliveIds();
      int dice = random.nextInt(100);
      if (dice < 55 || alive.isEmpty()) {
        appendBoth(key, model, randomMessages(random, model, step));
      } else if (dice < 82) {
        deleteBoth(key, model, pick(random, alive));
      } else if (dice < 97) {
        cutBoth(key, model, alive.get(random.nextInt(alive.size() / 2, alive.size())));
      } else {
        clearBoth(key, model);
      }
      ThreadPage whole = page(key, PageRequest.forward(1000, null));
      assertPage(whole, model.page(PageRequest.forward(1000, null)), "seed " + seed);
      assertThat(whole.session().head().lastSeq()).isEqualTo(model.lastSeq());
      assertThat(whole.session().head().messageCount()).isEqualTo(model.aliveIds().size());
      assertThat(whole.session().head().bytes()).isEqualTo(model.bytes());
      if (step % 4 == 0) {
        compareRandomPages(key, model, random, 60);
      }
    }
  }

  @Test
  void walksALongThreadBothWays() {
    SessionKey key = newKey();
    create(key);
    for (int i = 0; i < 12; i++) {
      List<NewMessage> batch = new ArrayList<>();
      for (int j = 0; j < 100; j++) {
        batch.add(says("m" + i + "." + j));
      }
      applied(key, new Write.Append(batch));
    }
    List<Long> all = LongStream.rangeClosed(1, 1200).boxed().toList();

    List<Long> forward = new ArrayList<>();
    ThreadPage page = page(key, PageRequest.forward(97, null));
    forward.addAll(seqs(page));
    while (page.hasMore()) {
      page = page(key, PageRequest.forward(97, page.messages().getLast().id()));
      forward.addAll(seqs(page));
    }
    assertThat(forward).isEqualTo(all);

    List<Long> backward = new ArrayList<>();
    page = page(key, PageRequest.backward(101, null));
    backward.addAll(seqs(page));
    while (page.hasMore()) {
      page = page(key, PageRequest.backward(101, page.messages().getLast().id()));
      backward.addAll(seqs(page));
    }
    assertThat(backward.reversed()).isEqualTo(all);
  }

  /** However often an id was used, and whatever came and went meanwhile. */
  @Test
  void aCursorWhoseMessageWentGoesOnFromItsLastPlace() {
    SessionKey key = newKey();
    create(key, says("a", "1"), says("b", "2"));
    for (int i = 0; i < 3; i++) {
      applied(key, append(says("x", "x"), says("after" + i, "y")));
      applied(key, new Write.DeleteMessage("x"));
      assertThat(seqs(page(key, PageRequest.forward(5, "x")))).containsExactly(4L + 2 * i);
    }
    applied(key, append(says("x", "x"), says("z")));
    assertThat(seqs(page(key, PageRequest.forward(5, "x")))).containsExactly(10L);
    applied(key, new Write.TruncateThread("a"));
    applied(key, append(says("last")));
    for (String gone : List.of("b", "x", "after0", "after1", "after2")) {
      assertThat(seqs(page(key, PageRequest.forward(5, gone)))).containsExactly(11L);
      assertThat(seqs(page(key, PageRequest.backward(5, gone)))).containsExactly(1L);
    }
    applied(key, new Write.TruncateThread(null));
    failed(
        engine().reader().load(key, ReadContext.ANY, PageRequest.forward(5, "x")),
        ProblemCode.INVALID_CURSOR);
  }

  /** They were kept for ever, and counted nowhere: a session could grow without end. */
  @Test
  void idsOfMessagesThatWentAreForgottenInTheEnd() {
    SessionKey key = newKey();
    create(key, says("stays", "1"));
    long bytes = session(key).head().bytes();
    for (int i = 0; i < 300; i++) {
      applied(key, append(says("m" + i, "x")));
      applied(key, new Write.DeleteMessage("m" + i));
    }
    applied(key, append(says("last", "2")));
    assertThat(session(key).head().bytes()).isEqualTo(bytes + says("last", "2").bytes());
    assertThat(seqs(page(key, PageRequest.forward(5, "m299")))).containsExactly(302L);
    assertThat(seqs(page(key, PageRequest.forward(5, "m44")))).containsExactly(302L);
    failed(
        engine().reader().load(key, ReadContext.ANY, PageRequest.forward(5, "m43")),
        ProblemCode.INVALID_CURSOR);
    assertThat(seqs(page(key, PageRequest.forward(5, "stays")))).containsExactly(302L);

    applied(
        key, new Write.Append(IntStream.range(0, 100).mapToObj(i -> says("n" + i, "x")).toList()));
    applied(
        key, new Write.Append(IntStream.range(0, 200).mapToObj(i -> says("o" + i, "x")).toList()));
    applied(key, new Write.TruncateThread("last"));
    applied(key, append(says("end")));
    assertThat(seqs(page(key, PageRequest.forward(5, "o199")))).containsExactly(603L);
    assertThat(seqs(page(key, PageRequest.forward(5, "o0")))).containsExactly(603L);
    failed(
        engine().reader().load(key, ReadContext.ANY, PageRequest.forward(5, "n0")),
        ProblemCode.INVALID_CURSOR);
  }

  @Test
  void aPageGoesOnOverALongHole() {
    SessionKey key = newKey();
    create(key, says("first", "1"));
    List<String> gone = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      List<NewMessage> batch = new ArrayList<>();
      for (int j = 0; j < 100; j++) {
        batch.add(says("h" + i + "-" + j, "x"));
        gone.add("h" + i + "-" + j);
      }
      applied(key, new Write.Append(batch));
    }
    applied(key, append(says("last", "2")));
    atOnce(
        gone.size(),
        i ->
            engine()
                .writer()
                .apply(key, new Write.DeleteMessage(gone.get(i)), WritePreconditions.NONE));

    assertThat(seqs(page(key, PageRequest.forward(2, null)))).containsExactly(1L, 302L);
    assertThat(seqs(page(key, PageRequest.forward(1, "first")))).containsExactly(302L);
    assertThat(seqs(page(key, PageRequest.backward(1, "last")))).containsExactly(1L);
    assertThat(seqs(page(key, PageRequest.forward(5, "h1-50")))).containsExactly(302L);
    assertThat(seqs(page(key, PageRequest.backward(5, "h1-50")))).containsExactly(1L);
    assertThat(page(key, PageRequest.forward(1, null)).hasMore()).isTrue();
    assertThat(page(key, PageRequest.forward(1, "h2-99")).hasMore()).isFalse();
  }

  /** A reader that walks while others write sees what stood when it began, once and in order. */
  @Test
  void walkingWhileOthersWriteSeesEachMessageOnce() {
    SessionKey key = newKey();
    create(key, says("0"), says("1"), says("2"));
    AtomicBoolean stop = new AtomicBoolean();
    Mono<Long> writing =
        Flux.range(0, 4)
            .flatMap(writer ->
                engine()
                    .writer()
                    .apply(key, append(says("x"), says("y")), WritePreconditions.NONE)
                    .repeat(() -> !stop.get())
                    .take(200))
            .count()
            .subscribeOn(Schedulers.parallel());
    var written = writing.toFuture();
    List<Long> seen = new ArrayList<>();
    String after = null;
    while (seen.size() < 300) {
      ThreadPage page = page(key, PageRequest.forward(7, after));
      seen.addAll(seqs(page));
      long last = page.session().head().lastSeq();
      assertThat(page.hasMore()).isEqualTo(seen.getLast() < last);
      if (!page.messages().isEmpty()) {
        after = page.messages().getLast().id();
      }
    }
    stop.set(true);
    get(Mono.fromFuture(written));
    assertThat(seen).isEqualTo(LongStream.rangeClosed(1, seen.size()).boxed().toList());
  }

  /** What one read answers stood together: the head's counters are those of the page's thread. */
  @Test
  void aReadIsOfOneMoment() {
    SessionKey key = newKey();
    create(key);
    AtomicBoolean stop = new AtomicBoolean();
    var written =
        engine()
            .writer()
            .apply(key, append(says("x"), says("y"), says("z")), WritePreconditions.NONE)
            .repeat(() -> !stop.get())
            .take(300)
            .collectList()
            .subscribeOn(Schedulers.parallel())
            .toFuture();
    await()
        .pollInterval(Duration.ofMillis(1))
        .until(() -> {
          ThreadPage page = page(key, PageRequest.last(3));
          long last = page.session().head().lastSeq();
          assertThat(last).isEqualTo((page.session().position().version() - 1) * 3);
          assertThat(page.session().head().messageCount()).isEqualTo(last);
          assertThat(seqs(page))
              .isEqualTo(LongStream.rangeClosed(Math.max(1, last - 2), last).boxed().toList());
          return written.isDone() || last >= 600;
        });
    stop.set(true);
    get(Mono.fromFuture(written));
  }

  @Test
  void aCursorOfAnotherSessionIsRefused() {
    SessionKey key = furnished();
    SessionKey other = newKey();
    Position elsewhere = create(other, says("theirs", "x"), says("1"), says("2")).head().position();
    Position mine = applied(key, append(says("4"))).head().position();

    for (String cursor :
        List.of(
            "theirs",
            MessagePlace.of(other, elsewhere, 1).id(),
            new MessagePlace(mine.version(), 0, mine.tag(), other.mark()).id())) {
      assertInvalidCursor(key, cursor);
    }
  }

  @Test
  void aCursorThatNeverWasIsRefused() {
    SessionKey key = furnished();
    Position mine = applied(key, append(says("4"))).head().position();

    for (String cursor :
        List.of(
            "never",
            "",
            "msg_",
            "x".repeat(300),
            mine.toString(),
            new MessagePlace(mine.version(), 0, "aaaaaaaa", key.mark()).id(),
            new MessagePlace(mine.version() + 1, 0, mine.tag(), key.mark()).id(),
            new MessagePlace(9_999_999_999_999L, 0, mine.tag(), key.mark()).id())) {
      assertInvalidCursor(key, cursor);
    }
  }

  @Test
  void clearingForgetsClientsIdsAndNewLifeForgetsThemToo() {
    SessionKey key = furnished();
    applied(key, new Write.TruncateThread(null));
    assertInvalidCursor(key, "first");

    applied(key, append(says("fourth", "4")));
    applied(key, new Write.Delete());
    create(key, says("1"));
    assertInvalidCursor(key, "fourth");
    failed(
        engine().reader().message(key, ReadContext.ANY, "fourth"), ProblemCode.MESSAGE_NOT_FOUND);
  }

  @Test
  void findsOneMessageByEitherKindOfId() {
    SessionKey key = furnished();
    Position appended = applied(key, append(says("4"), says("5"))).head().position();
    String given = MessagePlace.of(key, appended, 1).id();

    ThreadPage found = get(engine().reader().message(key, ReadContext.ANY, given));
    assertThat(found.messages()).extracting(Message::id).containsExactly(given);
    assertThat(found.messages().getFirst().seq()).isEqualTo(5);
    assertThat(found.session()).isEqualTo(session(key));
    assertThat(get(engine().reader().message(key, ReadContext.ANY, "second")).messages())
        .isEqualTo(List.of(thread(key).get(1)));
  }

  @Test
  void readsServeAtLeastThePositionAskedFor() {
    SessionKey key = newKey();
    Position first = create(key, says("first", "1")).head().position();
    Position second = applied(key, new Write.SaveState(Json.of("{\"n\":1}"))).head().position();
    Position third = applied(key, append(says("2"))).head().position();

    for (Position part : List.of(first, second, third)) {
      for (Mono<?> read : everyRead(key, new ReadContext(null, part))) {
        assertThat(read.block(PATIENCE)).as("%s at %s", read, part).isNotNull();
      }
    }
    for (Position lost :
        List.of(
            new Position(first.version(), "aaaaaaaa"),
            new Position(second.version(), "aaaaaaaa"),
            new Position(third.version(), "aaaaaaaa"),
            new Position(third.version() + 1, third.tag()),
            new Position(999_999_999_999L, "aaaaaaaa"))) {
      for (Mono<?> read : everyRead(key, new ReadContext(null, lost))) {
        failed(read, ProblemCode.POSITION_LOST);
      }
    }
  }

  /** An append whose messages are gone cannot be told from one of other tags: it is unknown. */
  @Test
  void aPositionWhoseEntryIsGoneIsNotLost() {
    SessionKey key = furnished();
    Position appended = applied(key, append(says("4"))).head().position();
    applied(key, new Write.TruncateThread(null));

    assertThat(get(engine().reader().load(key, new ReadContext(null, appended), PageRequest.NONE)))
        .isNotNull();
  }

  @Test
  void readsHideTheSessionFromEverybodyButItsOwner() {
    SessionKey key = furnished();
    for (Mono<?> read : everyRead(key, new ReadContext("someone", null))) {
      assertThat(read.block(PATIENCE)).isNotNull();
    }
    for (String other : List.of("other", "some", "someone2", "Someone")) {
      for (Mono<?> read : everyRead(key, new ReadContext(other, null))) {
        failed(read, ProblemCode.SESSION_NOT_FOUND);
      }
    }
    SessionKey nobodys = newKey();
    create(nobodys, says("first", "1"));
    for (Mono<?> read : everyRead(nobodys, new ReadContext("someone", null))) {
      failed(read, ProblemCode.SESSION_NOT_FOUND);
    }
  }

  @Test
  void readsOfWhatIsNotThereSaySo() {
    for (Mono<?> read : everyRead(newKey(), ReadContext.ANY)) {
      failed(read, ProblemCode.SESSION_NOT_FOUND);
    }
  }

  List<Mono<?>> everyRead(SessionKey key, ReadContext view) {
    SessionReader reader = engine().reader();
    return List.of(
        reader.load(key, view, PageRequest.NONE),
        reader.load(key, view, PageRequest.last(2)),
        reader.message(key, view, "first"),
        reader.state(key, view),
        reader.checkpoints(key, view, 5, null));
  }

  private void assertInvalidCursor(SessionKey key, String cursor) {
    SessionReader reader = engine().reader();
    Problem after =
        failed(
            reader.load(key, ReadContext.ANY, PageRequest.forward(5, cursor)),
            ProblemCode.INVALID_CURSOR);
    assertThat(after.members()).containsEntry("field", "after");
    Problem before =
        failed(
            reader.load(key, ReadContext.ANY, PageRequest.backward(5, cursor)),
            ProblemCode.INVALID_CURSOR);
    assertThat(before.members()).containsEntry("field", "before");
  }

  private void appendBoth(SessionKey key, ThreadModel model, List<NewMessage> messages) {
    model.append(applied(key, new Write.Append(messages)).head().position(), messages);
  }

  private void deleteBoth(SessionKey key, ThreadModel model, String id) {
    applied(key, new Write.DeleteMessage(id));
    model.delete(id);
  }

  private void cutBoth(SessionKey key, ThreadModel model, String after) {
    applied(key, new Write.TruncateThread(after));
    model.cut(after);
  }

  private void clearBoth(SessionKey key, ThreadModel model) {
    applied(key, new Write.TruncateThread(null));
    model.clear();
  }

  private void compareEveryPage(SessionKey key, ThreadModel model) {
    List<@Nullable String> cursors = new ArrayList<>(model.cursors());
    cursors.add(null);
    List<PageRequest> requests = new ArrayList<>();
    for (String after : cursors) {
      for (String before : cursors) {
        for (int direction = 0; direction < 4; direction++) {
          for (int limit = 1; limit <= model.aliveIds().size() + 1; limit++) {
            requests.add(ThreadModel.request(limit, after, before, direction));
          }
        }
      }
    }
    compare(key, model, requests);
  }

  private void compareRandomPages(SessionKey key, ThreadModel model, Random random, int count) {
    List<String> cursors = model.cursors();
    List<PageRequest> requests = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      requests.add(
          ThreadModel.request(
              random.nextInt(1, model.aliveIds().size() + 2),
              random.nextInt(4) == 0 ? null : pick(random, cursors),
              random.nextInt(4) == 0 ? null : pick(random, cursors),
              random.nextInt(4)));
    }
    compare(key, model, requests);
  }

  private void compare(SessionKey key, ThreadModel model, List<PageRequest> requests) {
    List<ThreadPage> pages =
        get(
            Flux.fromIterable(requests)
                .flatMapSequential(
                    request -> engine().reader().load(key, ReadContext.ANY, request), 64)
                .collectList());
    for (int i = 0; i < requests.size(); i++) {
      assertPage(pages.get(i), model.page(requests.get(i)), requests.get(i).toString());
    }
  }

  private static void assertPage(ThreadPage page, ThreadModel.Expected expected, String what) {
    assertThat(
            new ThreadModel.Expected(
                page.messages().stream()
                    .map(message -> message.seq() + " " + message.id() + " " + message.body())
                    .toList(),
                page.hasMore()))
        .as(what)
        .isEqualTo(expected);
  }

  private static List<NewMessage> randomMessages(Random random, ThreadModel model, int step) {
    List<NewMessage> messages = new ArrayList<>();
    List<String> free = new ArrayList<>(model.freeClientIds());
    int size = random.nextInt(1, 6);
    for (int i = 0; i < size; i++) {
      String text = step + "/" + i;
      switch (random.nextInt(4)) {
        case 0 -> messages.add(says("c" + step + "." + i, text));
        case 1 -> {
          String id = free.isEmpty() ? null : free.remove(random.nextInt(free.size()));
          messages.add(says(id, text));
        }
        default -> messages.add(says(text));
      }
    }
    return messages;
  }

  private static String pick(Random random, List<String> from) {
    return from.get(random.nextInt(from.size()));
  }

  private static List<Long> seqs(ThreadPage page) {
    return page.messages().stream().map(Message::seq).toList();
  }
}
