package io.heddle.nearcache;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Position;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.SessionKey;
import io.heddle.json.Json;
import io.heddle.session.CheckpointPage;
import io.heddle.session.Head;
import io.heddle.session.Message;
import io.heddle.session.PageRequest;
import io.heddle.session.ReadContext;
import io.heddle.session.Session;
import io.heddle.session.SessionAttributes;
import io.heddle.session.SessionAttributes.Status;
import io.heddle.session.SessionReader;
import io.heddle.session.StateView;
import io.heddle.session.ThreadPage;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/** A reader whose answers are given by hand, in any order. */
final class FakeStore implements SessionReader {

  static final Instant TIME = Instant.parse("2026-03-01T00:00:00Z");

  private final List<Read> reads = new ArrayList<>();

  /** One read that waits for its answer. */
  static final class Read {
    final ReadContext view;
    final PageRequest page;
    private final Sinks.One<ThreadPage> answer = Sinks.one();
    private boolean cancelled;

    private Read(ReadContext view, PageRequest page) {
      this.view = view;
      this.page = page;
    }

    void answer(ThreadPage found) {
      answer.tryEmitValue(found).orThrow();
    }

    void refuse(ProblemCode code) {
      answer.tryEmitError(Problem.of(code, code.title()).toException()).orThrow();
    }

    boolean isCancelled() {
      return cancelled;
    }
  }

  /** The reads so far. */
  List<Read> reads() {
    return reads;
  }

  /** The only read that has come since the last call of this. */
  Read next() {
    assertThat(reads).as("reads of the store").hasSize(1);
    return reads.removeFirst();
  }

  void isNotAsked() {
    assertThat(reads).as("reads of the store").isEmpty();
  }

  @Override
  public Mono<ThreadPage> load(SessionKey key, ReadContext view, PageRequest page) {
    return Mono.defer(() -> {
      Read read = new Read(view, page);
      reads.add(read);
      return read.answer.asMono().doOnCancel(() -> read.cancelled = true);
    });
  }

  @Override
  public Mono<ThreadPage> message(SessionKey key, ReadContext view, String message) {
    throw new AssertionError("not asked for here");
  }

  @Override
  public Mono<StateView> state(SessionKey key, ReadContext view) {
    throw new AssertionError("not asked for here");
  }

  @Override
  public Mono<CheckpointPage> checkpoints(
      SessionKey key, ReadContext view, int limit, @Nullable String before) {
    throw new AssertionError("not asked for here");
  }

  @Override
  public Mono<StateView> checkpoint(SessionKey key, ReadContext view, String checkpoint) {
    throw new AssertionError("not asked for here");
  }

  static Position position(long version) {
    return new Position(version, "%08d".formatted(version));
  }

  static Session session(SessionKey key, @Nullable String user, Position position) {
    long version = position.version();
    SessionAttributes description =
        new SessionAttributes(
            user, null, Json.EMPTY_OBJECT, null, null, Status.ACTIVE, Duration.ofHours(1));
    Head head =
        new Head(
            position,
            version,
            version,
            version * 40,
            TIME,
            TIME.plusSeconds(version),
            TIME.plusSeconds(version + 3600),
            null);
    return new Session(key, description, head);
  }

  static Message message(long seq, int bytes) {
    Json body = Json.of("{\"role\":\"user\",\"content\":\"" + "x".repeat(bytes) + "\"}");
    return new Message("m" + seq, seq, TIME.plusSeconds(seq), body);
  }
}
