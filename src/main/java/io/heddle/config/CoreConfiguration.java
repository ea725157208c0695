package io.heddle.config;

import io.heddle.answercache.Allowance;
import io.heddle.answercache.AnswerKey;
import io.heddle.base.ByteBudget;
import io.heddle.base.IdSource;
import io.heddle.base.MemoryProperties;
import io.heddle.base.Problem;
import io.heddle.base.RandomIds;
import io.heddle.base.Tenant;
import io.heddle.engine.Engine;
import io.heddle.limit.LimitProperties;
import io.heddle.limit.Limits;
import io.heddle.limit.QuotaProperties;
import io.heddle.limit.Quotas;
import io.heddle.limit.RateLimiter;
import io.heddle.limit.TokenLimits;
import io.heddle.limit.Usage;
import io.heddle.nearcache.Coherence;
import io.heddle.nearcache.CoherenceProperties;
import io.heddle.nearcache.NearCache;
import io.heddle.ops.CoherenceHealth;
import io.heddle.ops.CoherenceMetrics;
import io.heddle.ops.HeddleMetrics;
import io.heddle.ops.StartHealth;
import io.heddle.ops.StoreHealth;
import io.heddle.ops.StoreMonitor;
import io.heddle.ops.StreamObservations;
import io.heddle.session.SessionProperties;
import io.heddle.session.Storage;
import io.heddle.session.StoreLimits;
import io.heddle.session.service.SessionServices;
import io.heddle.session.service.StorageCount;
import io.heddle.settings.CommandLine;
import io.heddle.web.KeepAliveReads;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.time.Instant;
import java.time.InstantSource;
import org.jspecify.annotations.Nullable;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;

/** What is the same over both engines. */
@Configuration(proxyBeanMethods = false)
@Import({
  Coherence.class,
  CoherenceMetrics.class,
  HeddleMetrics.class,
  KeepAliveReads.class,
  StreamObservations.class
})
class CoreConfiguration {

  @Bean
  InstantSource clock() {
    return InstantSource.system();
  }

  @Bean
  IdSource idSource(InstantSource clock) {
    return new RandomIds(clock);
  }

  /** One for the whole process. */
  @Bean
  ByteBudget byteBudget(MemoryProperties properties) {
    return properties.toBudget();
  }

  @Bean
  StoreLimits storeLimits(SessionProperties properties) {
    return properties.storeLimits();
  }

  @Bean
  SessionServices sessionServices(
      Engine engine,
      NearCache near,
      IdSource ids,
      InstantSource clock,
      SessionProperties properties,
      Storage storage) {
    return new SessionServices(
        engine.reader(),
        near,
        near.forgetting(engine.writer()),
        engine.index(),
        engine.locks(),
        engine.records(),
        ids,
        clock,
        properties,
        storage);
  }

  @Bean
  Limits limits(RateLimiter limiter, LimitProperties properties, Quotas quotas) {
    return new Limits(limiter, properties, quotas);
  }

  /** Told what was not told yet before the engine ends. */
  @Bean(destroyMethod = "close")
  Quotas quotas(Engine engine, QuotaProperties properties, IdSource ids) {
    StorageCount count = new StorageCount(engine.index(), engine.reader());
    return new Quotas(
        engine.usage(),
        properties,
        ids.tag() + ids.tag(),
        user ->
            count
                .count(user.tenant(), user.name())
                .map(found -> new Usage.Counted(found.sessions(), found.threadBytes())));
  }

  @Bean
  Storage storage(Quotas quotas) {
    return new Storage() {
      @Override
      public @Nullable Problem refuses(
          Tenant tenant, @Nullable String user, int sessions, long bytes) {
        return quotas.refusesStored(tenant, user, sessions, bytes);
      }

      @Override
      public @Nullable Mono<Void> known(
          Tenant tenant, @Nullable String user, int sessions, long bytes) {
        Mono<Void> known = quotas.known(tenant, user, sessions, bytes);
        return known == Quotas.KNOWN ? null : known;
      }

      @Override
      public void changed(
          Tenant tenant,
          @Nullable String user,
          int sessions,
          long threadBytes,
          long documentBytes) {
        quotas.stored(tenant, user, sessions, threadBytes, documentBytes);
      }
    };
  }

  @Bean
  Allowance allowance(Quotas quotas) {
    return new Allowance() {
      @Override
      public Mono<Void> known(AnswerKey key, long bytes) {
        return quotas.cachedKnown(key.tenant(), key.user(), bytes);
      }

      @Override
      public @Nullable Problem refuses(AnswerKey key, long bytes) {
        return quotas.refusesCached(key.tenant(), key.user(), bytes);
      }

      @Override
      public void changed(AnswerKey key, long bytes, Instant end) {
        quotas.cached(key.tenant(), key.user(), bytes, end.toEpochMilli());
      }
    };
  }

  @Bean
  TokenLimits tokenLimits(
      RateLimiter limiter, LimitProperties properties, IdSource ids, Limits limits) {
    return new TokenLimits(limiter, properties, ids, limits);
  }

  @Bean(destroyMethod = "dispose")
  Disposable coherenceListens(Coherence coherence, Engine engine) {
    return engine.feed().listen(coherence);
  }

  @Bean
  NearCache nearCache(Engine engine, Coherence coherence, CoherenceProperties properties) {
    return new NearCache(engine.reader(), coherence, properties);
  }

  @Bean
  StoreHealth storeHealthIndicator(Engine engine, InstantSource clock) {
    return new StoreHealth(engine, clock);
  }

  @Bean(destroyMethod = "close")
  StoreMonitor storeMonitor(Engine engine, CoherenceHealth coherence) {
    return new StoreMonitor(engine, coherence::deafness);
  }

  /** Which build runs here: a gauge that is always 1, with the version as its tag. */
  @Bean
  MeterBinder buildMetrics() {
    return registry ->
        Gauge.builder("heddle.build.info", () -> 1)
            .description("The build that runs here; always 1")
            .tag("version", CommandLine.version())
            .tag("java", Runtime.version().toString())
            .register(registry);
  }

  @Bean
  StartHealth startHealthIndicator(Engine engine) {
    return new StartHealth(engine);
  }

  @Bean
  CoherenceHealth coherenceHealthIndicator(Coherence coherence, CoherenceProperties properties) {
    return new CoherenceHealth(coherence, properties.enabled());
  }
}
