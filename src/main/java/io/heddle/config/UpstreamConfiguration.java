package io.heddle.config;

import io.heddle.ops.UpstreamHealth;
import io.heddle.ops.UpstreamMetrics;
import io.heddle.settings.BadSettingException;
import io.heddle.upstream.EchoProperties;
import io.heddle.upstream.Models;
import io.heddle.upstream.UpstreamProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;

/** The models. */
@Configuration(proxyBeanMethods = false)
@Import(UpstreamMetrics.class)
class UpstreamConfiguration {

  /** The {@code Upstream} of turns. */
  @Bean(destroyMethod = "close")
  Models models(UpstreamProperties properties, EchoProperties echo, UpstreamMetrics metrics) {
    try {
      Models models = new Models(properties, echo, metrics);
      metrics.bind(models);
      return models;
    } catch (IllegalArgumentException e) {
      throw new BadSettingException(
          String.valueOf(e.getMessage()), "src/docs/models.md shows how to set heddle.upstreams.");
    }
  }

  @Bean
  UpstreamHealth upstreamHealthIndicator(Models models) {
    return new UpstreamHealth(models);
  }
}
