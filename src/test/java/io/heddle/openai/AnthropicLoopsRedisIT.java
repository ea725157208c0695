package io.heddle.openai;

import io.heddle.testing.TestRedis;

class AnthropicLoopsRedisIT extends AnthropicLoopsContract {

  @Override
  Replica start(String... settings) {
    return Replica.redis(TestRedis.uri(AnthropicLoopsRedisIT.class), settings);
  }
}
