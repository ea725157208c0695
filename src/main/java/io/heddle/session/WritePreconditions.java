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
 * @param positions {@code If-Match}: the session must be at one of them; empty for any. With {@link
 *     #ELSEWHERE}, {@code If-None-Match}: it must be at none of them
 */
public record WritePreconditions(
    @Nullable String owner,
    @Nullable IdempotentRequest retry,
    @Nullable String lock,
    List<Position> positions) {

  public static final WritePreconditions NONE = new WritePreconditions(null, null, null, List.of());

  /** {@code If-Match: *}: the session must be there, wherever it is. */
  public static final Position THERE = new Position(0, "there");

  /** {@code If-None-Match: *}: it must not be there. */
  public static final Position ABSENT = new Position(0, "absent");

  /** Where no session ever is: what the tag of something else asks for. */
  public static final Position NOWHERE = new Position(0, "nowhere");

  /** {@code If-None-Match}: it must be at none of the positions beside this, or not be there. */
  public static final Position ELSEWHERE = new Position(0, "elsewhere");

  /** Whether a session that is there may be written to. */
  public boolean allow(Position at) {
    return positions.contains(ELSEWHERE)
        ? !positions.contains(at)
        : positions.isEmpty() || positions.contains(THERE) || positions.contains(at);
  }

  /** Whether nothing that is not there may be made. */
  public boolean wantSomething() {
    return lock != null || positions.contains(THERE) || !(positions.isEmpty() || allowNothing());
  }

  /** Whether they may be met where nothing is. */
  private boolean allowNothing() {
    return positions.contains(ABSENT) || positions.contains(ELSEWHERE);
  }

  /**
   * The same in positions alone, as stores compare them.
   *
   * @param makes whether the write makes a session, which is refused with any position
   */
  public WritePreconditions forWrite(boolean makes) {
    if (positions.contains(makes ? THERE : ABSENT)) {
      return withPositions(List.of(NOWHERE));
    }
    if (makes) {
      return allowNothing() ? withPositions(List.of()) : this;
    }
    return positions.contains(THERE)
        ? withPositions(positions.stream().filter(position -> !position.equals(THERE)).toList())
        : this;
  }

  public WritePreconditions withOwner(@Nullable String other) {
    return new WritePreconditions(other, retry, lock, positions);
  }

  public WritePreconditions withRetry(@Nullable IdempotentRequest other) {
    return new WritePreconditions(owner, other, lock, positions);
  }

  public WritePreconditions withLock(@Nullable String other) {
    return new WritePreconditions(owner, retry, other, positions);
  }

  public WritePreconditions withPositions(List<Position> other) {
    return new WritePreconditions(owner, retry, lock, other);
  }
}
