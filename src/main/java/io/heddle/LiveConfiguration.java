package io.heddle;

import io.heddle.api.Routes;
import io.heddle.base.ByteBudget;
import io.heddle.coherence.Coherence;
import io.heddle.live.Hubs;
import io.heddle.live.LiveProperties;
import io.heddle.ops.LiveMetrics;
import io.heddle.session.ChangeLog;
import io.heddle.session.LiveChannel;
import io.heddle.session.SessionReader;
import io.heddle.session.TurnLog;
import io.heddle.web.Connections;
import java.time.Duration;
import java.util.List;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Condition;
import org.springframework.context.annotation.ConditionContext;
import org.springframework.context.annotation.Conditional;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.type.AnnotatedTypeMetadata;
import org.springframework.web.cors.CorsConfiguration;
import org.springframework.web.cors.reactive.CorsWebFilter;

/** Watching. */
@Configuration(proxyBeanMethods = false)
class LiveConfiguration {

  private static final List<String> EXPOSED =
      List.of(
          "ETag",
          "Location",
          "RateLimit",
          "RateLimit-Policy",
          "Retry-After",
          "Heddle-Cache",
          "Heddle-Checkpoint",
          "Preference-Applied",
          "Heddle-Single-Flight",
          "Age",
          "Idempotency-Replayed",
          "Heddle-Session",
          "x-request-id",
          "x-should-retry",
          "retry-after-ms",
          "x-ratelimit-limit-requests",
          "x-ratelimit-remaining-requests",
          "x-ratelimit-reset-requests",
          "x-ratelimit-limit-tokens",
          "x-ratelimit-remaining-tokens",
          "x-ratelimit-reset-tokens");

  @Bean(destroyMethod = "close")
  Hubs hubs(
      Coherence coherence,
      ChangeLog log,
      TurnLog turns,
      SessionReader reader,
      LiveChannel channel,
      LiveProperties properties) {
    return new Hubs(coherence, log, turns, reader, channel, properties);
  }

  @Bean
  Connections connections(LiveProperties properties, ByteBudget budget) {
    return new Connections(properties, budget);
  }

  @Bean
  Routes.Live live(Hubs hubs, Connections connections, LiveProperties properties) {
    return new Routes.Live(hubs, connections, properties);
  }

  /** Sends the connections away. */
  @Bean
  Drain liveDrain(Connections connections) {
    return new Drain(connections::drain);
  }

  @Bean
  LiveMetrics liveMetrics(Hubs hubs, Connections connections) {
    return new LiveMetrics(hubs, connections::open, connections::tooSlow);
  }

  /** Only where pages of other origins may come: it looks at every request. */
  @Bean
  @Conditional(SomeOrigins.class)
  CorsWebFilter corsFilter(LiveProperties properties) {
    CorsConfiguration allowed = new CorsConfiguration();
    allowed.setAllowedOrigins(properties.origins());
    allowed.setAllowedMethods(List.of("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"));
    allowed.setAllowedHeaders(List.of(CorsConfiguration.ALL));
    allowed.setExposedHeaders(EXPOSED);
    allowed.setMaxAge(Duration.ofHours(1));
    // A browser asks nobody before it opens a socket; its handler looks at the origin.
    return new CorsWebFilter(exchange -> {
      String path = exchange.getRequest().getPath().value();
      boolean api = path.startsWith("/v1/") || path.startsWith("/openai/v1/");
      return api && !path.equals("/v1/socket") ? allowed : null;
    });
  }

  /** Whether {@code heddle.live.origins} names any. */
  static final class SomeOrigins implements Condition {
    @Override
    public boolean matches(ConditionContext context, AnnotatedTypeMetadata metadata) {
      return Binder.get(context.getEnvironment())
          .bind("heddle.live.origins", Bindable.listOf(String.class))
          .map(origins -> !origins.isEmpty())
          .orElse(false);
    }
  }
}
