package io.heddle.session.contract;

import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

/** The suites on the embedded engine in a file. */
class EmbeddedFileContractTest extends EngineContract {

  @TempDir private static Path directory;
  private static EngineUnderTest engine;

  @BeforeAll
  static void start() {
    engine = new EmbeddedUnderTest(directory.resolve("heddle.mv").toString());
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
