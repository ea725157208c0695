package io.heddle.config;

import io.heddle.ops.UpstreamHealth;
import io.heddle.ops.UpstreamMetrics;
import io.heddle.settings.BadSettingException;
import io.heddle.upstream.EchoProperties;
import io.heddle.upstream.Models;
import io.heddle.upstream.UpstreamProperties;
import io.micrometer.core.instrument.MeterRegistry;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** The models. */
@Configuration(proxyBeanMethods = false)
class UpstreamConfiguration {

  @Bean
  UpstreamMetrics upstreamMetrics(MeterRegistry registry) {
    return new UpstreamMetrics(registry);
  }

  /** The {@code Upstream} of turns. */
  @Bean(destroyMethod = "close")
  Models models(UpstreamProperties properties, EchoProperties echo, UpstreamMetrics metrics) {
    try {
      Models models = new Models(properties, echo, metrics);
      metrics.bind(models);
      return models;
    } catch (IllegalArgumentException e) {
      throw new BadSettingException(
          String.valueOf(e.getMessage()),
          "See \"Models\" in README.md for what heddle.upstreams takes.");
    }
  }

  @Bean
  UpstreamHealth upstreamHealthIndicator(Models models) {
    return new UpstreamHealth(models);
  }
}
