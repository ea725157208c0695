package io.heddle.openai;

import io.heddle.testing.TestRedis;

class StockJavaRedisIT extends StockJavaContract {

  @Override
  Replica start() {
    return Replica.redis(TestRedis.uri(StockJavaRedisIT.class));
  }
}
