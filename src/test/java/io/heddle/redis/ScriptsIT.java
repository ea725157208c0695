package io.heddle.redis;

import io.heddle.session.StoreLimits;
import io.heddle.testing.TestRedis;

final class ScriptsIT extends ScriptContract {

  @Override
  EngineFixture open(StoreLimits limits) {
    return EngineFixture.standalone(TestRedis.uri(ScriptsIT.class), limits);
  }
}
