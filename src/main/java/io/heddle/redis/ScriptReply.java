package io.heddle.redis;

import io.heddle.base.Position;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.session.StoreProblems;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * One answer of a script: an array that begins with what became of it; of a write that was done,
 * its state and perhaps more.
 */
final class ScriptReply {

  static final long REFUSED = 0;
  static final long DONE = 1;
  static final long REPLAYED = 2;
  static final long SWEEP_FIRST = 3;
  static final long COPY_FIRST = 4;

  private final List<?> items;

  ScriptReply(List<?> items) {
    this.items = items;
  }

  long kind() {
    return items.getFirst() instanceof byte[] ? DONE : number(0);
  }

  /** Throws the problem of a refusal. */
  ScriptReply accepted() {
    if (kind() == REFUSED) {
      throw problem().toException();
    }
    return this;
  }

  int size() {
    return items.size();
  }

  /** An integer, or a string of digits, as hashes hold them. */
  long number(int at) {
    return switch (items.get(at)) {
      case Long number -> number;
      case byte[] digits -> Long.parseLong(text(digits));
      case null, default -> throw new IllegalStateException("no number at " + at + " of a reply");
    };
  }

  Instant time(int at) {
    return Instant.ofEpochMilli(number(at));
  }

  byte[] bytes(int at) {
    if (items.get(at) instanceof byte[] bytes) {
      return bytes;
    }
    throw new IllegalStateException("no string at " + at + " of a reply");
  }

  String text(int at) {
    return text(bytes(at));
  }

  @Nullable String textOrNull(int at) {
    return items.get(at) instanceof byte[] bytes ? text(bytes) : null;
  }

  ScriptReply list(int at) {
    if (items.get(at) instanceof List<?> list) {
      return new ScriptReply(list);
    }
    throw new IllegalStateException("no array at " + at + " of a reply");
  }

  @Nullable ScriptReply listOrNull(int at) {
    return at < items.size() && items.get(at) instanceof List<?> list
        ? new ScriptReply(list)
        : null;
  }

  /** The problem of a refusal {@code {0, code, more…}}. */
  Problem problem() {
    String code = text(1);
    return switch (code) {
      case "session-locked" -> StoreProblems.locked(time(2), number(2) - number(3));
      case "version-conflict" -> StoreProblems.conflict(size() > 2 ? text(2) : null);
      case "message-exists" -> StoreProblems.messageExists(text(2));
      case "turn-running" -> StoreProblems.turnRunning(size() > 2 ? textOrNull(2) : null);
      case "key-in-progress" -> StoreProblems.keyInProgress();
      case "invalid-cursor" -> StoreProblems.invalidCursor(text(2));
      default -> Problem.of(ProblemCode.valueOf(code.toUpperCase(Locale.ROOT).replace('-', '_')));
    };
  }

  /** The position of {@code version-tag}, which this engine wrote itself. */
  static Position position(String text) {
    Position position = Position.parse(text);
    if (position == null) {
      throw new IllegalStateException("not a position: " + text);
    }
    return position;
  }

  private static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.UTF_8);
  }
}
