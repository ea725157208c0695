package io.heddle.session;

import io.heddle.base.Position;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * On what terms somebody writes. A store looks at them in this order: retry, is the session there
 * and the owner's, lock, positions, then the write's own.
 *
 * @param owner the user the session must belong to, or null for any
 * @param retry the client's idempotency key
 * @param lock the token of whoever claims to hold the session, or null. Without one a held session
 *     is {@code session-locked}; with one that is not the live holder's it is {@code stale-fence}
 * @param positions {@code If-Match}: the session must be at one of them; empty for any
 */
public record Conditions(
    @Nullable String owner,
    @Nullable Retry retry,
    @Nullable String lock,
    List<Position> positions) {

  public static final Conditions NONE = new Conditions(null, null, null, List.of());

  public Conditions withOwner(@Nullable String other) {
    return new Conditions(other, retry, lock, positions);
  }

  public Conditions withRetry(@Nullable Retry other) {
    return new Conditions(owner, other, lock, positions);
  }

  public Conditions withLock(@Nullable String other) {
    return new Conditions(owner, retry, other, positions);
  }

  public Conditions withPositions(List<Position> other) {
    return new Conditions(owner, retry, lock, other);
  }
}
