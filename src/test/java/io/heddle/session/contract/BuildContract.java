package io.heddle.session.contract;

import static io.heddle.session.contract.WriteFixtures.HOUR;
import static io.heddle.session.contract.WriteFixtures.append;
import static io.heddle.session.contract.WriteFixtures.described;
import static io.heddle.session.contract.WriteFixtures.says;
import static io.heddle.session.contract.WriteFixtures.sized;
import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Position;
import io.heddle.base.ProblemCode;
import io.heddle.base.SessionKey;
import io.heddle.session.Change;
import io.heddle.session.Head;
import io.heddle.session.IdempotentRequest;
import io.heddle.session.Message;
import io.heddle.session.MessagePlace;
import io.heddle.session.NewMessage;
import io.heddle.session.Outcome;
import io.heddle.session.PageRequest;
import io.heddle.session.ReadContext;
import io.heddle.session.SessionAttributes;
import io.heddle.session.Write;
import io.heddle.session.WritePreconditions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A session that is filled in steps and is there all at once. */
abstract class BuildContract extends ContractSuite {

  private static final Instant THEN = Instant.parse("2025-01-02T03:04:05.678Z");
  private static final String BUILD = IDS.tag();
  private static final String OTHER = IDS.tag();
  private static final SessionAttributes SOMEONES = described("someone", HOUR);

