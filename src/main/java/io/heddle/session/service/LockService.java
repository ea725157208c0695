package io.heddle.session.service;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.SessionKey;
import io.heddle.session.LockWait;
import io.heddle.session.SessionLocks;
import io.heddle.session.SessionLocks.Call;
import io.heddle.session.SessionLocks.Done;
import io.heddle.session.SessionLocks.Held;
import io.heddle.session.WriteContext;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * A client's lock of a session. Refusals are {@code ProblemException}s, as {@link SessionLocks}
 * tells them.
 */
public final class LockService {

  private final SessionLocks locks;

  LockService(SessionLocks locks) {
    this.locks = locks;
  }

  /**
   * Takes the lock, waiting for {@link WriteContext#waitFor()} while somebody else has it, then
   * {@code session-locked}.
   */
  public Mono<Done> lock(WriteContext request, Duration ttl, @Nullable String label) {
    return LockWait.whileLocked(
        locks, request.key(), request.waitFor(), apply(request, new Call.Take(ttl, label)));
  }

  /** Makes the lock of the request's token last {@code ttl} from now. */
  public Mono<Done> renew(WriteContext request, Duration ttl) {
    String token = request.requested().lock();
    return token == null ? noToken() : apply(request, new Call.Renew(token, ttl));
  }

  /**
   * Ends the lock of the request's token.
   *
   * @param force ends it whoever holds it; only an admin may
   */
  public Mono<Done> release(WriteContext request, boolean force) {
    String token = request.requested().lock();
    if (force && !request.caller().admin()) {
      return Mono.error(
          Problem.of(ProblemCode.FORBIDDEN, "only an admin may end another holder's lock")
              .toException());
    }
    return token == null && !force
        ? noToken()
        : apply(request, new Call.Release(force ? null : token));
  }

  /** Who holds the lock, without the token; empty when nobody does. */
  public Mono<Held> holder(SessionKey key, @Nullable String owner) {
    return locks.holder(key, owner);
  }

  private Mono<Done> apply(WriteContext request, Call call) {
    return locks.apply(request.key(), request.caller().owner(), call, request.requested().retry());
  }

  private static <T> Mono<T> noToken() {
    return Mono.error(
        Problem.field(ProblemCode.INVALID_REQUEST, "Heddle-Lock", "the lock's token is missing")
            .toException());
  }
}
