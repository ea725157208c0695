package io.heddle.turn;

import io.heddle.session.Message;
import org.jspecify.annotations.Nullable;

/**
 * What came of compacting a thread.
 *
 * @param message the summary's; null when there was nothing to summarise, or it was not added, or
 *     deleted since
 * @param messages how many messages it stands for that no summary stood for before
 * @param usage of the model that wrote it, or null
 * @param model the one that wrote it, or null
 */
public record Compaction(
    @Nullable Message message, int messages, @Nullable Usage usage, @Nullable String model) {

  static final Compaction NOTHING = new Compaction(null, 0, null, null);

  /**
   * What somebody asks for.
   *
   * @param model the one that summarises, or null for that of the settings or the session
   * @param keep how many of the newest messages stay as they are
   * @param instructions for the model beside its own, or null
   */
  public record Order(@Nullable String model, int keep, @Nullable String instructions) {}
}
