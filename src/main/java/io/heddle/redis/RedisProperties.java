package io.heddle.redis;

import io.heddle.base.Bounds;
import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

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
@ConfigurationProperties("heddle.redis")
public record RedisProperties(
    @DefaultValue("1s") Duration timeout,
    @DefaultValue("2s") Duration connectTimeout,
    @DefaultValue("10000") int requestQueue,
    @DefaultValue("2") int pageConnections,
    @DefaultValue("2s") Duration reconnectMax,
    @DefaultValue("1s") Duration sweepEvery,
    @DefaultValue("100") int sweepBatch,
    @DefaultValue("16") int lockConnections) {

  public RedisProperties {
    Bounds.of("heddle.redis")
        .positive("timeout", timeout)
        .positive("connect-timeout", connectTimeout)
        .within("request-queue", requestQueue, 16, 1_000_000)
        .within("page-connections", pageConnections, 1, 64)
        .positive("reconnect-max", reconnectMax)
        .positive("sweep-every", sweepEvery)
        .within("sweep-batch", sweepBatch, 1, 10_000)
        .within("lock-connections", lockConnections, 2, 256);
  }
}
