package io.heddle.redis;

import io.heddle.base.RandomIds;
import io.heddle.session.StoreLimits;
import io.lettuce.core.AbstractRedisClient;
import io.lettuce.core.ClientOptions;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.cluster.ClusterClientOptions;
import io.lettuce.core.cluster.RedisClusterClient;
import io.lettuce.core.resource.ClientResources;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.springframework.boot.data.redis.autoconfigure.DataRedisConnectionDetails;

/** A Redis engine as one replica has it, on a Redis of the tests. */
public final class EngineFixture implements AutoCloseable {

  // Patient: these tests are not about a Redis that is slow, and machines that build are.
  private static final RedisProperties PROPERTIES =
      new RedisProperties(
          Duration.ofSeconds(10),
          Duration.ofSeconds(2),
          10_000,
          2,
          Duration.ofSeconds(1),
          Duration.ofMillis(100),
          100,
          16);

  private final AbstractRedisClient client;
  private final RedisEngine engine;

  private EngineFixture(
      AbstractRedisClient client,
      DataRedisConnectionDetails details,
      RedisProperties properties,
      StoreLimits limits) {
    this.client = client;
    this.engine =
        new RedisEngine(
            client,
            details.getStandalone() == null ? 0 : details.getStandalone().getDatabase(),
            () -> RedissonClients.connect(details, properties),
            properties,
            limits,
            new RandomIds(InstantSource.system()));
    engine.start(fatal -> {
      throw fatal;
    });
    Awaitility.await().atMost(Duration.ofMinutes(1)).until(engine::isReady);
  }

  public static EngineFixture standalone(String uri, StoreLimits limits) {
    return standalone(uri, limits, PROPERTIES, ClientOptions.builder());
  }

  /** As it is by default, so that what takes longer than the timeout is tried again. */
  public static EngineFixture byDefault(String uri, StoreLimits limits) {
    return standalone(uri, limits, timeout(Duration.ofSeconds(1)), ClientOptions.builder());
  }

  static EngineFixture standalone(
      String uri, StoreLimits limits, RedisProperties properties, ClientOptions.Builder options) {
    ClientResources.Builder resources = ClientResources.builder();
    RedisClients.resources(resources, properties);
    RedisClient client = RedisClient.create(resources.build(), uri);
    client.setOptions(RedisClients.options(options, properties).build());
    RedisURI address = RedisURI.create(uri);
    DataRedisConnectionDetails details =
        new DataRedisConnectionDetails() {
          @Override
          public Standalone getStandalone() {
            return Standalone.of(address.getHost(), address.getPort(), address.getDatabase());
          }
        };
    return new EngineFixture(client, details, properties, limits);
  }

  /** With the timeout of a Redis that should answer. */
  static EngineFixture impatient(List<String> uris, Duration timeout) {
    return cluster(uris, StoreLimits.DEFAULT, timeout(timeout));
  }

  private static RedisProperties timeout(Duration timeout) {
    return new RedisProperties(
        timeout,
        Duration.ofSeconds(2),
        10_000,
        PROPERTIES.pageConnections(),
        Duration.ofSeconds(1),
        Duration.ofSeconds(1),
        100,
        16);
  }

  public static EngineFixture cluster(List<String> uris, StoreLimits limits) {
    return cluster(uris, limits, PROPERTIES);
  }

  private static EngineFixture cluster(
      List<String> uris, StoreLimits limits, RedisProperties properties) {
    List<RedisURI> addresses = uris.stream().map(RedisURI::create).toList();
    RedisClusterClient client = RedisClusterClient.create(addresses);
    client.setOptions(RedisClients.options(ClusterClientOptions.builder(), properties).build());
    DataRedisConnectionDetails details =
        new DataRedisConnectionDetails() {
          @Override
          public Cluster getCluster() {
            return () ->
                addresses.stream().map(uri -> new Node(uri.getHost(), uri.getPort())).toList();
          }
        };
    return new EngineFixture(client, details, properties, limits);
  }

  public RedisEngine engine() {
    return engine;
  }

  @Override
  public void close() {
    engine.close();
    client.shutdown(Duration.ZERO, Duration.ofSeconds(2));
    // One that was given to the client is not the client's to end.
    client.getResources().shutdown(0, 2, TimeUnit.SECONDS);
  }
}
