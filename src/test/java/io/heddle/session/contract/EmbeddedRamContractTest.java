package io.heddle.session.contract;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** The suites on the embedded engine in RAM. */
class EmbeddedRamContractTest extends EngineContract {

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
  protected EngineUnderTest engine() {
    return engine;
  }
}
