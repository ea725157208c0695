package io.heddle.embedded;

import io.heddle.limit.UsageStore;
import io.heddle.session.contract.UsageContract;
import java.time.InstantSource;

class EmbeddedUsageTest extends UsageContract {

  private final UsageStore store = new EmbeddedUsage(InstantSource.system());

  @Override
  protected UsageStore store() {
    return store;
  }
}
