package io.heddle.session.contract;

import static io.heddle.session.contract.WriteFixtures.HOUR;
import static io.heddle.session.contract.WriteFixtures.append;
import static io.heddle.session.contract.WriteFixtures.described;
import static io.heddle.session.contract.WriteFixtures.says;
import static io.heddle.session.contract.WriteFixtures.sized;
import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Json;
import io.heddle.base.Position;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.session.Head;
import io.heddle.session.Message;
import io.heddle.session.MessagePlace;
import io.heddle.session.NewMessage;
import io.heddle.session.Outcome;
import io.heddle.session.PageRequest;
import io.heddle.session.ReadContext;
import io.heddle.session.Session;
import io.heddle.session.SessionAttributes;
import io.heddle.session.SessionAttributes.Status;
import io.heddle.session.Write;
import io.heddle.session.WritePreconditions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Flux;

/** What one write does, and what it refuses. */
abstract class SessionWriterContract extends ContractSuite {

  private static final String EVERY = "io.heddle.session.contract.WriteFixtures#every";

  @Test
  void createsAnEmptySession() {
    SessionKey key = newKey();
    SessionAttributes description =
        new SessionAttributes(
            "ünï",
            "A \"title\" \\ with\nlines and \uD83E\uDDF5",
            Json.of("{\"a\":[],\"b\":{},\"n\":12345678901234567890,\"t\":\"}\"}"),
            "You are\tterse.",
            "model/x:1",
            Status.ACTIVE,
            Duration.ofSeconds(90));

    Outcome.Applied made = applied(key, new Write.Create(description, List.of()));

    Head head = made.head();
    assertThat(made.description()).isEqualTo(description);
    assertThat(head.position().version()).isEqualTo(1);
    assertThat(Position.parse(head.position().toString())).isEqualTo(head.position());
    assertThat(head.lastSeq()).isZero();
    assertThat(head.messageCount()).isZero();
    assertThat(head.bytes()).isZero();
    assertThat(head.activeTurn()).isNull();
    assertThat(head.updatedAt()).isEqualTo(head.createdAt());
    assertThat(head.expiresAt()).isEqualTo(head.updatedAt().plusSeconds(90));
    assertThat(head.createdAt()).isBetween(ago(5), ago(-5));
    assertThat(session(key)).isEqualTo(new Session(key, description, head));
    assertThat(thread(key)).isEmpty();
  }

  @Test
  void createsWithItsFirstMessagesInTheSameVersion() {
    SessionKey key = newKey();

    Outcome.Applied made = create(key, says("hello"), says("mine", "there"), says("you"));

    Position position = made.head().position();
    assertThat(position.version()).isEqualTo(1);
    assertThat(made.head().lastSeq()).isEqualTo(3);
    assertThat(made.head().messageCount()).isEqualTo(3);
    List<Message> thread = thread(key);
    assertThat(thread).extracting(Message::seq).containsExactly(1L, 2L, 3L);
    assertThat(thread)
        .extracting(Message::id)
        .containsExactly(
            MessagePlace.of(key, position, 0).id(), "mine", MessagePlace.of(key, position, 2).id());
    assertThat(thread).extracting(Message::createdAt).containsOnly(made.head().createdAt());
    assertThat(contents(key)).containsExactly(body("hello"), body("there"), body("you"));
    assertThat(made.head().bytes())
        .as("a client's id counts too")
        .isEqualTo("mine".length() + thread.stream().mapToLong(m -> m.body().length()).sum());
  }

  @Test
  void doesNotCreateWhatIsThere() {
    SessionKey key = furnished();
    Everything before = everything(key);
    Write again = new Write.Create(described("someone", HOUR), List.of(says("new")));

    refused(key, again, WritePreconditions.NONE, ProblemCode.SESSION_EXISTS);
    refused(key, again, ownedBy("someone"), ProblemCode.SESSION_EXISTS);

    assertThat(everything(key)).isEqualTo(before);
  }

