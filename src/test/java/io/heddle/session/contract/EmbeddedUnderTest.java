package io.heddle.session.contract;

import io.heddle.answercache.AnswerStore;
import io.heddle.base.RandomIds;
import io.heddle.embedded.EmbeddedEngine;
import io.heddle.embedded.EmbeddedProperties;
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
import java.time.Duration;
import java.time.InstantSource;

/** The embedded engine, which sweeps ten times a second. */
final class EmbeddedUnderTest implements EngineUnderTest {

  private final EmbeddedEngine engine;

  /**
   * @param path the file, or empty for RAM
   */
  EmbeddedUnderTest(String path) {
    EmbeddedProperties usual = EmbeddedProperties.at(path);
    EmbeddedProperties properties =
        new EmbeddedProperties(
            path,
            usual.sync(),
            usual.commitDelay(),
            usual.queue(),
            usual.cache(),
            usual.readThreads(),
            Duration.ofMillis(100),
            usual.onDamage(),
            usual.answers());
    InstantSource clock = InstantSource.system();
    engine = EmbeddedEngine.open(properties, limits(), clock, new RandomIds(clock));
  }

  @Override
  public SessionWriter writer() {
    return engine.writer();
  }

  @Override
  public IdempotencyRecords records() {
    return engine.records();
  }

  @Override
  public SessionReader reader() {
    return engine.reader();
  }

  @Override
  public SessionIndex index() {
    return engine.index();
  }

  @Override
  public SessionLocks locks() {
    return engine.locks();
  }

  @Override
  public ChangeFeed feed() {
    return engine.feed();
  }

  @Override
  public ChangeLog changeLog() {
    return engine.changeLog();
  }

  @Override
  public LiveChannel liveChannel() {
    return engine.liveChannel();
  }

  @Override
  public TurnLog turnLog() {
    return engine.turnLog();
  }

  @Override
  public RateLimiter limiter() {
    return engine.limiter();
  }

  @Override
  public AnswerStore answers() {
    return engine.answers();
  }

  @Override
  public StoreLimits limits() {
    return StoreLimits.DEFAULT;
  }

  @Override
  public void close() {
    engine.close();
  }
}
