package io.heddle.session;

import io.heddle.base.Position;
import java.util.List;

/** Checkpoints, newest first, of a session that is at {@code position}. */
public record CheckpointPage(Position position, List<Checkpoint> checkpoints, boolean hasMore) {}
