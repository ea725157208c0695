package io.heddle.embedded;

import io.heddle.base.Position;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.embedded.SessionRecord.Holder;
import io.heddle.json.Times;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** The refusals of this engine, in the words of the table of codes. */
final class Refusals {

  private Refusals() {}

  static ProblemException notFound() {
    return of(ProblemCode.SESSION_NOT_FOUND, "There is no such session.");
  }

  static ProblemException deleted() {
    return of(ProblemCode.SESSION_DELETED, "The session was deleted.");
  }

  static ProblemException expired() {
    return of(ProblemCode.SESSION_EXPIRED, "The session has expired.");
  }

  static ProblemException exists() {
    return of(ProblemCode.SESSION_EXISTS, "The session id is taken.");
  }

  static ProblemException locked(Holder holder, long now) {
    long seconds = Math.max(1, (holder.until() - now + 999) / 1000);
    return Problem.of(ProblemCode.SESSION_LOCKED, "Somebody else holds the session's lock.")
        .with("expiresAt", Times.rfc3339(Instant.ofEpochMilli(holder.until())))
        .with("retryAfter", seconds)
        .toException();
  }

  /** Others stand before the caller in the line of updates, and nobody holds the lock right now. */
  static ProblemException inLine(long now) {
    return locked(new Holder("", now + 1000, false, 0, null), now);
  }

  static ProblemException staleFence() {
    return of(ProblemCode.STALE_FENCE, "The token does not hold the session's lock.");
  }

  static ProblemException conflict(@Nullable Position current) {
    Problem problem =
        Problem.of(ProblemCode.VERSION_CONFLICT, "The session is at another position.");
    return (current == null ? problem : problem.with("position", current.toString())).toException();
  }

  static ProblemException positionLost(Position current) {
    return Problem.of(
            ProblemCode.POSITION_LOST, "The position is not part of the session's history.")
        .with("position", current.toString())
        .toException();
  }

  static ProblemException complete() {
    return of(ProblemCode.SESSION_COMPLETE, "The session is complete and takes no messages.");
  }

  static ProblemException messageExists(String id) {
    return Problem.of(ProblemCode.MESSAGE_EXISTS, "The message id is taken in this session.")
        .with("message", id)
        .toException();
  }

  static ProblemException tooLarge(long limit) {
    return Problem.of(
            ProblemCode.SESSION_TOO_LARGE, "The session would grow larger than this server keeps.")
        .with("limit", limit)
        .toException();
  }

  static ProblemException noMessage() {
    return of(ProblemCode.MESSAGE_NOT_FOUND, "There is no such message in the session.");
  }

  static ProblemException noCheckpoint() {
    return of(ProblemCode.CHECKPOINT_NOT_FOUND, "There is no such checkpoint in the session.");
  }

  static ProblemException cursor(String field) {
    return Problem.field(ProblemCode.INVALID_CURSOR, field, "The cursor is not one of this list.")
        .toException();
  }

  static ProblemException turnRunning() {
    return of(ProblemCode.TURN_RUNNING, "A turn of the session is running or waiting.");
  }

  static ProblemException turnEnded() {
    return of(ProblemCode.TURN_ENDED, "The turn, or this attempt of it, has ended.");
  }

  static ProblemException noTurn() {
    return of(ProblemCode.TURN_NOT_FOUND, "There is no such turn in the session.");
  }

  static ProblemException queueFull(int limit) {
    return Problem.of(ProblemCode.TURN_QUEUE_FULL, "As many turns as may wait in it wait already.")
        .with("limit", limit)
        .toException();
  }

  static ProblemException keyReused() {
    return of(ProblemCode.KEY_REUSED, "The idempotency key was used with another request.");
  }

  static ProblemException keyInProgress() {
    return Problem.of(
            ProblemCode.KEY_IN_PROGRESS, "A request with this idempotency key is still running.")
        .with("retryAfter", 1)
        .toException();
  }

  private static ProblemException of(ProblemCode code, String detail) {
    return Problem.of(code, detail).toException();
  }
}
