package io.heddle.config;

import io.heddle.api.Routes;
import io.heddle.base.ByteBudget;
import io.heddle.engine.Engine;
import io.heddle.live.LiveProperties;
import io.heddle.live.SessionHubs;
import io.heddle.nearcache.Coherence;
import io.heddle.ops.LiveMetrics;
import io.heddle.web.Connections;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Watching. */
@Configuration(proxyBeanMethods = false)
class LiveConfiguration {

  @Bean(destroyMethod = "close")
  SessionHubs hubs(Coherence coherence, Engine engine, LiveProperties properties) {
    return new SessionHubs(
        coherence,
        engine.changeLog(),
        engine.turnLog(),
        engine.reader(),
        engine.liveChannel(),
        properties);
  }

  @Bean
  Connections connections(LiveProperties properties, ByteBudget budget) {
    return new Connections(properties, budget);
  }

  @Bean
  Routes.Live live(SessionHubs hubs, Connections connections, LiveProperties properties) {
    return new Routes.Live(hubs, connections, properties);
  }

  /** Sends the connections away. */
  @Bean
  Drain liveDrain(Connections connections) {
    return new Drain(connections::drain);
  }

  @Bean
  LiveMetrics liveMetrics(SessionHubs hubs, Connections connections) {
    return new LiveMetrics(hubs, connections::open, connections::tooSlow);
  }
}
