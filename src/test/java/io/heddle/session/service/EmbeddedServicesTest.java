package io.heddle.session.service;

import io.heddle.embedded.EmbeddedEngine;
import io.heddle.embedded.EmbeddedProperties;
import io.heddle.session.SessionIndex;
import java.time.InstantSource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

class EmbeddedServicesTest extends ServicesContract {

  private static EmbeddedEngine engine;
  private static SessionServices services;

  @BeforeAll
  static void open() {
    engine =
        EmbeddedEngine.open(
            EmbeddedProperties.at(""), PROPERTIES.storeLimits(), InstantSource.system(), IDS);
    services =
        new SessionServices(
            engine.reader(),
            engine.writer(),
            engine.index(),
            engine.locks(),
            engine.records(),
            IDS,
            InstantSource.system(),
            PROPERTIES);
  }

  @AfterAll
  static void close() {
    engine.close();
  }

  @Override
  protected SessionServices services() {
    return services;
  }

  @Override
  protected SessionIndex index() {
    return engine.index();
  }
}
