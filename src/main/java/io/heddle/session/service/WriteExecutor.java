package io.heddle.session.service;

import io.heddle.base.Detached;
import io.heddle.base.IdSource;
import io.heddle.base.Position;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.session.IdempotencyRecords;
import io.heddle.session.IdempotentRequest;
import io.heddle.session.LockWait;
import io.heddle.session.Outcome;
import io.heddle.session.SessionLocks;
import io.heddle.session.SessionWriter;
import io.heddle.session.Write;
import io.heddle.session.WriteContext;
import io.heddle.session.WritePreconditions;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * How the services write: waiting while somebody else holds the session, and taking calls of
 * several steps through the line, with their idempotency key marked as in progress.
 */
final class WriteExecutor {

  /** Of an update whose session moves: more than the writes that a holder has under way at once. */
  private static final int TRIES = 50;

  private final SessionWriter writer;
  private final SessionLocks locks;
  private final IdempotencyRecords records;
  private final IdSource ids;
  private final IndexUpdater activity;
  private final Duration lease;

  WriteExecutor(
      SessionWriter writer,
      SessionLocks locks,
      IdempotencyRecords records,
      IdSource ids,
      IndexUpdater activity,
      Duration lease) {
    this.writer = writer;
    this.locks = locks;
    this.records = records;
    this.ids = ids;
    this.activity = activity;
    this.lease = lease;
  }

  /** Sends a write until it is not refused as locked, or the wait is over. Refusals are errors. */
  Mono<Outcome> apply(SessionKey key, Write write, WritePreconditions terms, Duration wait) {
    return LockWait.whileLocked(locks, key, wait, once(key, write, terms));
  }

  Mono<Outcome> once(SessionKey key, Write write, WritePreconditions terms) {
    return writer
        .apply(key, write, terms.forWrite(write instanceof Write.Create))
        .flatMap(outcome -> {
          switch (outcome) {
            case Outcome.Refused refused -> {
              return Mono.error(refused.problem().toException());
            }
            case Outcome.Applied applied -> {
              switch (write) {
                // Whoever makes a session enters it, and one that has ended needs no entry.
                case Write.Create _,
                    Write.StartBuild _,
                    Write.AppendToBuild _,
                    Write.PublishBuild _ -> {}
                case Write.Delete _, Write.Expire _ -> {}
                case Write.RetakeTurn _, Write.CancelTurn _ -> {}
                case Write.Append _,
                    Write.BeginTurn _,
                    Write.NextTurn _,
                    Write.EndTurn _,
                    Write.DropTurn _,
                    Write.Update _,
                    Write.SaveState _,
                    Write.RestoreState _,
                    Write.DeleteMessage _,
                    Write.TruncateThread _ ->
                    activity.written(key, applied);
              }
            }
            case Outcome.Replayed _ -> {}
          }
          return Mono.just(outcome);
        });
  }

  /**
   * An update that reads before it writes, alone in its session.
   *
   * @param read what the update starts from, at {@code at}; read again when the session has moved
   *     in between, which it can only under a client's own lock
   * @param decide the write; may throw a {@code ProblemException}
   * @return {@link Outcome.Applied} or {@link Outcome.Replayed}
   */
  <R> Mono<Outcome> inLine(
      WriteContext request, Mono<R> read, Function<R, Position> at, Function<R, Write> decide) {
    SessionKey key = request.key();
    WritePreconditions terms = request.preconditions();
    Duration life = request.waitFor().plus(lease).plus(lease);
    return held(
        key,
        terms.retry(),
        life,
        mark ->
            locks
                .inLine(
                    key,
                    terms.owner(),
                    terms.lock(),
                    request.waitFor(),
                    lease,
                    token -> {
                      mark.begin();
                      WritePreconditions mine = terms.withLock(token).withRetry(mark.retry());
                      return update(key, mine, read, at, decide).onErrorResume(mark::dropAfter);
                    })
                .onErrorMap(error -> terms.lock() == null ? notTheCallers(error) : error));
  }

  private <R> Mono<Outcome> update(
      SessionKey key,
      WritePreconditions terms,
      Mono<R> read,
      Function<R, Position> at,
      Function<R, Write> decide) {
    AtomicReference<UpdatePhase> phase = new AtomicReference<>(UpdatePhase.READING);
    return Mono.defer(() -> read)
        .flatMap(from -> {
          Position position = at.apply(from);
          if (!terms.allow(position)) {
            return Mono.error(conflict(position));
          }
          Write write = decide.apply(from);
          if (!phase.compareAndSet(UpdatePhase.READING, UpdatePhase.SENT)) {
            // Its caller was told at this moment that nothing was written.
            return Mono.empty();
          }
          return once(key, write, terms.withPositions(List.of(position)))
              .onErrorMap(e -> ProblemException.is(e, ProblemCode.VERSION_CONFLICT), Moved::new)
              .doOnError(Moved.class, _ -> phase.set(UpdatePhase.READING));
        })
        .retryWhen(
            reactor.util.retry.Retry.max(TRIES)
                .filter(Moved.class::isInstance)
                .onRetryExhaustedThrow((_, signal) -> signal.failure()))
        .onErrorMap(Moved.class, moved -> moved.refusal)
        .timeout(lease)
        .onErrorMap(
            TimeoutException.class,
            _ ->
                Problem.of(
                        phase.compareAndSet(UpdatePhase.READING, UpdatePhase.GIVEN_UP)
                            ? ProblemCode.STORE_UNAVAILABLE
                            : ProblemCode.OUTCOME_UNKNOWN,
                        "the update took longer than " + lease.toSeconds() + " s")
                    .toException());
  }

