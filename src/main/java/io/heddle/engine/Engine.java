package io.heddle.engine;

import io.heddle.answercache.AnswerStore;
import io.heddle.limit.RateLimiter;
import io.heddle.limit.UsageStore;
import io.heddle.session.ChangeFeed;
import io.heddle.session.ChangeLog;
import io.heddle.session.IdempotencyRecords;
import io.heddle.session.LiveChannel;
import io.heddle.session.SessionIndex;
import io.heddle.session.SessionLocks;
import io.heddle.session.SessionReader;
import io.heddle.session.SessionWriter;
import io.heddle.session.TurnLog;

/** One store behind its ports. Each port states its own guarantees; all of them see one state. */
public interface Engine extends StoreProbe, AutoCloseable {

  SessionReader reader();

  SessionWriter writer();

  SessionIndex index();

  SessionLocks locks();

  IdempotencyRecords records();

  ChangeFeed feed();

  ChangeLog changeLog();

  LiveChannel liveChannel();

  TurnLog turnLog();

  RateLimiter limiter();

  UsageStore usage();

  AnswerStore answers();

  /** Locks that had ended before their holder released them, since the start. */
  long lostLocks();

  /** Ends what is under way and gives up the store. Blocks. */
  @Override
  void close();
}
