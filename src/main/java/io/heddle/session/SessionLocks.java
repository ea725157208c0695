package io.heddle.session;

import io.heddle.base.SessionKey;
import java.time.Duration;
import java.time.Instant;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;

/**
 * The session's lock. There is one holder at a time: a client, or an update of Heddle's own. Every
 * write compares the holder's token for equality, so a paused holder is refused from the moment its
 * lock ended, whatever it believes.
 *
 * <p>Refusals are {@code ProblemException}s: {@code session-locked} with {@code expiresAt}, {@code
 * stale-fence}, and those of {@link SessionReader}. Answers on an engine thread.
 */
public interface SessionLocks {

  /**
   * Runs an update of several steps alone: waits in line for at most {@code wait} ({@code
   * session-locked} after that), becomes the holder, runs the work with the holder's token, and
   * ends being it whatever happens. Once begun it goes on when the subscriber has gone, and a
   * cancel leaves no lock behind.
   *
   * @param token a client's own lock: the update then stands in line with the others but does not
   *     become the holder, and the work gets this token back
   * @param lease an update that takes longer than this is refused at its next write
   */
  <T> Mono<T> inLine(
      SessionKey key,
      @Nullable String owner,
      @Nullable String token,
      Duration wait,
      Duration lease,
      Function<String, Mono<T>> work);

  /**
   * Does what a client asks of the lock, at once or not at all. With a {@link IdempotentRequest}
   * once for 24 h: whoever repeats it is told what the first was told, whatever became of the lock
   * since.
   */
  Mono<Done> apply(
      SessionKey key, @Nullable String owner, Call call, @Nullable IdempotentRequest retry);

  /** Who holds the lock, without the token; empty when nobody does. */
  Mono<Held> holder(SessionKey key, @Nullable String owner);

  /**
   * Calls the listener whenever a client's lock of the session was released, through any replica,
   * until disposed. A release may be missed, in the first moments above all, and a lock whose time
   * is over is not told: whoever waits for a lock looks by itself too. Called on a thread that must
   * not be blocked.
   */
  Disposable onRelease(SessionKey key, Runnable listener);

  /** What a client can ask of the lock. */
  sealed interface Call {

    /** Takes it; {@code session-locked} while somebody holds it. */
    record Take(Duration ttl, @Nullable String label) implements Call {}

    /** Makes it last {@code ttl} from now; {@code stale-fence} if it is not the token's. */
    record Renew(String token, Duration ttl) implements Call {}

    /**
     * Ends it; {@code stale-fence} if it is not the token's.
     *
     * @param token null to end it whoever holds it
     */
    record Release(@Nullable String token) implements Call {}
  }

  /**
   * @param held null after a {@link Call.Release}
   * @param replayed whether it was done before, under the same idempotency key
   */
  record Done(@Nullable Held held, boolean replayed) {}

  /**
   * @param token the secret that names the holder; only whoever took the lock is told it
   * @param fence grows with each holder of the session
   * @param client whether a client holds it rather than an update
   */
  record Held(
      @Nullable String token,
      long fence,
      Instant expiresAt,
      boolean client,
      @Nullable String label) {}
}