  @Test
  void ofManyCreatesAtOnceOneMakesTheSession() {
    SessionKey key = newKey();

    List<Outcome> outcomes =
        atOnce(
            32,
            i ->
                engine()
                    .writer()
                    .apply(
                        key,
                        new Write.Create(described("u" + i, HOUR), List.of(says("by " + i))),
                        WritePreconditions.NONE));

    assertThat(outcomes).filteredOn(Outcome.Applied.class::isInstance).hasSize(1);
    assertThat(outcomes)
        .filteredOn(Outcome.Refused.class::isInstance)
        .hasSize(31)
        .allSatisfy(outcome -> assertRefused(outcome, ProblemCode.SESSION_EXISTS));
    String user = session(key).description().user();
    assertThat(contents(key)).containsExactly(body("by " + String.valueOf(user).substring(1)));
  }

  @Test
  void eachCallIsOneVersionWithATagOfItsOwn() {
    SessionKey key = newKey();
    List<Outcome.Applied> calls = new ArrayList<>();
    calls.add(create(key));
    calls.add(applied(key, append(says("one", "1"))));
    calls.add(applied(key, new Write.Append(batch(100))));
    calls.add(applied(key, new Write.Update(described(null, HOUR))));
    calls.add(applied(key, new Write.SaveState(Json.of("{\"n\":1}"))));
    calls.add(applied(key, new Write.RestoreState("latest")));
    calls.add(applied(key, new Write.DeleteMessage("one")));
    calls.add(applied(key, append(says("two", "2"))));
    calls.add(applied(key, new Write.TruncateThread("two")));
    calls.add(applied(key, new Write.TruncateThread(null)));
    calls.add(applied(key, new Write.TruncateThread(null)));
    calls.add(applied(key, append(says("last"))));
    assertThat(position(key)).isEqualTo(calls.getLast().head().position());
    calls.add(applied(key, new Write.Delete()));

    assertThat(calls)
        .extracting(call -> call.head().position().version())
        .containsExactlyElementsOf(LongStream.rangeClosed(1, 13).boxed().toList());
    assertThat(calls).extracting(call -> call.head().position().tag()).doesNotHaveDuplicates();
    assertThat(calls.get(11).head().lastSeq()).as("seqs given so far").isEqualTo(103);
  }

  @Test
  void aBatchIsOneVersionAndKeepsItsOrder() {
    SessionKey key = newKey();
    create(key, says("0"));

    Outcome.Applied appended = applied(key, new Write.Append(batch(100)));

    assertThat(appended.head().position().version()).isEqualTo(2);
    assertThat(appended.head().lastSeq()).isEqualTo(101);
    assertThat(appended.head().messageCount()).isEqualTo(101);
    List<Message> tail = thread(key).subList(1, 101);
    for (int i = 0; i < 100; i++) {
      Message message = tail.get(i);
      assertThat(message.seq()).isEqualTo(i + 2L);
      assertThat(message.id()).isEqualTo(MessagePlace.of(key, appended.head().position(), i).id());
      assertThat(message.body().toString()).isEqualTo(body("m" + i));
    }
  }

  @Test
  void manyWritersGiveDenseSeqsAndKeepEachOnesOrder() {
    SessionKey key = newKey();
    create(key);
    int writers = 24;
    int each = 15;

    List<Outcome> outcomes =
        get(
            Flux.range(0, writers)
                .flatMap(
                    writer ->
                        Flux.range(0, each)
                            .concatMap(i ->
                                (writer % 2 == 0 ? engine() : engine().peer())
                                    .writer()
                                    .apply(
                                        key,
                                        append(
                                            says("w" + writer + " " + i),
                                            says("w" + writer + " " + i + "b")),
                                        WritePreconditions.NONE)),
                    writers)
                .collectList());

    List<Position> positions =
        outcomes.stream().map(outcome -> assertApplied(outcome).head().position()).toList();
    int calls = writers * each;
    assertThat(positions.stream().map(Position::version).sorted().toList())
        .isEqualTo(LongStream.rangeClosed(2, calls + 1L).boxed().toList());
    assertThat(positions).extracting(Position::tag).doesNotHaveDuplicates();
    List<Message> thread = thread(key);
    assertThat(thread)
        .extracting(Message::seq)
        .containsExactlyElementsOf(LongStream.rangeClosed(1, calls * 2L).boxed().toList());
    Map<String, Integer> next = new HashMap<>();
    for (int i = 0; i < thread.size(); i += 2) {
      String first = thread.get(i).body().toString();
      String text = first.substring(first.indexOf(":\"w") + 2, first.indexOf("\",\"status"));
      String writer = text.substring(0, text.indexOf(' '));
      int expected = next.merge(writer, 1, Integer::sum) - 1;
      assertThat(text).as("the next of " + writer).isEqualTo(writer + " " + expected);
      assertThat(thread.get(i + 1).body().toString()).isEqualTo(body(text + "b"));
    }
  }

