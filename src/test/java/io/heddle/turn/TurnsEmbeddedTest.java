package io.heddle.turn;

import io.heddle.embedded.EmbeddedEngine;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** The embedded engine has one replica; here several services act as if they were more. */
class TurnsEmbeddedTest extends TurnsMoreContract {

  private static EmbeddedEngine engine;

  @BeforeAll
  static void open() {
    engine = Replica.embedded();
  }

  @AfterAll
  static void shut() {
    engine.close();
  }

  @Override
  Replica.Ports ports() {
    return Replica.Ports.of(engine);
  }
}
