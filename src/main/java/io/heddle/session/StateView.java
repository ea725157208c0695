package io.heddle.session;

import io.heddle.base.Position;
import io.heddle.json.Json;
import org.jspecify.annotations.Nullable;

/**
 * A session's state document.
 *
 * @param position the session's, not the document's
 * @param checkpoint the newest checkpoint, or null when no state was ever saved
 */
public record StateView(Position position, @Nullable Checkpoint checkpoint) {

  /** The document: an empty object until one is saved. */
  public Json document() {
    return checkpoint == null ? Json.EMPTY_OBJECT : checkpoint.document();
  }
}
