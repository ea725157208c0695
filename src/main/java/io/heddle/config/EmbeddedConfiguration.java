package io.heddle.config;

import io.heddle.base.IdSource;
import io.heddle.embedded.EmbeddedEngine;
import io.heddle.embedded.EmbeddedProperties;
import io.heddle.limit.RateLimiter;
import io.heddle.session.StoreLimits;
import io.heddle.settings.EngineChoice;
import io.heddle.settings.EngineChoice.Kind;
import java.time.InstantSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.availability.AvailabilityChangeEvent;
import org.springframework.boot.availability.LivenessState;
import org.springframework.context.ApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.Environment;

/** The engine inside this process. */
@Configuration(proxyBeanMethods = false)
@OnEngine(Kind.EMBEDDED)
class EmbeddedConfiguration {

  private static final Logger log = LoggerFactory.getLogger(EmbeddedConfiguration.class);

  @Bean(destroyMethod = "close")
  EmbeddedEngine embeddedEngine(
      EmbeddedProperties properties,
      StoreLimits limits,
      InstantSource clock,
      IdSource ids,
      Environment environment,
      ApplicationContext context) {
    EmbeddedEngine engine = EmbeddedEngine.open(properties, limits, clock, ids);
    engine.whenFailed(() -> AvailabilityChangeEvent.publish(context, LivenessState.BROKEN));
    log.info(
        "Engine: embedded, {}; because {}",
        engine.describe(),
        EngineChoice.of(environment).reason());
    return engine;
  }

  @Bean
  RateLimiter rateLimiter(EmbeddedEngine engine) {
    return engine.limiter();
  }
}
