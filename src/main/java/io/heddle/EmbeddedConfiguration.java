package io.heddle;

import io.heddle.CoreConfiguration.LockLosses;
import io.heddle.EngineChoice.Engine;
import io.heddle.answercache.AnswerStore;
import io.heddle.base.IdSource;
import io.heddle.embedded.EmbeddedEngine;
import io.heddle.embedded.EmbeddedProperties;
import io.heddle.limit.RateLimiter;
import io.heddle.limit.UsageStore;
import io.heddle.ops.StoreProbe;
import io.heddle.session.ChangeFeed;
import io.heddle.session.ChangeLog;
import io.heddle.session.IdempotencyRecords;
import io.heddle.session.LiveChannel;
import io.heddle.session.SessionIndex;
import io.heddle.session.SessionLocks;
import io.heddle.session.SessionReader;
import io.heddle.session.SessionWriter;
import io.heddle.session.StoreLimits;
import io.heddle.session.TurnLog;
import java.time.InstantSource;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.availability.AvailabilityChangeEvent;
import org.springframework.boot.availability.LivenessState;
import org.springframework.context.ApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.Environment;
import reactor.core.publisher.Mono;

/** The engine inside this process. */
@Configuration(proxyBeanMethods = false)
@OnEngine(Engine.EMBEDDED)
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
  SessionReader sessionReader(EmbeddedEngine engine) {
    return engine.reader();
  }

  @Bean
  SessionWriter sessionWriter(EmbeddedEngine engine) {
    return engine.writer();
  }

  @Bean
  SessionIndex sessionIndex(EmbeddedEngine engine) {
    return engine.index();
  }

  @Bean
  SessionLocks sessionLocks(EmbeddedEngine engine) {
    return engine.locks();
  }

  @Bean
  IdempotencyRecords retryRecords(EmbeddedEngine engine) {
    return engine.retries();
  }

  @Bean
  ChangeFeed changeFeed(EmbeddedEngine engine) {
    return engine.feed();
  }

  @Bean
  ChangeLog changeLog(EmbeddedEngine engine) {
    return engine.changeLog();
  }

  @Bean
  LiveChannel liveChannel(EmbeddedEngine engine) {
    return engine.liveChannel();
  }

  @Bean
  TurnLog turnLog(EmbeddedEngine engine) {
    return engine.turnLog();
  }

  @Bean
  RateLimiter rateLimiter(EmbeddedEngine engine) {
    return engine.limiter();
  }

  @Bean
  UsageStore usageStore(EmbeddedEngine engine) {
    return engine.usage();
  }

  @Bean
  AnswerStore answerStore(EmbeddedEngine engine) {
    return engine.answers();
  }

  /** Its line is in this process and ends with its holder: no lock is lost before. */
  @Bean
  LockLosses lockLosses() {
    return () -> 0;
  }

  @Bean
  StoreProbe storeProbe(EmbeddedEngine engine) {
    return new Probe(engine);
  }

  private record Probe(EmbeddedEngine embedded) implements StoreProbe {

    @Override
    public String engine() {
      return "embedded";
    }

    @Override
    public boolean hasStarted() {
      return true;
    }

    @Override
    public Mono<Long> sessions() {
      return embedded.sessions();
    }

    @Override
    public Mono<Look> look() {
      return Mono.fromSupplier(
          () -> new Look(Map.of("kept", embedded.describe()), embedded.fault()));
    }
  }
}
