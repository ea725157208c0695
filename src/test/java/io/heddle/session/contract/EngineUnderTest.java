package io.heddle.session.contract;

import io.heddle.answercache.AnswerStore;
import io.heddle.limit.RateLimiter;
import io.heddle.session.ChangeFeed;
import io.heddle.session.ChangeLog;
import io.heddle.session.IdempotencyRecords;
import io.heddle.session.LiveChannel;
import io.heddle.session.SessionIndex;
import io.heddle.session.SessionLocks;
import io.heddle.session.SessionReader;
import io.heddle.session.SessionWriter;
import io.heddle.session.StoreLimits;
import io.heddle.session.TurnLog;

/** One running engine behind its ports, its sweeper running too. */
public interface EngineUnderTest extends AutoCloseable {

  SessionWriter writer();

  IdempotencyRecords records();

  SessionReader reader();

  SessionIndex index();

  SessionLocks locks();

  default ClientLock clientLock() {
    return new ClientLock(locks());
  }

  ChangeFeed feed();

  ChangeLog changeLog();

  LiveChannel liveChannel();

  TurnLog turnLog();

  RateLimiter limiter();

  AnswerStore answers();

  /** The bounds it was started with. */
  StoreLimits limits();

  /** Another replica on the same store; itself for an engine that has none. */
  default EngineUnderTest peer() {
    return this;
  }

  @Override
  void close();
}