  @Test
  void keepsBodiesByteForByte() {
    List<String> bodies =
        List.of(
            "{\"role\":\"user\",\"content\":[],\"metadata\":{}}",
            "{\"role\":\"user\",\"content\":[{\"type\":\"n\",\"v\":12345678901234567890.000100}]}",
            "{\"role\":\"tool\",\"content\":\"\\u0000 \\\" \\\\ \\/ \\n\",\"x\":1e400}",
            "{\"role\":\"user\",\"content\":\"čćž 漢字 \uD83E\uDDF5 \u2028\"}",
            "{\"role\":\"user\",\"content\":\"%s %d {} [] \\r\\n*3\\r\\n$-1\"}",
            "{\"role\":\"user\",\"content\":null,\"toolCalls\":[{\"id\":\"a\"}]}");
    SessionKey key = newKey();
    create(
        key,
        bodies.stream()
            .map(text -> new NewMessage(null, Json.of(text)))
            .toArray(NewMessage[]::new));
    applied(
        key,
        new Write.Append(
            bodies.stream().map(text -> new NewMessage(null, Json.of(text))).toList()));

    assertThat(contents(key))
        .containsExactlyElementsOf(Flux.fromIterable(bodies).repeat(1).toIterable());
    long bytes = bodies.stream().mapToLong(text -> Json.of(text).length()).sum() * 2;
    assertThat(session(key).head().bytes()).isEqualTo(bytes);
  }

  @Test
  void countsMessagesAndBytesAsTheyComeAndGo() {
    SessionKey key = newKey();
    create(key, sized("a", 100), sized("b", 150), sized("c", 200));
    assertCounts(key, 3, 3, 450);

    applied(key, append(sized("d", 300), sized("e", 400)));
    assertCounts(key, 5, 5, 1150);

    applied(key, new Write.DeleteMessage("b"));
    assertCounts(key, 5, 4, 1000);

    applied(key, new Write.TruncateThread("c"));
    assertCounts(key, 5, 2, 300);

    applied(key, append(sized("f", 120)));
    assertCounts(key, 6, 3, 420);
    assertThat(thread(key)).extracting(Message::seq).containsExactly(1L, 3L, 6L);

    applied(key, new Write.TruncateThread(null));
    assertCounts(key, 6, 0, 0);

    applied(key, append(sized("g", 130)));
    assertCounts(key, 7, 1, 130);
    assertThat(thread(key)).extracting(Message::seq).containsExactly(7L);
  }

  @Test
  void whatAWriteAnswersIsWhatAReaderSees() {
    SessionKey key = furnished();
    for (Write write :
        List.of(
            append(says("4")),
            new Write.DeleteMessage("second"),
            new Write.SaveState(Json.of("{\"step\":2}")),
            new Write.Update(
                new SessionAttributes(
                    "someone",
                    "t",
                    Json.of("{\"k\":\"v\"}"),
                    "s",
                    "m",
                    Status.ACTIVE,
                    Duration.ofHours(2))),
            new Write.TruncateThread("first"),
            new Write.TruncateThread(null))) {
      Outcome.Applied applied = applied(key, write);
      Session seen = session(key);
      assertThat(seen.head()).as(write.toString()).isEqualTo(applied.head());
      if (write instanceof Write.Update) {
        assertThat(seen.description()).isEqualTo(applied.description());
      }
    }
  }

