package io.heddle.session;

import io.heddle.base.Position;
import java.time.Instant;
import java.util.List;

/** Checkpoints, newest first, of a session that is at {@code position}, without their documents. */
public record CheckpointPage(Position position, List<Saved> checkpoints, boolean hasMore) {

  /**
   * What a list tells of a {@link Checkpoint}.
   *
   * @param bytes of its document
   */
  public record Saved(Position saved, Instant savedAt, long bytes) {

    public static Saved of(Checkpoint checkpoint) {
      return new Saved(checkpoint.saved(), checkpoint.savedAt(), checkpoint.document().length());
    }

    public String id() {
      return Checkpoint.idOf(saved);
    }
  }
}
