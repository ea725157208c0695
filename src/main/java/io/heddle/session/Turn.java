package io.heddle.session;

import io.heddle.base.SessionKey;
import io.heddle.json.Json;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * One exchange as its record has it: input messages, one model call, the answer.
 *
 * @param id {@link TurnId}
 * @param attempt counts the model calls: 0 while it waits, 1 for the first; another one is made
 *     when a replica died before the first token
 * @param leaseUntil until when its owner may be silent, in the store's clock; null unless it runs
 * @param cancel what was asked of a running turn and its owner has not done yet
 * @param input ids of the messages it added to the thread; none while it waits
 * @param output ids of the messages its end added
 * @param request all that is needed to run it, as {@link NewTurn} gave it
 * @param end an object whose members say how it ended (usage, error, …), as {@link Write.EndTurn}
 *     gave it; null before
 * @param queuePosition 1 for the next one; 0 unless it waits
 */
public record Turn(
    SessionKey session,
    String id,
    Status status,
    int attempt,
    @Nullable String model,
    Instant createdAt,
    @Nullable Instant startedAt,
    @Nullable Instant endedAt,
    @Nullable Instant leaseUntil,
    Cancel cancel,
    List<String> input,
    List<String> output,
    Json request,
    @Nullable Json end,
    int queuePosition) {

  /** In a list, what is longer is nobody's business: a hundred requests may be 400 MB. */
  private static final int LONGEST_LISTED = 4096;

  /** The same turn, its request without members that are long. */
  public Turn lean() {
    return request.length() <= LONGEST_LISTED
        ? this
        : new Turn(
            session,
            id,
            status,
            attempt,
            model,
            createdAt,
            startedAt,
            endedAt,
            leaseUntil,
            cancel,
            input,
            output,
            ShortMembers.of(request, LONGEST_LISTED),
            end,
            queuePosition);
  }

  /** Where it stands; every one from {@link #COMPLETED} on is an end. */
  public enum Status {
    QUEUED,
    RUNNING,
    COMPLETED,
    FAILED,
    CANCELLED,
    INCOMPLETE;

    /** On the wire. */
    public String text() {
      return name().toLowerCase(Locale.ROOT);
    }

    public boolean isEnd() {
      return compareTo(COMPLETED) >= 0;
    }

    public static @Nullable Status of(String text) {
      for (Status status : values()) {
        if (status.text().equals(text)) {
          return status;
        }
      }
      return null;
    }
  }

  /** What somebody asked of a running turn. */
  public enum Cancel {
    NONE,
    /** End now, and keep what there is. */
    KEEP,
    /** End now, without output, and take the input back out of the thread. */
    ROLLBACK
  }
}
