package io.heddle.redis;

import io.heddle.base.SessionKey;
import io.heddle.json.Json;
import io.heddle.session.Turn;
import io.heddle.session.TurnId;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The turns of a session at one moment, out of the fields that {@code part-turn-write.lua}
 * describes.
 */
final class StoredTurn {

  private final SessionKey key;
  private final String @Nullable [] running;
  private final List<String> waiting;
  private final List<String> ended;

  /**
   * @param reply holds the running turn, those that wait and those that ended at 1, 2 and 3
   */
  StoredTurn(SessionKey key, ScriptReply reply) {
    this.key = key;
    String turn = reply.textOrNull(1);
    this.running = turn == null ? null : turn.split(" ");
    this.waiting = words(reply.textOrNull(2));
    this.ended = words(reply.textOrNull(3));
  }

  /** Random parts: the running one's, those that wait in their order, ended ones, newest first. */
  List<String> parts() {
    List<String> parts = open();
    parts.addAll(ended);
    return parts;
  }

  /** The same without the ended ones. */
  List<String> open() {
    List<String> parts = new ArrayList<>();
    TurnId first = running == null ? null : TurnId.parse(running[0]);
    if (first != null) {
      parts.add(first.random());
    }
    parts.addAll(waiting);
    return parts;
  }

  /**
   * @param record the fields c, m, q, z, v, s, a, e, j, o
   */
  Turn turn(String part, ScriptReply record) {
    String id = new TurnId(part, key.id()).toString();
    String[] lease = running != null && running[0].equals(id) ? running : null;
    int position = waiting.indexOf(part) + 1;
    String model = record.text(1);
    String status = record.textOrNull(5);
    String attempt = record.textOrNull(6);
    String end = record.textOrNull(8);
    return new Turn(
        key,
        id,
        status(lease != null, status),
        lease != null
            ? Integer.parseInt(lease[1])
            : attempt == null ? 0 : Integer.parseInt(attempt),
        model.isEmpty() ? null : model,
        record.time(0),
        record.textOrNull(3) == null ? null : record.time(3),
        record.textOrNull(7) == null ? null : record.time(7),
        lease == null ? null : Instant.ofEpochMilli(Long.parseLong(lease[2])),
        lease == null ? Turn.Cancel.NONE : cancel(lease[3]),
        messages(record.textOrNull(4)),
        messages(record.textOrNull(9)),
        new Json(record.bytes(2)),
        end == null ? null : new Json(record.bytes(8)),
        position);
  }

  private static Turn.Status status(boolean runs, @Nullable String ended) {
    if (runs) {
      return Turn.Status.RUNNING;
    }
    return ended == null ? Turn.Status.QUEUED : Turn.Status.valueOf(ended.toUpperCase(Locale.ROOT));
  }

  static Turn.Cancel cancel(String mark) {
    return switch (mark) {
      case "k" -> Turn.Cancel.KEEP;
      case "r" -> Turn.Cancel.ROLLBACK;
      default -> Turn.Cancel.NONE;
    };
  }

  private List<String> messages(@Nullable String placed) {
    return placed == null ? List.of() : RedisWriter.replayed(key, placed).messages();
  }

  private static List<String> words(@Nullable String text) {
    return text == null || text.isEmpty() ? List.of() : List.of(text.split(" "));
  }
}