  @Test
  void timesAreTheStoresAndMoveWithWrites() {
    SessionKey key = newKey();
    Head made = create(key).head();
    pass(Duration.ofMillis(20));
    Head appended = applied(key, append(says("x"))).head();

    assertThat(appended.createdAt()).isEqualTo(made.createdAt());
    assertThat(appended.updatedAt()).isAfter(made.updatedAt());
    assertThat(appended.expiresAt()).isEqualTo(appended.updatedAt().plus(HOUR));
    assertThat(thread(key).getFirst().createdAt()).isEqualTo(appended.updatedAt());
  }

  @ParameterizedTest
  @MethodSource(EVERY)
  void refusesToWriteToWhatIsNotThere(Write write) {
    SessionKey key = newKey();
    refused(key, write, WritePreconditions.NONE, ProblemCode.SESSION_NOT_FOUND);
    refused(key, write, ownedBy("someone"), ProblemCode.SESSION_NOT_FOUND);
    failed(
        engine().reader().load(key, ReadContext.ANY, PageRequest.NONE),
        ProblemCode.SESSION_NOT_FOUND);
  }

  @ParameterizedTest
  @MethodSource(EVERY)
  void hidesTheSessionFromEverybodyButItsOwner(Write write) {
    SessionKey key = furnished();
    Everything before = everything(key);

    refused(key, write, ownedBy("other"), ProblemCode.SESSION_NOT_FOUND);
    refused(key, write, ownedBy("some"), ProblemCode.SESSION_NOT_FOUND);
    refused(key, write, ownedBy("someone2"), ProblemCode.SESSION_NOT_FOUND);
    assertThat(everything(key)).isEqualTo(before);

    applied(key, write, ownedBy("someone"));
  }

  @ParameterizedTest
  @MethodSource(EVERY)
  void aSessionOfNobodyIsNoUsers(Write write) {
    SessionKey key = newKey();
    create(key, says("first", "1"), says("second", "2"));
    applied(key, new Write.SaveState(Json.EMPTY_OBJECT));

    refused(key, write, ownedBy("someone"), ProblemCode.SESSION_NOT_FOUND);

    applied(key, write);
  }

  @ParameterizedTest
  @MethodSource(EVERY)
  void ifMatchNamesThePositionsThatWillDo(Write write) {
    SessionKey key = furnished();
    Everything before = everything(key);
    Position now = before.session().position();
    Position older = new Position(now.version() - 1, "aaaaaaaa");
    Position sameVersion = new Position(now.version(), "aaaaaaaa");
    Position newer = new Position(now.version() + 1, now.tag());

    for (List<Position> wrong :
        List.of(List.of(older), List.of(sameVersion), List.of(newer, older, sameVersion))) {
      Problem problem =
          refused(
              key,
              write,
              WritePreconditions.NONE.withPositions(wrong),
              ProblemCode.VERSION_CONFLICT);
      assertThat(problem.members()).containsEntry("position", now.toString());
    }
    assertThat(everything(key)).isEqualTo(before);

    applied(
        key, write, WritePreconditions.NONE.withPositions(List.of(older, newer, now, sameVersion)));
  }

  @Test
  void ofManyWithTheSameIfMatchOneGoes() {
    SessionKey key = furnished();
    WritePreconditions here = WritePreconditions.NONE.withPositions(List.of(position(key)));

    List<Outcome> outcomes =
        atOnce(32, i -> engine().writer().apply(key, append(says("by " + i)), here));

    assertThat(outcomes).filteredOn(Outcome.Applied.class::isInstance).hasSize(1);
    assertThat(outcomes)
        .filteredOn(Outcome.Refused.class::isInstance)
        .allSatisfy(outcome -> assertRefused(outcome, ProblemCode.VERSION_CONFLICT));
    assertThat(thread(key)).hasSize(4);
  }

  @Test
  void aCompleteSessionTakesNoMessages() {
    SessionKey key = furnished();
    SessionAttributes active = session(key).description();
    applied(key, new Write.Update(WriteFixtures.complete(active)));
    Everything before = everything(key);

    refused(key, append(says("x")), WritePreconditions.NONE, ProblemCode.SESSION_COMPLETE);
    assertThat(everything(key)).isEqualTo(before);

    applied(key, new Write.SaveState(Json.of("{\"step\":2}")));
    applied(key, new Write.RestoreState("latest"));
    applied(key, new Write.DeleteMessage("second"));
    applied(key, new Write.TruncateThread("first"));
    applied(key, new Write.Update(active));
    applied(key, append(says("again")));
    assertThat(contents(key)).containsExactly(body("1"), body("again"));
  }