  /**
   * Runs a call of several steps with its idempotency key marked as in progress. The last step must
   * carry the mark's retry, which turns the mark into the record; a call that fails or is cancelled
   * before it began takes the mark back.
   */
  Mono<Outcome> held(
      SessionKey key,
      @Nullable IdempotentRequest retry,
      Duration life,
      Function<Mark, Mono<Outcome>> body) {
    if (retry == null) {
      return Mono.defer(() -> body.apply(new Mark(key, null)));
    }
    return Mono.defer(() -> {
      IdempotentRequest mine = retry.heldBy(ids.tag() + ids.tag());
      Mark mark = new Mark(key, mine);
      // A future of its own: a cancel must not leave a mark that nobody knows of.
      var asked = Detached.begin(records.hold(key, mine, life));
      return Detached.join(asked)
          .flatMap(said ->
              said instanceof Outcome.Refused refused
                  ? Mono.<Outcome>error(refused.problem().toException())
                  : Mono.just(said))
          .switchIfEmpty(
              Mono.defer(() -> body.apply(mark))
                  .onErrorResume(error -> mark.begun() ? Mono.error(error) : mark.dropAfter(error)))
          .doOnCancel(() -> {
            if (!mark.begun()) {
              asked.whenComplete((_, _) -> mark.dropAfter(null).subscribe());
            }
          });
    });
  }

  /** Whether a read found no session, for whatever reason. */
  static boolean isGone(Throwable error) {
    return ProblemException.is(error, ProblemCode.SESSION_NOT_FOUND)
        || ProblemException.is(error, ProblemCode.SESSION_DELETED)
        || ProblemException.is(error, ProblemCode.SESSION_EXPIRED);
  }

  /** Of a session that is not there, which the request would make. */
  static ProblemException conflict() {
    return Problem.of(ProblemCode.VERSION_CONFLICT, "there is no such session").toException();
  }

  static ProblemException conflict(Position position) {
    return Problem.of(ProblemCode.VERSION_CONFLICT, "the session is at " + position)
        .with("position", position.toString())
        .toException();
  }

  /** A lost lock of ours is no fault of a caller who sent no token. */
  private static Throwable notTheCallers(Throwable error) {
    return ProblemException.is(error, ProblemCode.STALE_FENCE)
        ? Problem.of(ProblemCode.SESSION_LOCKED, "somebody else took the session's lock meanwhile")
            .with("retryAfter", 1)
            .toException()
        : error;
  }

  /** The mark of one call's idempotency key. */
  final class Mark {
    private final SessionKey key;
    private final @Nullable IdempotentRequest retry;
    private volatile boolean begun;

    private Mark(SessionKey key, @Nullable IdempotentRequest retry) {
      this.key = key;
      this.retry = retry;
    }

    @Nullable IdempotentRequest retry() {
      return retry;
    }

    /** From now on the body itself takes the mark back when it fails. */
    void begin() {
      begun = true;
    }

    private boolean begun() {
      return begun;
    }

    /**
     * Takes the mark back and answers the error. When nobody knows what became of the last step the
     * mark stays until its lease ends: it keeps the same request from being done twice.
     */
    Mono<Outcome> dropAfter(@Nullable Throwable error) {
      Mono<Outcome> end = error == null ? Mono.empty() : Mono.error(error);
      if (retry == null
          || (error != null && ProblemException.is(error, ProblemCode.OUTCOME_UNKNOWN))) {
        return end;
      }
      return records.drop(key, retry).onErrorComplete().then(end);
    }
  }

  /**
   * Where an update stands. READING → SENT → READING (the session had moved), or READING →
   * GIVEN_UP, after which nothing is sent: an update is never done after its caller was told no.
   */
  private enum UpdatePhase {
    READING,
    SENT,
    GIVEN_UP
  }

  /** The session moved between an update's read and its write. */
  private static final class Moved extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final Throwable refusal;

    Moved(Throwable refusal) {
      super(refusal.getMessage(), null, false, false);
      this.refusal = refusal;
    }
  }
}
