package io.heddle.session.contract;

import io.heddle.answercache.AnswerStore;
import io.heddle.limit.RateLimiter;
import io.heddle.redis.EngineFixture;
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
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Two replicas of the Redis engine, with connections of their own. */
final class RedisUnderTest implements EngineUnderTest {

  private final EngineFixture fixture;
  private final @Nullable RedisUnderTest peer;

  private RedisUnderTest(EngineFixture fixture, @Nullable RedisUnderTest peer) {
    this.fixture = fixture;
    this.peer = peer;
  }

  static RedisUnderTest twice(Supplier<EngineFixture> fixture) {
    return new RedisUnderTest(fixture.get(), new RedisUnderTest(fixture.get(), null));
  }

  @Override
  public SessionWriter writer() {
    return fixture.engine().writer();
  }

  @Override
  public IdempotencyRecords records() {
    return fixture.engine().records();
  }

  @Override
  public SessionReader reader() {
    return fixture.engine().reader();
  }

  @Override
  public SessionIndex index() {
    return fixture.engine().index();
  }

  @Override
  public SessionLocks locks() {
    return fixture.engine().locks();
  }

  @Override
  public ChangeFeed feed() {
    return fixture.engine().feed();
  }

  @Override
  public ChangeLog changeLog() {
    return fixture.engine().changeLog();
  }

  @Override
  public LiveChannel liveChannel() {
    return fixture.engine().liveChannel();
  }

  @Override
  public TurnLog turnLog() {
    return fixture.engine().turnLog();
  }

  @Override
  public RateLimiter limiter() {
    return fixture.engine().limiter();
  }

  @Override
  public AnswerStore answers() {
    return fixture.engine().answers();
  }

  @Override
  public StoreLimits limits() {
    return StoreLimits.DEFAULT;
  }

  @Override
  public EngineUnderTest peer() {
    return peer == null ? this : peer;
  }

  @Override
  public void close() {
    fixture.close();
    if (peer != null) {
      peer.close();
    }
  }
}