  @Test
  void isThereAllAtOnce() {
    SessionKey key = newKey();
    try (Changes changes = Changes.of(engine())) {
      applied(key, new Write.StartBuild(BUILD, SOMEONES));
      List<Message> filled = new ArrayList<>();
      long bytes = 0;
      for (int step = 0; step < 4; step++) {
        List<Write.Copied> messages = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
          String id = i % 5 == 0 ? "own-" + step + "-" + i : null;
          NewMessage message = says(id, "m" + step + "." + i);
          Instant at = THEN.plusSeconds(step * 50L + i);
          messages.add(new Write.Copied(message, at));
          bytes += message.bytes();
          filled.add(new Message(String.valueOf(id), filled.size() + 1L, at, message.body()));
        }
        applied(key, new Write.AppendToBuild(BUILD, messages));
      }
      changes.flush();
      assertThat(changes.of(key)).isEmpty();
      failed(
          engine().reader().load(key, ReadContext.ANY, PageRequest.last(5)),
          ProblemCode.SESSION_NOT_FOUND);

      Outcome.Applied opened = applied(key, new Write.PublishBuild(BUILD));

      Head head = opened.head();
      assertThat(opened.description()).isEqualTo(SOMEONES);
      assertThat(head.position().version()).isEqualTo(1);
      assertThat(head.lastSeq()).isEqualTo(200);
      assertThat(head.messageCount()).isEqualTo(200);
      assertThat(head.bytes()).isEqualTo(bytes);
      assertThat(head.expiresAt()).isEqualTo(head.updatedAt().plus(HOUR));
      assertThat(session(key).head()).isEqualTo(head);
      List<Message> thread = thread(key);
      assertThat(thread).hasSize(200);
      for (int i = 0; i < 200; i++) {
        Message expected = filled.get(i);
        String id =
            expected.id().equals("null")
                ? MessagePlace.of(key, head.position(), i).id()
                : expected.id();
        assertThat(thread.get(i))
            .isEqualTo(new Message(id, expected.seq(), expected.createdAt(), expected.body()));
      }
      changes.flush();
      List<Change.Published> told = changes.of(key);
      assertThat(told).hasSize(1);
      assertThat(told.getFirst().position()).isEqualTo(head.position());
      assertThat(changes.types(key)).containsExactly("session.created");

      Outcome.Applied appended = applied(key, append(says("own", "more")), ownedBy("someone"));
      assertThat(appended.head().lastSeq()).isEqualTo(201);
      assertThat(appended.head().position().version()).isEqualTo(2);
      refused(
          key, append(says("own-0-0", "x")), WritePreconditions.NONE, ProblemCode.MESSAGE_EXISTS);
      assertThat(page(key, PageRequest.forward(1, "own-3-45")).messages())
          .isEqualTo(List.of(thread.get(196)));
    }
  }

  @Test
  void anEmptyOneOpensToo() {
    SessionKey key = newKey();
    applied(key, new Write.StartBuild(BUILD, SOMEONES));
    applied(key, new Write.PublishBuild(BUILD));
    assertThat(thread(key)).isEmpty();
    applied(key, append(says("x")));
  }

  @ParameterizedTest
  @MethodSource("io.heddle.session.contract.WriteFixtures#every")
  void whileItIsBuiltItIsNotThere(Write write) {
    SessionKey key = newKey();
    applied(key, new Write.StartBuild(BUILD, SOMEONES));
    applied(key, fill(BUILD, says("first", "1")));

    refused(key, write, WritePreconditions.NONE, ProblemCode.SESSION_NOT_FOUND);
    refused(key, write, ownedBy("someone"), ProblemCode.SESSION_NOT_FOUND);

    applied(key, new Write.PublishBuild(BUILD));
    assertThat(contents(key)).containsExactly(body("1"));
    assertThat(position(key).version()).isEqualTo(1);
  }

  @Test
  void whileItIsBuiltItsIdIsTakenAndItsReadersFindNothing() {
    SessionKey key = newKey();
    applied(key, new Write.StartBuild(BUILD, SOMEONES));
    applied(key, fill(BUILD, says("first", "1")));

    refused(
        key,
        new Write.Create(SOMEONES, List.of()),
        WritePreconditions.NONE,
        ProblemCode.SESSION_EXISTS);
    refused(
        key,
        new Write.StartBuild(OTHER, SOMEONES),
        WritePreconditions.NONE,
        ProblemCode.SESSION_EXISTS);
    for (ReadContext view : List.of(ReadContext.ANY, new ReadContext("someone", null))) {
      failed(engine().reader().load(key, view, PageRequest.NONE), ProblemCode.SESSION_NOT_FOUND);
      failed(engine().reader().message(key, view, "first"), ProblemCode.SESSION_NOT_FOUND);
      failed(engine().reader().state(key, view), ProblemCode.SESSION_NOT_FOUND);
      failed(engine().reader().checkpoints(key, view, 5, null), ProblemCode.SESSION_NOT_FOUND);
    }
    failed(engine().clientLock().lock(key, null, HOUR, null), ProblemCode.SESSION_NOT_FOUND);
    failed(engine().locks().holder(key, null), ProblemCode.SESSION_NOT_FOUND);

    applied(key, fill(BUILD, says("second", "2")));
    applied(key, new Write.PublishBuild(BUILD));
    assertThat(ids(key)).containsExactly("first", "second");
  }

  @Test
  void onlyItsBuilderFillsAndOpensIt() {
    SessionKey key = newKey();
    applied(key, new Write.StartBuild(BUILD, SOMEONES));

    assertThat(write(key, fill(OTHER, says("x")), WritePreconditions.NONE))
        .isInstanceOf(Outcome.Refused.class);
    assertThat(write(key, new Write.PublishBuild(OTHER), WritePreconditions.NONE))
        .isInstanceOf(Outcome.Refused.class);
    applied(key, new Write.PublishBuild(BUILD));
    assertThat(thread(key)).isEmpty();

    for (String build : List.of(BUILD, OTHER)) {
      assertThat(write(key, fill(build, says("x")), WritePreconditions.NONE))
          .isInstanceOf(Outcome.Refused.class);
      assertThat(write(key, new Write.PublishBuild(build), WritePreconditions.NONE))
          .isInstanceOf(Outcome.Refused.class);
    }
    assertThat(write(newKey(), fill(BUILD, says("x")), WritePreconditions.NONE))
        .isInstanceOf(Outcome.Refused.class);
    assertThat(write(newKey(), new Write.PublishBuild(BUILD), WritePreconditions.NONE))
        .isInstanceOf(Outcome.Refused.class);
    assertThat(position(key).version()).isEqualTo(1);
    assertThat(thread(key)).isEmpty();
  }

  @Test
  void nothingIsBuiltOverASession() {
    SessionKey key = furnished();
    Everything before = everything(key);
    refused(
        key,
        new Write.StartBuild(BUILD, SOMEONES),
        WritePreconditions.NONE,
        ProblemCode.SESSION_EXISTS);
    assertThat(everything(key)).isEqualTo(before);
  }

  @Test
  void overATombstoneItGoesOnCounting() {
    SessionKey key = furnished();
    Position deleted = applied(key, new Write.Delete()).head().position();

    applied(key, new Write.StartBuild(BUILD, described("another", HOUR)));
    failed(
        engine().reader().load(key, new ReadContext("another", null), PageRequest.NONE),
        ProblemCode.SESSION_NOT_FOUND);
    applied(key, fill(BUILD, says("first", "new"), says("x")));
    Position opened = applied(key, new Write.PublishBuild(BUILD)).head().position();

    assertThat(opened.version()).isEqualTo(deleted.version() + 1);
    assertThat(contents(key)).containsExactly(body("new"), body("x"));
    assertThat(thread(key).get(1).id()).isEqualTo(MessagePlace.of(key, opened, 1).id());
    assertThat(get(engine().reader().state(key, ReadContext.ANY)).checkpoint()).isNull();
  }

  @Test
  void itsRetryRecordIsWrittenWhenItOpens() {
    SessionKey key = newKey();
    IdempotentRequest retry = newRetry();
    WritePreconditions once = WritePreconditions.NONE.withRetry(retry.heldBy(BUILD));
    assertThat(
            engine()
                .records()
                .hold(key, retry.heldBy(BUILD), Duration.ofSeconds(20))
                .block(PATIENCE))
        .isNull();

    applied(key, new Write.StartBuild(BUILD, SOMEONES));
    applied(key, fill(BUILD, says("1")));
    assertRefused(get(engine().records().find(key, retry)), ProblemCode.KEY_IN_PROGRESS);
    Position opened = applied(key, new Write.PublishBuild(BUILD), once).head().position();

    for (Outcome replay :
        List.of(
            get(engine().records().find(key, retry)),
            write(key, new Write.PublishBuild(BUILD), once),
            write(
                key,
                new Write.Create(SOMEONES, List.of()),
                WritePreconditions.NONE.withRetry(retry)))) {
      assertThat(replay).isInstanceOf(Outcome.Replayed.class);
      assertThat(((Outcome.Replayed) replay).position()).isEqualTo(opened);
    }
  }

  @Test
  void itsSizeIsBoundToo() {
    SessionKey key = newKey();
    long bound = engine().limits().sessionBytes();
    int half = (int) (bound / 2);
    applied(key, new Write.StartBuild(BUILD, SOMEONES));
    applied(key, fill(BUILD, sized(null, half)));
    refused(
        key,
        fill(BUILD, sized(null, (int) (bound - half) + 1)),
        WritePreconditions.NONE,
        ProblemCode.SESSION_TOO_LARGE);
    applied(key, fill(BUILD, sized(null, (int) (bound - half))));
    assertThat(applied(key, new Write.PublishBuild(BUILD)).head().bytes()).isEqualTo(bound);
  }

  @Test
  void ofManyBuildersAtOnceOneBuilds() {
    SessionKey key = newKey();
    List<Outcome> outcomes =
        atOnce(
            20,
            i ->
                engine()
                    .writer()
                    .apply(
                        key,
                        i % 2 == 0
                            ? new Write.StartBuild(IDS.tag(), SOMEONES)
                            : new Write.Create(SOMEONES, List.of()),
                        WritePreconditions.NONE));
    assertThat(outcomes).filteredOn(Outcome.Applied.class::isInstance).hasSize(1);
    assertThat(outcomes)
        .filteredOn(Outcome.Refused.class::isInstance)
        .allSatisfy(outcome -> assertRefused(outcome, ProblemCode.SESSION_EXISTS));
  }

  @Test
  void seqsGoOnOverManyFills() {
    SessionKey key = newKey();
    applied(key, new Write.StartBuild(BUILD, SOMEONES));
    for (int i = 0; i < 30; i++) {
      applied(key, fill(BUILD, says("x"), says("y"), says("z")));
    }
    applied(key, new Write.PublishBuild(BUILD));
    assertThat(thread(key))
        .extracting(Message::seq)
        .isEqualTo(LongStream.rangeClosed(1, 90).boxed().toList());
  }

  private static Write.AppendToBuild fill(String build, NewMessage... messages) {
    List<Write.Copied> copied = new ArrayList<>();
    for (NewMessage message : messages) {
      copied.add(new Write.Copied(message, THEN));
    }
    return new Write.AppendToBuild(build, copied);
  }
}
