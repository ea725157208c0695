package io.heddle.redis;

import io.heddle.base.Bounds;
import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

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
