package io.heddle.turn;

import io.heddle.embedded.EmbeddedEngine;
import io.heddle.embedded.EmbeddedProperties;
import java.time.InstantSource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** The embedded engine has one replica; here several services act as if they were more. */
class CompactionEmbeddedTest extends CompactionContract {

  private static EmbeddedEngine engine;

  @BeforeAll
  static void open() {
    engine =
        EmbeddedEngine.open(
            EmbeddedProperties.at(""),
            Replica.SESSIONS.storeLimits(),
            InstantSource.system(),
            Replica.IDS);
  }

  @AfterAll
  static void shut() {
    engine.close();
  }

  @Override
  Replica.Ports ports() {
    return new Replica.Ports(
        engine.reader(),
        engine.writer(),
        engine.index(),
        engine.locks(),
        engine.retries(),
        engine.feed(),
        engine.liveChannel(),
        engine.turnLog(),
        engine.limiter(),
        engine.answers());
  }
}