  @Test
  void updateReplacesAllButTheOwner() {
    SessionKey key = newKey();
    SessionAttributes full =
        new SessionAttributes(
            "someone",
            "title",
            Json.of("{\"k\":\"v\"}"),
            "prompt",
            "model",
            Status.ACTIVE,
            Duration.ofMinutes(10));
    applied(key, new Write.Create(full, List.of(says("kept"))));

    Outcome.Applied updated =
        applied(
            key,
            new Write.Update(
                new SessionAttributes(
                    "thief",
                    null,
                    Json.EMPTY_OBJECT,
                    null,
                    null,
                    Status.COMPLETE,
                    Duration.ofMinutes(1))));

    assertThat(updated.description())
        .isEqualTo(
            new SessionAttributes(
                "someone",
                null,
                Json.EMPTY_OBJECT,
                null,
                null,
                Status.COMPLETE,
                Duration.ofMinutes(1)));
    assertThat(updated.head().expiresAt()).isEqualTo(updated.head().updatedAt().plusSeconds(60));
    assertThat(session(key).description()).isEqualTo(updated.description());
    assertThat(contents(key)).containsExactly(body("kept"));
    refused(key, new Write.TruncateThread(null), ownedBy("thief"), ProblemCode.SESSION_NOT_FOUND);
  }

  @Test
  void aLongTtlIsKept() {
    SessionKey key = newKey();
    Duration tenYears = Duration.ofDays(3650);
    Head head = create(key, null, tenYears).head();
    assertThat(head.expiresAt()).isEqualTo(head.updatedAt().plus(tenYears));
    assertThat(session(key).description().ttl()).isEqualTo(tenYears);
  }

  @Test
  void messageIdsAreUniqueInASession() {
    SessionKey key = furnished();
    Everything before = everything(key);

    assertThat(
            refused(
                    key,
                    append(says("new", "x"), says("second", "y")),
                    WritePreconditions.NONE,
                    ProblemCode.MESSAGE_EXISTS)
                .members())
        .containsEntry("message", "second");
    assertThat(
            refused(
                    key,
                    append(says("twin", "x"), says("y"), says("twin", "z")),
                    WritePreconditions.NONE,
                    ProblemCode.MESSAGE_EXISTS)
                .members())
        .containsEntry("message", "twin");
    assertThat(everything(key)).isEqualTo(before);

    SessionKey other = newKey();
    refused(
        other,
        new Write.Create(described(null, HOUR), List.of(says("t", "x"), says("t", "y"))),
        WritePreconditions.NONE,
        ProblemCode.MESSAGE_EXISTS);
    create(other, says("second", "another session's"));
  }

  @Test
  void theIdOfAMessageThatIsGoneMayBeUsedAgain() {
    SessionKey key = furnished();

    applied(key, new Write.DeleteMessage("second"));
    applied(key, append(says("second", "deleted and back")));
    applied(key, new Write.TruncateThread("first"));
    applied(key, append(says("third", "cut and back")));
    applied(key, append(says("second", "cut and back too")));
    assertThat(ids(key)).containsExactly("first", "third", "second");
    refused(key, append(says("third", "x")), WritePreconditions.NONE, ProblemCode.MESSAGE_EXISTS);
    refused(key, append(says("first", "x")), WritePreconditions.NONE, ProblemCode.MESSAGE_EXISTS);

    applied(key, new Write.TruncateThread(null));
    applied(key, append(says("first", "cleared and back")));
    assertThat(contents(key)).containsExactly(body("cleared and back"));
    assertThat(
            get(engine().reader().message(key, ReadContext.ANY, "first"))
                .messages()
                .getFirst()
                .body()
                .toString())
        .isEqualTo(body("cleared and back"));
  }

