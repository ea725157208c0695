package io.heddle.turn;

import io.heddle.redis.EngineFixture;
import io.heddle.testing.RedisProcess;
import java.util.ArrayList;
import java.util.List;

/**
 * A Redis, and engines with connections of their own to it. It is not shared with other tests:
 * these replicas would look after every dead turn that those left in it, and count it.
 */
final class RedisReplicas implements AutoCloseable {

  private final RedisProcess redis = RedisProcess.start();
  private final List<EngineFixture> engines = new ArrayList<>();
  private int taken;

  RedisReplicas(int count) {
    for (int i = 0; i < count; i++) {
      engines.add(EngineFixture.standalone(redis.uri(), Replica.SESSIONS.storeLimits()));
    }
  }

  /** Of each engine in turn. */
  Replica.Ports next() {
    return Replica.Ports.of(engines.get(taken++ % engines.size()).engine());
  }

  @Override
  public void close() {
    engines.forEach(EngineFixture::close);
    redis.close();
  }
}
