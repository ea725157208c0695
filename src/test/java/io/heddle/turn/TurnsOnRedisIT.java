package io.heddle.turn;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** Several replicas on one Redis, each with connections of its own. */
class TurnsOnRedisIT extends TurnsMoreContract {

  private static RedisReplicas redis;

  @BeforeAll
  static void connect() {
    redis = new RedisReplicas(3);
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
