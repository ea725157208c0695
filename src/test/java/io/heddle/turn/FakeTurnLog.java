package io.heddle.turn;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.SessionKey;
import io.heddle.json.Json;
import io.heddle.session.Turn;
import io.heddle.session.Turn.Cancel;
import io.heddle.session.TurnAttempt;
import io.heddle.session.TurnLog;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoSink;

/** The log of one turn; each call is answered when the test says so, in the order it likes. */
final class FakeTurnLog implements TurnLog {

  final List<Json> events = new ArrayList<>();
  final List<Flush> flushes = new ArrayList<>();
  final List<Read> reads = new ArrayList<>();

  Cancel cancel = Cancel.NONE;
  boolean lost;
  @Nullable Turn turn;

  /** One write that waits for its answer. */
  final class Flush {
    final long after;
    final List<Json> events;
    private final MonoSink<Flushed> sink;

    private Flush(long after, List<Json> events, MonoSink<Flushed> sink) {
      this.after = after;
      this.events = events;
      this.sink = sink;
    }

    /** The log takes it, and nobody is told. */
    void take() {
      for (int i = (int) (FakeTurnLog.this.events.size() - after); i < events.size(); i++) {
        FakeTurnLog.this.events.add(events.get(i));
      }
    }

    void answer() {
      if (lost) {
        sink.success(new Flushed.Lost());
        return;
      }
      take();
      sink.success(new Flushed.Kept(FakeTurnLog.this.events.size(), cancel));
    }

    /** There is no room for it. */
    void refuse() {
      sink.success(new Flushed.Full(cancel));
    }

    void fail(ProblemCode code) {
      sink.error(Problem.of(code, code.title()).toException());
    }
  }

  /** One read that waits; what it tells is of the moment it was asked. */
  final class Read {
    private final Recorded found;
    private final MonoSink<Recorded> sink;

    private Read(Recorded found, MonoSink<Recorded> sink) {
      this.found = found;
      this.sink = sink;
    }

    void answer() {
      sink.success(found);
    }

    void fail(ProblemCode code) {
      sink.error(Problem.of(code, code.title()).toException());
    }
  }

  @Override
  public Mono<Flushed> flush(
      SessionKey key, TurnAttempt attempt, long after, List<Json> events, Duration lease) {
    return Mono.create(sink -> flushes.add(new Flush(after, events, sink)));
  }

  @Override
  public Mono<Recorded> read(
      SessionKey key, @Nullable String owner, String id, long after, int most) {
    return Mono.create(sink -> {
      int from = (int) Math.min(after, events.size());
      List<Json> page = List.copyOf(events.subList(from, Math.min(events.size(), from + most)));
      reads.add(new Read(new Recorded(turn, page, events.size()), sink));
    });
  }

  @Override
  public Mono<List<Turn>> list(SessionKey key, @Nullable String owner) {
    throw new AssertionError("not asked for here");
  }

  @Override
  public Mono<Open> open(SessionKey key) {
    throw new AssertionError("not asked for here");
  }

  @Override
  public Flux<SessionKey> due(Duration proven) {
    throw new AssertionError("not asked for here");
  }
}
