package io.heddle.embedded;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.SessionKey;
import io.heddle.embedded.SessionRecord.Life;
import io.heddle.session.TurnAttempt;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** What somebody sees of a session, and when what is left of it is gone. */
final class Access {

  static final long TOMBSTONE_MILLIS = Duration.ofHours(24).toMillis();
  static final long BUILD_MILLIS = Duration.ofSeconds(60).toMillis();

  private Access() {}

  /**
   * The session, when it is there for its owner. Somebody else is told that there is none, whatever
   * there is.
   *
   * @param owner who must own it, or null for anybody
   */
  static SessionRecord require(@Nullable SessionRecord stored, @Nullable String owner, long now) {
    SessionRecord found = requireKnown(stored, owner, now);
    if (found.life() == Life.DELETED) {
      throw Problem.of(ProblemCode.SESSION_DELETED).toException();
    }
    if (isExpired(found, now)) {
      throw Problem.of(ProblemCode.SESSION_EXPIRED).toException();
    }
    return found;
  }

  static SessionRecord require(Rows rows, SessionKey key, @Nullable String owner, long now) {
    return require(rows.get(Table.SESSIONS, Keys.session(key)), owner, now);
  }

  /** The session, or what is left of one that has ended. */
  static SessionRecord requireKnown(
      @Nullable SessionRecord found, @Nullable String owner, long now) {
    if (found == null
        || found.life() == Life.BUILDING
        || isForgotten(found, now)
        || (owner != null && !owner.equals(found.user()))) {
      throw Problem.of(ProblemCode.SESSION_NOT_FOUND).toException();
    }
    return found;
  }

  /**
   * The same for who speaks for an attempt of a turn. While that runs, the session's time does not
   * come: after an outage of the store it is left to whoever ends the turn.
   */
  static SessionRecord require(
      @Nullable SessionRecord found, @Nullable String owner, long now, TurnAttempt attempt) {
    return found != null
            && found.life() == Life.LIVE
            && found.turn() != null
            && found.turn().is(attempt)
            && (owner == null || owner.equals(found.user()))
        ? found
        : require(found, owner, now);
  }

  /** Whether its time has come, swept or not. Never a millisecond early. */
  static boolean isExpired(SessionRecord session, long now) {
    return session.life() == Life.EXPIRED
        || (session.life() == Life.LIVE && session.expires() <= now);
  }

  /** A tombstone that has stood long enough. */
  static boolean isForgotten(SessionRecord session, long now) {
    return session.gone() && session.updated() + TOMBSTONE_MILLIS <= now;
  }

  /** A building that nobody finished in time. */
  static boolean isAbandoned(SessionRecord session, long now) {
    return session.life() == Life.BUILDING && session.created() + BUILD_MILLIS <= now;
  }
}