  @Test
  void idsOfEveryAllowedShapeAreKept() {
    List<String> shapes =
        List.of(
            "1-1", "0", "-", "msg_", "msg_1", "a:b@c.d_e-f", "x".repeat(128), "1-0", "*", "MSG");
    SessionKey key = newKey();
    create(key, shapes.stream().map(id -> says(id, id)).toArray(NewMessage[]::new));

    assertThat(ids(key)).containsExactlyElementsOf(shapes);
    for (String id : shapes) {
      Message found =
          get(engine().reader().message(key, ReadContext.ANY, id)).messages().getFirst();
      assertThat(found.body().toString()).isEqualTo(body(id));
      applied(key, new Write.DeleteMessage(id));
      failed(engine().reader().message(key, ReadContext.ANY, id), ProblemCode.MESSAGE_NOT_FOUND);
    }
    assertThat(thread(key)).isEmpty();
  }

  @Test
  void deletesOneMessage() {
    SessionKey key = furnished();
    String given = MessagePlace.of(key, applied(key, append(says("4"))).head().position(), 0).id();

    applied(key, new Write.DeleteMessage(given));
    applied(key, new Write.DeleteMessage("second"));

    assertThat(ids(key)).containsExactly("first", "third");
    assertThat(thread(key)).extracting(Message::seq).containsExactly(1L, 3L);
  }

  @Test
  void refusesToDeleteOrCutAtAMessageThatIsNotThere() {
    SessionKey key = furnished();
    Position appended = applied(key, append(says("4"))).head().position();
    String deleted = MessagePlace.of(key, appended, 0).id();
    applied(key, new Write.DeleteMessage(deleted));
    applied(key, new Write.DeleteMessage("second"));
    SessionKey other = newKey();
    create(other, says("5"), says("elsewhere", "6"));
    Everything before = everything(key);

    List<String> missing =
        new ArrayList<>(List.of(deleted, "second", "elsewhere", "never", "", "msg_", "latest"));
    missing.addAll(ids(other));
    Position now = before.session().position();
    missing.add(MessagePlace.of(key, now, 0).id());
    missing.add(new MessagePlace(1, 0, "aaaaaaaa", key.mark()).id());
    missing.add(new MessagePlace(99, 0, now.tag(), key.mark()).id());
    for (String id : missing) {
      refused(
          key, new Write.DeleteMessage(id), WritePreconditions.NONE, ProblemCode.MESSAGE_NOT_FOUND);
      refused(
          key,
          new Write.TruncateThread(id),
          WritePreconditions.NONE,
          ProblemCode.MESSAGE_NOT_FOUND);
      failed(engine().reader().message(key, ReadContext.ANY, id), ProblemCode.MESSAGE_NOT_FOUND);
    }
    assertThat(everything(key)).isEqualTo(before);
  }

  @Test
  void cutsAfterAMessage() {
    SessionKey key = furnished();
    Position appended = applied(key, append(says("4"), says("5"), says("6"))).head().position();
    String five = MessagePlace.of(key, appended, 1).id();

    assertThat(applied(key, new Write.TruncateThread(five)).head().messageCount()).isEqualTo(5);
    assertThat(contents(key).getLast()).isEqualTo(body("5"));

    long version = position(key).version();
    assertThat(applied(key, new Write.TruncateThread(five)).head().position().version())
        .as("a cut with nothing after it is a version too")
        .isEqualTo(version + 1);
    assertThat(thread(key)).hasSize(5);

    assertThat(applied(key, new Write.TruncateThread("first")).head().messageCount()).isEqualTo(1);
    assertThat(applied(key, append(says("7"))).head().lastSeq()).isEqualTo(7);
    assertThat(contents(key)).containsExactly(body("1"), body("7"));
  }

  @Test
  void deletesCutsAndClearsLongThreads() {
    SessionKey key = newKey();
    create(key, says("root", "0"));
    for (int i = 0; i < 13; i++) {
      applied(key, new Write.Append(batch(100)));
    }
    assertThat(thread(key)).hasSize(1301);

    assertThat(applied(key, new Write.TruncateThread("root")).head().messageCount()).isEqualTo(1);
    assertThat(ids(key)).containsExactly("root");
    assertThat(session(key).head().bytes()).isEqualTo("root".length() + body("0").length());

    for (int i = 0; i < 11; i++) {
      applied(key, new Write.Append(batch(100)));
    }
    Outcome.Applied cleared = applied(key, new Write.TruncateThread(null));
    assertThat(cleared.head().messageCount()).isZero();
    assertThat(cleared.head().bytes()).isZero();
    assertThat(cleared.head().lastSeq()).isEqualTo(2401);
    assertThat(thread(key)).isEmpty();
  }

