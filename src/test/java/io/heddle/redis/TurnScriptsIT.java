package io.heddle.redis;

import io.heddle.session.StoreLimits;
import io.heddle.testing.TestRedis;

final class TurnScriptsIT extends TurnScriptContract {

  @Override
  EngineFixture open(StoreLimits limits) {
    return EngineFixture.standalone(TestRedis.uri(TurnScriptsIT.class), limits);
  }
}
