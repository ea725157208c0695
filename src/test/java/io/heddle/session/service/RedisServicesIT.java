package io.heddle.session.service;

import io.heddle.redis.EngineFixture;
import io.heddle.redis.RedisEngine;
import io.heddle.session.SessionIndex;
import io.heddle.testing.TestRedis;
import java.time.InstantSource;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** Two replicas on one Redis; each call goes to the other one than the call before. */
class RedisServicesIT extends ServicesContract {

  private static final EngineFixture[] FIXTURES = new EngineFixture[2];
  private static final SessionServices[] REPLICAS = new SessionServices[2];
  private static final AtomicInteger TURN = new AtomicInteger();

  @BeforeAll
  static void connect() {
    for (int i = 0; i < REPLICAS.length; i++) {
      FIXTURES[i] =
          EngineFixture.standalone(TestRedis.uri(RedisServicesIT.class), PROPERTIES.storeLimits());
      RedisEngine engine = FIXTURES[i].engine();
      REPLICAS[i] =
          new SessionServices(
              engine.reader(),
              engine.writer(),
              engine.index(),
              engine.locks(),
              engine.records(),
              IDS,
              InstantSource.system(),
              PROPERTIES);
    }
  }

  @AfterAll
  static void close() {
    for (EngineFixture fixture : FIXTURES) {
      fixture.close();
    }
  }

  @Override
  protected SessionServices services() {
    return REPLICAS[TURN.getAndIncrement() & 1];
  }

  @Override
  protected SessionIndex index() {
    return FIXTURES[0].engine().index();
  }
}
