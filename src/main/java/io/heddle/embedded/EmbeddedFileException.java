package io.heddle.embedded;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** The engine's file cannot be used. The message names the file, {@link #action()} what to do. */
public final class EmbeddedFileException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private final String action;

  private EmbeddedFileException(String message, String action, @Nullable Throwable cause) {
    super(message, cause);
    this.action = action;
  }

  static EmbeddedFileException inUse(Path file, Throwable cause) {
    return new EmbeddedFileException(
        "The session file " + file + " is in use by another Heddle process.",
        "Stop the other process, or give this one a file of its own with HEDDLE_EMBEDDED_PATH"
            + " (heddle.embedded.path). Several replicas share sessions on Redis: set REDIS_URL.",
        cause);
  }

  static EmbeddedFileException newer(Path file, int layout, int known) {
    return new EmbeddedFileException(
        "The session file "
            + file
            + " has layout "
            + layout
            + "; this Heddle knows layouts up to "
            + known
            + ".",
        "Run the newer Heddle that wrote it, or set HEDDLE_EMBEDDED_PATH (heddle.embedded.path) to"
            + " another file.",
        null);
  }

  static EmbeddedFileException unusable(Path file, Throwable cause) {
    return new EmbeddedFileException(
        "The session file " + file + " cannot be opened: " + cause.getMessage(),
        "Check that the directory can be written to and that the file is one of Heddle's, or set"
            + " HEDDLE_EMBEDDED_PATH (heddle.embedded.path) to another file.",
        cause);
  }

  static EmbeddedFileException damagedJournal(Path file, Path journal, JournalDamage damage) {
    return new EmbeddedFileException(
        "The journal " + journal + " of the session file is damaged: " + damage.getMessage() + ".",
        "Nothing was changed. Copy "
            + file
            + " and "
            + journal
            + " first. Then put both back from a backup or from the disk's snapshot; or start with"
            + " HEDDLE_EMBEDDED_ON_DAMAGE=salvage (heddle.embedded.on-damage): Heddle then has the"
            + " sessions as they were before the damaged place, and keeps the journal beside the"
            + " file as *.journal.damaged.",
        damage);
  }

  static EmbeddedFileException damaged(Path file, Throwable cause) {
    return new EmbeddedFileException(
        "The session file " + file + " is damaged: " + cause.getMessage(),
        "Nothing was changed. Put it back from a backup, with its journal; or move it and "
            + Journal.of(file)
            + " away, or set HEDDLE_EMBEDDED_PATH (heddle.embedded.path) to another file, to start"
            + " with no sessions.",
        cause);
  }

  /** What whoever runs Heddle can do about it. */
  public String action() {
    return action;
  }
}