  @Test
  void aSessionGrowsToItsBoundAndNoFurther() {
    SessionKey key = newKey();
    long bound = engine().limits().sessionBytes();
    int piece = (int) Math.min(1 << 20, bound / 4);
    create(key, sized("big", piece));
    long left = bound - piece;
    while (left >= 3L * piece) {
      applied(key, append(sized(null, piece)));
      left -= piece;
    }
    Position before = position(key);

    Problem problem =
        refused(
            key,
            append(sized(null, piece), sized(null, (int) (left - piece + 1))),
            WritePreconditions.NONE,
            ProblemCode.SESSION_TOO_LARGE);

    assertThat(problem.members()).containsEntry("limit", bound);
    assertThat(position(key)).isEqualTo(before);
    applied(key, append(sized(null, piece), sized(null, (int) (left - piece))));
    assertThat(session(key).head().bytes()).isEqualTo(bound);
    refused(key, append(says("x")), WritePreconditions.NONE, ProblemCode.SESSION_TOO_LARGE);
    applied(key, new Write.SaveState(Json.of("{\"state\":\"is counted apart\"}")));

    applied(key, new Write.DeleteMessage("big"));
    applied(key, append(sized("big", piece)));
    refused(key, append(says("x")), WritePreconditions.NONE, ProblemCode.SESSION_TOO_LARGE);
    applied(key, new Write.TruncateThread(null));
    applied(key, append(says("x")));
    applied(key, new Write.Delete());
  }

  @Test
  void doesNotCreateWhatIsTooLarge() {
    SessionKey key = newKey();
    long bound = engine().limits().sessionBytes();
    int piece = (int) Math.min(1 << 20, bound / 4);
    List<NewMessage> messages = new ArrayList<>();
    for (long sum = 0; sum <= bound; sum += piece) {
      messages.add(sized(null, piece));
    }

    refused(
        key,
        new Write.Create(described(null, HOUR), messages),
        WritePreconditions.NONE,
        ProblemCode.SESSION_TOO_LARGE);

    refused(key, append(says("x")), WritePreconditions.NONE, ProblemCode.SESSION_NOT_FOUND);
    create(key);
  }

  @Test
  void refusalsComeInOrder() {
    SessionKey key = newKey();
    Write.Append bad =
        new Write.Append(
            List.of(says("first", "taken"), sized(null, (int) engine().limits().sessionBytes())));
    WritePreconditions conditions =
        ownedBy("other")
            .withLock("nobodys-token")
            .withPositions(List.of(new Position(9, "aaaaaaaa")));

    refused(key, bad, conditions, ProblemCode.SESSION_NOT_FOUND);
    create(key, "someone", HOUR, says("first", "1"));
    SessionAttributes active = session(key).description();
    applied(key, new Write.Update(WriteFixtures.complete(active)));
    refused(key, bad, conditions, ProblemCode.SESSION_NOT_FOUND);
    conditions = conditions.withOwner("someone");
    refused(key, bad, conditions, ProblemCode.STALE_FENCE);
    conditions = conditions.withLock(null);
    refused(key, bad, conditions, ProblemCode.VERSION_CONFLICT);
    conditions = conditions.withPositions(List.of());
    refused(key, bad, conditions, ProblemCode.SESSION_COMPLETE);
    applied(key, new Write.Update(active));
    refused(key, bad, conditions, ProblemCode.MESSAGE_EXISTS);
    applied(key, new Write.DeleteMessage("first"));
    refused(key, bad, conditions, ProblemCode.SESSION_TOO_LARGE);
    applied(key, append(says("first", "fits")), conditions);
  }

