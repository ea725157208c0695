package io.heddle.session;

import io.heddle.json.Json;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Everything that can be written to a session. Each is one call, one change, one version; {@link
 * StartBuild} and {@link AppendToBuild} make none, they prepare what {@link PublishBuild}
 * publishes; nor do {@link RetakeTurn} and the {@link CancelTurn} of a running turn, whose end is
 * the change.
 *
 * <p>Of the turns only {@link BeginTurn} and {@link NextTurn} obey holder, status and size; the
 * others compare turn and attempt and nothing else, so that an answer that was paid for is kept.
 * While a turn runs, {@link TruncateThread} and {@link RestoreState} are refused as {@code
 * turn-running} when they would take away what it stands on: a clear, a cut that removes its input,
 * a restore.
 */
public sealed interface Write {

  /**
   * Makes the session, with its first messages in the same version. Refused when the id is taken.
   * Over a session that was deleted or has expired it starts anew and goes on counting versions.
   */
  record Create(SessionAttributes description, List<NewMessage> messages) implements Write {}

  /** Adds messages at the end, all in one version. Refused while the session is complete. */
  record Append(List<NewMessage> messages) implements Write {}

  /**
   * Replaces the description; the last step of a patch. The owner does not change. {@code
   * expiresAt} becomes now + the new TTL.
   */
  record Update(SessionAttributes description) implements Write {}

  /** Replaces the state document and keeps it as a checkpoint. */
  record SaveState(Json document) implements Write {}

  /** Saves the document of a checkpoint again; {@code latest} is the newest. */
  record RestoreState(String checkpoint) implements Write {}

  record DeleteMessage(String message) implements Write {}

  /** Deletes every message after the given one, which stays; without one, the whole thread. */
  record TruncateThread(@Nullable String after) implements Write {}

  /** Empties the session and leaves a tombstone. On a tombstone of a delete it changes nothing. */
  record Delete() implements Write {}

  /**
   * Ends a session whose time has come; refused as {@code version-conflict} while it has not. A
   * target left half built is removed by it, without a tombstone.
   */
  record Expire() implements Write {}

  /**
   * Takes the id for a session that is filled in steps: reads and writes take it for absent, {@link
   * Create} for taken, until {@link PublishBuild} or until 60 s have passed.
   *
   * @param build names this building; the later steps must name the same
   */
  record StartBuild(String build, SessionAttributes description) implements Write {}

  /** Adds messages to a session that is being built. */
  record AppendToBuild(String build, List<Copied> messages) implements Write {}

  /** Publishes a built session: the one version of the whole building. */
  record PublishBuild(String build) implements Write {}

  /**
   * Starts a turn if none runs or waits: adds its input, gives it the session's turn lease, attempt
   * 1 ({@code turn.started}). Otherwise does what {@code onBusy} says: puts it into the queue
   * ({@code turn.queued}), or refuses it. The answer's {@link Head#activeTurn()} is this turn when
   * it was started. The same turn's id sent again is a replay, whatever became of it since; a
   * replay names the turn in the place of message ids. Refused for what {@link Append} is refused
   * for, also where it would wait.
   *
   * @param maxQueue turns that may wait; {@code turn-queue-full} above
   */
  record BeginTurn(NewTurn turn, OnBusy onBusy, int maxQueue) implements Write {}

  /**
   * Starts the turn at the queue's head, if that is this one and none runs: adds its input ({@code
   * turn.started}), attempt 1. Refused as {@code turn-running}, {@code turn-not-found} (another one
   * is the head, or it is over), or for what {@link Append} is refused for; it stays in the queue.
   */
  record NextTurn(String turn, Duration lease) implements Write {}

  /**
   * Takes over an attempt whose lease has ended and whose log is empty: the attempt after it
   * begins. Refused as {@code turn-running} while the lease has not ended, {@code turn-ended} when
   * the turn is not in that attempt, has events in its log, or was asked to end.
   */
  record RetakeTurn(TurnAttempt dead, Duration lease) implements Write {}

  /**
   * Takes a waiting turn out of the queue and ends it ({@code turn.cancelled}); asks the owner of a
   * running one to end it, and wakes it over the live channel ({@link LiveMessage.TurnCancelled});
   * of two wishes the stronger one stands. {@code turn-ended}, {@code turn-not-found}.
   *
   * @param end of a waiting turn, as in {@link EndTurn}
   */
  record CancelTurn(String turn, Turn.Cancel cancel, Json end) implements Write {}

  /**
   * The one way to end a turn that has started: adds its output, removes messages of its input,
   * frees the session, and marks it due if turns wait. Sent again (the same attempt, status and
   * end) it is {@link Outcome.Replayed} with the output's ids. {@code turn-ended} when the attempt
   * is not the running one; {@code turn-running} when a {@link Turn.Cancel#ROLLBACK} was asked for
   * and this is none: cancelled, without output, its input removed.
   *
   * @param status an end
   * @param end an object with at least one member, told with the change and kept with the record
   * @param remove ids of its input that are taken back out of the thread; others stay
   * @param reap whether its owner is taken for dead: refused as {@code turn-running} while the
   *     lease has not ended
   */
  record EndTurn(
      TurnAttempt attempt,
      Turn.Status status,
      List<NewMessage> output,
      Json end,
      List<String> remove,
      boolean reap)
      implements Write {}

  /**
   * Ends a waiting turn that cannot start, {@code turn.failed}; {@code turn-ended}, {@code
   * turn-not-found} and, when it has started, {@code turn-running}.
   */
  record DropTurn(String turn, Json end) implements Write {}

  /** A message that keeps the time it was first said. */
  record Copied(NewMessage message, Instant createdAt) {}
}
