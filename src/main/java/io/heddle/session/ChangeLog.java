package io.heddle.session;

import io.heddle.base.Position;
import io.heddle.base.SessionKey;
import io.heddle.json.Json;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** The store's record of what happened to a session: its thread, and its newest other changes. */
public interface ChangeLog {

  /**
   * The changes after a position, oldest first, read in one moment. Never empty. Errors: {@code
   * session-not-found} (also another owner's, and when not even a tombstone is left), {@code
   * store-unavailable}. Answers on an engine thread.
   *
   * @param owner the user the session must belong to, or null for any
   * @param most about how many; the changes of one version are never torn apart, and the answer
   *     ends early when it grows beyond 1 MiB, with one change at least
   */
  Mono<Replay> after(SessionKey key, @Nullable String owner, Position since, int most);

  /** What the log says. */
  sealed interface Replay {

    /**
     * These follow the position without a hole, perhaps none.
     *
     * @param now where the session is; there is more when that is not the last one's position
     */
    record Followed(List<Logged> changes, Position now) implements Replay {}

    /**
     * What followed cannot be told any more: the position is none of this history, or something
     * after it was deleted or trimmed.
     */
    record Gap(Position now) implements Replay {}

    /**
     * The session has ended since, or had ended there.
     *
     * @param end null when a later session has taken the id: that is another, whoever it is of
     */
    record Ended(@Nullable Position end, Change change) implements Replay {}
  }

  /**
   * @param previousTag the tag of the version before, empty for a first one
   * @param body {@link Change#toJson()}, however long
   */
  record Logged(Position position, String previousTag, Json body) {}
}