  @Test
  void tenantsDoNotSeeEachOther() {
    SessionKey key = furnished();
    SessionKey twin = new SessionKey(new Tenant("x" + tenant.name()), key.id());

    failed(
        engine().reader().load(twin, ReadContext.ANY, PageRequest.NONE),
        ProblemCode.SESSION_NOT_FOUND);
    refused(twin, append(says("x")), WritePreconditions.NONE, ProblemCode.SESSION_NOT_FOUND);
    create(twin, says("first", "other tenant"));
    assertThat(contents(twin)).containsExactly(body("other tenant"));
    assertThat(thread(key)).hasSize(3);
  }

  /**
   * Words with which the engines' records say something of their own: an id that reads like one is
   * a message's like any other, also in what a replay answers.
   */
  @ParameterizedTest
  @ValueSource(strings = {"-", "--", "~", "~-", "~0", "0-0", "1-0", ":", "@", "_", "msg_-", "nil"})
  void anIdThatReadsLikeAWordOfTheStoresIsOnlyAnId(String id) {
    SessionKey key = newKey();
    boolean possible = SessionKey.isId(id);
    NewMessage named = says(possible ? id : null, "named");
    List<NewMessage> three = List.of(says("a"), named, says("b"));
    WritePreconditions createdOnce = WritePreconditions.NONE.withRetry(newRetry());
    Write.Create create = new Write.Create(described(null, HOUR), three);
    Outcome.Applied made = applied(key, create, createdOnce);
    String own = possible ? id : MessagePlace.of(key, made.head().position(), 1).id();
    assertThat(ids(key).get(1)).isEqualTo(own);
    assertThat(((Outcome.Replayed) write(key, create, createdOnce)).messages()).isEqualTo(ids(key));
    if (!possible) {
      // No client can name it, whatever the store notes under it.
      failed(engine().reader().message(key, ReadContext.ANY, id), ProblemCode.MESSAGE_NOT_FOUND);
      failed(
          engine().reader().load(key, ReadContext.ANY, PageRequest.forward(5, id)),
          ProblemCode.INVALID_CURSOR);
      refused(
          key, new Write.DeleteMessage(id), WritePreconditions.NONE, ProblemCode.MESSAGE_NOT_FOUND);
      return;
    }
    refused(key, append(says(id, "again")), WritePreconditions.NONE, ProblemCode.MESSAGE_EXISTS);
    assertThat(get(engine().reader().message(key, ReadContext.ANY, id)).messages().getFirst().id())
        .isEqualTo(id);
    assertThat(
            get(engine().reader().load(key, ReadContext.ANY, PageRequest.forward(5, id)))
                .messages())
        .extracting(Message::seq)
        .containsExactly(3L);

    applied(key, new Write.DeleteMessage(id));
    failed(engine().reader().message(key, ReadContext.ANY, id), ProblemCode.MESSAGE_NOT_FOUND);
    assertThat(
            get(engine().reader().load(key, ReadContext.ANY, PageRequest.forward(5, id)))
                .messages())
        .extracting(Message::seq)
        .containsExactly(3L);

    WritePreconditions appendedOnce = WritePreconditions.NONE.withRetry(newRetry());
    Write.Append append = append(says("c"), named);
    applied(key, append, appendedOnce);
    assertThat(((Outcome.Replayed) write(key, append, appendedOnce)).messages())
        .isEqualTo(ids(key).subList(2, 4));
    assertThat(((Outcome.Replayed) get(engine().records().find(key, appendedOnce.retry()))))
        .extracting(Outcome.Replayed::messages)
        .isEqualTo(ids(key).subList(2, 4));
  }

  private void assertCounts(SessionKey key, long lastSeq, long count, long bytes) {
    Head head = session(key).head();
    assertThat(head.lastSeq()).isEqualTo(lastSeq);
    assertThat(head.messageCount()).isEqualTo(count);
    assertThat(head.bytes()).isEqualTo(bytes);
    assertThat(thread(key)).hasSize((int) count);
  }

  private static List<NewMessage> batch(int size) {
    return IntStream.range(0, size).mapToObj(i -> says("m" + i)).toList();
  }

  private static Instant ago(int seconds) {
    return Instant.now().minusSeconds(seconds);
  }
}
