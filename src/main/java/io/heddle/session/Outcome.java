package io.heddle.session;

import io.heddle.base.Position;
import io.heddle.base.Problem;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What became of a write. */
public sealed interface Outcome {

  /**
   * It happened, now.
   *
   * @param user the session's owner
   * @param description as it is after a {@link Write.Create}, {@link Write.Update} or {@link
   *     Write.PublishBuild}; null after other writes, which do not look at it
   * @param head as of this write; for messages appended, their seqs end with its {@code lastSeq}
   */
  record Applied(@Nullable String user, @Nullable SessionAttributes description, Head head)
      implements Outcome {}

  /**
   * It happened before, under the same idempotency key; nothing was changed.
   *
   * @param position of the first time
   * @param messages the ids of the messages that were appended then
   */
  record Replayed(Position position, List<String> messages) implements Outcome {}

  /** It was refused; nothing was changed. */
  record Refused(Problem problem) implements Outcome {}
}
