package io.heddle.config;

import io.heddle.answercache.Answers;
import io.heddle.base.ByteBudget;
import io.heddle.base.IdSource;
import io.heddle.engine.Engine;
import io.heddle.limit.TokenLimits;
import io.heddle.ops.TurnMetrics;
import io.heddle.session.service.SessionServices;
import io.heddle.turn.TurnProperties;
import io.heddle.turn.TurnStore;
import io.heddle.turn.Turns;
import io.heddle.turn.Upstream;
import java.time.InstantSource;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;

/** Turns. */
@Configuration(proxyBeanMethods = false)
@Import(TurnMetrics.class)
class TurnConfiguration {

  @Bean
  TurnStore turnStore(SessionServices services, Engine engine, Answers answers) {
    return new TurnStore(
        services,
        engine.reader(),
        engine.records(),
        engine.turnLog(),
        engine.liveChannel(),
        engine.feed(),
        answers);
  }

  @Bean(destroyMethod = "close")
  Turns turns(
      TurnStore store,
      Upstream upstream,
      TokenLimits limits,
      IdSource ids,
      InstantSource clock,
      TurnProperties properties,
      ByteBudget budget) {
    return new Turns(store, upstream, limits, ids, clock, properties, budget);
  }

  /** Lets the turns of this replica end; those who follow one are still told its end. */
  @Bean
  Drain turnDrain(Turns turns, TurnProperties properties) {
    return new Drain(() -> turns.drain(properties.drain()));
  }
}
