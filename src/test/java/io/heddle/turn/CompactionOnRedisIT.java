package io.heddle.turn;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** Two replicas on one Redis. */
class CompactionOnRedisIT extends CompactionContract {

  private static RedisReplicas redis;

  @BeforeAll
  static void connect() {
    redis = new RedisReplicas(2);
  }

  @AfterAll
  static void disconnect() {
    redis.close();
  }

  @Override
  Replica.Ports ports() {
    return redis.next();
  }
}
