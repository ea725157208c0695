package io.heddle.redis;

import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.validation.annotation.Validated;

/**
 * How the Redis engine behaves; where Redis is stands in {@code spring.data.redis.*}.
 *
 * @param timeout how long an answer may take before the request is told that the store is away
 * @param connectTimeout how long a connection may take to be made
 * @param requestQueue requests that may wait for their answers on the one connection; more are
 *     refused at once
 * @param pageConnections connections for reads whose answers may be long, apart from the one for
 *     all else
 * @param reconnectMax longest pause between two attempts to connect
 * @param sweepEvery how often ended sessions are looked for
 * @param sweepBatch ended sessions taken from one partition at a time
 * @param lockConnections most connections that Redisson opens for locks
 */
@Validated
@ConfigurationProperties("heddle.redis")
public record RedisProperties(
    @DefaultValue("1s") Duration timeout,
    @DefaultValue("2s") Duration connectTimeout,
    @DefaultValue("10000") @Min(16) @Max(1_000_000) int requestQueue,
    @DefaultValue("2") @Min(1) @Max(64) int pageConnections,
    @DefaultValue("2s") Duration reconnectMax,
    @DefaultValue("1s") Duration sweepEvery,
    @DefaultValue("100") @Min(1) @Max(10_000) int sweepBatch,
    @DefaultValue("16") @Min(2) @Max(256) int lockConnections) {

  public RedisProperties {
    positive("timeout", timeout);
    positive("connect-timeout", connectTimeout);
    positive("reconnect-max", reconnectMax);
    positive("sweep-every", sweepEvery);
  }

  private static void positive(String name, Duration value) {
    if (value.isNegative() || value.isZero()) {
      throw new IllegalArgumentException("heddle.redis." + name + " must be more than 0");
    }
  }
}
