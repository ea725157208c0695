package io.heddle.answercache;

import io.heddle.base.Tenant;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Answers by key, of one tenant, shared by every replica. Errors are {@code store-unavailable} and
 * {@code store-full}; every call is harmless to send again. Answers on an engine thread that must
 * not be blocked.
 */
public interface AnswerStore {

  /** What is kept, or empty. */
  Mono<Answer> get(Tenant tenant, String key);

  /**
   * Keeps it until it is that old, in the place of what was there, and ends any claim. The store
   * may end it earlier to make room. {@code body-too-large} when it can never have so much.
   */
  Mono<Kept> put(Tenant tenant, String key, String contentType, byte[] body, Duration life);

  /** Removes it: what there was, or empty. Ends any claim too. */
  Mono<Gone> take(Tenant tenant, String key);

  /** Whether there was one. Ends any claim too. */
  default Mono<Boolean> remove(Tenant tenant, String key) {
    return take(tenant, key).hasElement();
  }

  /**
   * Makes the caller the one who computes the key's answer, if nobody is: true for exactly one
   * until the lease ends, {@link #release}, {@link #remove} or {@link #put}. Whether an answer is
   * there does not matter.
   *
   * @param owner names the caller; the same one may ask again, which renews
   */
  Mono<Boolean> claim(Tenant tenant, String key, String owner, Duration lease);

  /** Ends the claim, if it is still that owner's. */
  Mono<Void> release(Tenant tenant, String key, String owner);

  /**
   * An answer as it was read. All times are by the store's clock.
   *
   * @param body not to be changed
   */
  record Answer(
      String contentType, byte[] body, Instant storedAt, Instant expiresAt, Instant readAt) {

    /** How old it was when it was read. */
    public Duration age() {
      return Duration.between(storedAt, readAt);
    }

    /**
     * Whether a reader who allows that age takes it. Zero allows none: an answer that was stored
     * within the same millisecond is a stored one all the same, and so is one that a store's clock
     * set back made younger than nothing.
     */
    public boolean isAllowedBy(Duration maxAge) {
      return maxAge.isPositive() && age().compareTo(maxAge) <= 0;
    }

    /** How old it may become. */
    public Duration life() {
      return Duration.between(storedAt, expiresAt);
    }
  }

  /**
   * What a put came to.
   *
   * @param before what it replaced, or null
   */
  record Kept(Answer answer, @Nullable Gone before) {

    /** Whether there was one before. */
    public boolean replaced() {
      return before != null;
    }
  }

  /**
   * An answer that was kept.
   *
   * @param bytes as {@link #size} has them
   * @param end when its time would have been over
   */
  record Gone(long bytes, Instant end) {}

  /** About what an answer takes. */
  static long size(String contentType, long bodyBytes) {
    return OVERHEAD + contentType.length() + bodyBytes;
  }

  /** Of an answer beside type and body. */
  long OVERHEAD = 128;
}
