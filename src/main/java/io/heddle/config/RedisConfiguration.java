package io.heddle.config;

import io.heddle.base.IdSource;
import io.heddle.limit.RateLimiter;
import io.heddle.limit.StandbyLimiter;
import io.heddle.ops.Meters;
import io.heddle.ops.StoreMonitor;
import io.heddle.redis.RedisClients;
import io.heddle.redis.RedisEngine;
import io.heddle.redis.RedisProperties;
import io.heddle.redis.RedissonClients;
import io.heddle.session.StoreLimits;
import io.heddle.settings.EngineChoice;
import io.heddle.settings.EngineChoice.Kind;
import io.micrometer.core.instrument.TimeGauge;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.data.redis.autoconfigure.ClientResourcesBuilderCustomizer;
import org.springframework.boot.data.redis.autoconfigure.DataRedisAutoConfiguration;
import org.springframework.boot.data.redis.autoconfigure.DataRedisConnectionDetails;
import org.springframework.boot.data.redis.autoconfigure.DataRedisConnectionDetails.Node;
import org.springframework.boot.data.redis.autoconfigure.LettuceClientOptionsBuilderCustomizer;
import org.springframework.context.ApplicationContext;
import org.springframework.context.SmartLifecycle;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.core.env.Environment;
import org.springframework.data.redis.connection.lettuce.LettuceConnectionFactory;

/**
 * The Redis engine, on the client that Boot makes from {@code spring.data.redis.*}. A plain import:
 * the exclusion of the same class in {@code HeddleApplication} would also exclude it from an import
 * of automatic configurations.
 */
@Configuration(proxyBeanMethods = false)
@OnEngine(Kind.REDIS)
@Import(DataRedisAutoConfiguration.class)
class RedisConfiguration {

  private static final Logger log = LoggerFactory.getLogger(RedisConfiguration.class);

  @Bean
  LettuceClientOptionsBuilderCustomizer heddleClientOptions(RedisProperties properties) {
    return options -> RedisClients.options(options, properties);
  }

  @Bean
  ClientResourcesBuilderCustomizer heddleClientResources(RedisProperties properties) {
    return resources -> RedisClients.resources(resources, properties);
  }

  /** Ended by its lifecycle, before its client. */
  @Bean(destroyMethod = "")
  RedisEngine redisEngine(
      LettuceConnectionFactory factory,
      DataRedisConnectionDetails details,
      RedisProperties properties,
      StoreLimits limits,
      IdSource ids,
      Environment environment) {
    log.info(
        "Engine: redis at {}, because {}", place(details), EngineChoice.of(environment).reason());
    return new RedisEngine(
        factory.getRequiredNativeClient(),
        database(details),
        () -> RedissonClients.connect(details, properties),
        properties,
        limits,
        ids);
  }

  private static int database(DataRedisConnectionDetails details) {
    if (details.getCluster() != null) {
      return 0;
    }
    var sentinel = details.getSentinel();
    var standalone = details.getStandalone();
    return sentinel != null
        ? sentinel.getDatabase()
        : standalone != null ? standalone.getDatabase() : 0;
  }

  /** Ends the engine after the web server, which may still need it, and before its client. */
  @Bean
  SmartLifecycle redisEngineLifecycle(
      RedisEngine engine, StoreMonitor monitor, ApplicationContext context) {
    return new EngineLifecycle(engine, monitor, context);
  }

  @Bean
  RateLimiter rateLimiter(RedisEngine engine) {
    return new StandbyLimiter(engine.limiter());
  }

  @Bean
  MeterBinder feedMetrics(RedisEngine engine) {
    return registry -> {
      Meters meters = new Meters(registry);
      meters.count(
          "heddle.feed.relinks",
          "Connections of the change feed that had to be made again",
          engine::feedRelinks);
      TimeGauge.builder(
              "heddle.feed.compared.ago",
              engine,
              TimeUnit.MILLISECONDS,
              redis -> redis.feedComparedAgo().toMillis())
          .description("Age of the least proven partition's last comparison")
          .register(registry);
      meters.count(
          "heddle.due.failures",
          "Sessions and turns whose time had come and that could not be seen to",
          engine::dueFailures);
      meters.count(
          "heddle.store.refused",
          "Writes that Redis refused because it had no memory left",
          engine::refusedForMemory);
      meters.gauge(
          "heddle.store.full",
          "1 while Redis refuses what adds, for want of memory, else 0",
          () -> engine.isFull() ? 1 : 0);
    };
  }

  /** Where Redis is, without who we say we are there. */
  static String place(DataRedisConnectionDetails details) {
    String tls = details.getSslBundle() == null ? "" : " over TLS";
    if (details.getCluster() != null) {
      return "the Cluster "
          + details.getCluster().getNodes().stream()
              .map(RedisConfiguration::address)
              .collect(Collectors.joining(","))
          + tls;
    }
    if (details.getSentinel() != null) {
      return details.getSentinel().getMaster()
          + " by the sentinels "
          + details.getSentinel().getNodes().stream()
              .map(RedisConfiguration::address)
              .collect(Collectors.joining(","))
          + tls;
    }
    var standalone = details.getStandalone();
    return standalone == null
        ? "an unknown place"
        : standalone.getHost()
            + ":"
            + standalone.getPort()
            + (standalone.getDatabase() == 0 ? "" : "/" + standalone.getDatabase())
            + tls;
  }

  private static String address(Node node) {
    return node.host() + ":" + node.port();
  }

  private static final class EngineLifecycle implements SmartLifecycle {

    /** Above the client's, which is 0, and below the web server's. */
    private static final int PHASE = 1000;

    private static final int EXIT_CONFIG = 78;

    private final RedisEngine engine;
    private final StoreMonitor monitor;
    private final ApplicationContext context;
    private volatile boolean running;

    EngineLifecycle(RedisEngine engine, StoreMonitor monitor, ApplicationContext context) {
      this.engine = engine;
      this.monitor = monitor;
      this.context = context;
    }

    @Override
    public void start() {
      running = true;
      engine.start(this::refuse);
    }

    @Override
    public void stop() {
      running = false;
      // An engine that is closed does not answer, which is no outage.
      monitor.close();
      engine.close();
    }

    @Override
    public boolean isRunning() {
      return running;
    }

    @Override
    public int getPhase() {
      return PHASE;
    }

    private void refuse(RuntimeException reason) {
      log.error("This Heddle must not serve this Redis and ends: {}", reason.getMessage());
      // On another thread: it ends the one that calls this, which is a daemon. As a daemon too, the
      // JVM would end with 0 as soon as the web server had stopped.
      Thread.ofPlatform()
          .name("heddle-exit")
          .daemon(false)
          .start(() -> System.exit(SpringApplication.exit(context, () -> EXIT_CONFIG)));
    }
  }
}
