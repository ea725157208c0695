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
 * @param timeout How long Heddle waits for a reply of Redis before it answers 503.
 * @param connectTimeout How long a connection to Redis may take.
 * @param requestQueue Requests that may wait for replies on the main connection. One more is
 *     refused at once.
 * @param pageConnections Connections for reads with long replies, apart from the main connection, 1
 *     to 64.
 * @param reconnectMax Longest pause between two attempts to connect.
 * @param sweepEvery How often expired sessions are swept.
 * @param sweepBatch Expired sessions swept from one partition at a time.
 * @param lockConnections Most connections that Redisson opens for locks, 2 to 256.
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
