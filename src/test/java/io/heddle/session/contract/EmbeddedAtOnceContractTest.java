package io.heddle.session.contract;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** Many callers of the services on the embedded engine in RAM. */
class EmbeddedAtOnceContractTest extends ServicesAtOnceContract {

  private static EngineUnderTest engine;

  @BeforeAll
  static void start() {
    engine = new EmbeddedUnderTest("");
  }

  @AfterAll
  static void stop() {
    if (engine != null) {
      engine.close();
    }
  }

  @Override
  EngineUnderTest engine() {
    return engine;
  }
}
