package io.heddle.redis;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.redisson.Redisson;
import org.redisson.api.RedissonClient;
import org.redisson.client.codec.StringCodec;
import org.redisson.config.BaseConfig;
import org.redisson.config.BaseMasterSlaveServersConfig;
import org.redisson.config.Config;
import org.redisson.config.ConstantDelay;
import org.redisson.config.SslVerificationMode;
import org.springframework.boot.data.redis.autoconfigure.DataRedisConnectionDetails;
import org.springframework.boot.data.redis.autoconfigure.DataRedisConnectionDetails.Node;
import org.springframework.boot.ssl.SslBundle;

/** Makes Redisson's client, for locks only, from the same connection details as Lettuce's. */
public final class RedissonClients {

  // Waiting costs one subscription for each contended name; the default ends at 250 of them.
  private static final int SUBSCRIPTIONS = 500;
  private static final int SUBSCRIPTION_CONNECTIONS = 4;
  private static final int WORKERS = 2;

  private RedissonClients() {}

  /** Connects; blocks, and throws when Redis cannot be reached. */
  public static RedissonClient connect(
      DataRedisConnectionDetails details, RedisProperties properties) {
    return Redisson.create(config(details, properties));
  }

  static Config config(DataRedisConnectionDetails details, RedisProperties properties) {
    Config config = new Config();
    config.setCodec(StringCodec.INSTANCE);
    config.setExecutor(workers());
    config.setNettyThreads(4);
    SslBundle ssl = details.getSslBundle();
    String scheme = ssl == null ? "redis://" : "rediss://";
    if (details.getUsername() != null) {
      config.setUsername(details.getUsername());
    }
    if (details.getPassword() != null) {
      config.setPassword(details.getPassword());
    }
    if (ssl != null) {
      config.setSslTrustManagerFactory(ssl.getManagers().getTrustManagerFactory());
      config.setSslKeyManagerFactory(ssl.getManagers().getKeyManagerFactory());
      config.setSslVerificationMode(SslVerificationMode.STRICT);
    }
    if (details.getCluster() != null) {
      var servers = config.useClusterServers();
      servers.setNodeAddresses(addresses(scheme, details.getCluster().getNodes()));
      boundPools(servers, 1, properties);
    } else if (details.getSentinel() != null) {
      var sentinel = details.getSentinel();
      var servers = config.useSentinelServers();
      servers.setMasterName(sentinel.getMaster()).setDatabase(sentinel.getDatabase());
      servers.setSentinelAddresses(addresses(scheme, sentinel.getNodes()));
      if (sentinel.getUsername() != null) {
        servers.setSentinelUsername(sentinel.getUsername());
      }
      if (sentinel.getPassword() != null) {
        servers.setSentinelPassword(sentinel.getPassword());
      }
      boundPools(servers, 2, properties);
    } else {
      var standalone = details.getStandalone();
      if (standalone == null) {
        throw new IllegalStateException("no address of a Redis is configured");
      }
      bound(
          config
              .useSingleServer()
              .setAddress(scheme + address(standalone.getHost(), standalone.getPort()))
              .setDatabase(standalone.getDatabase())
              .setConnectionPoolSize(properties.lockConnections())
              .setConnectionMinimumIdleSize(2)
              .setSubscriptionConnectionMinimumIdleSize(1)
              .setSubscriptionConnectionPoolSize(SUBSCRIPTION_CONNECTIONS),
          properties);
    }
    return config;
  }

  /**
   * Ordinary threads, which may wait for work; Redisson's own are made like those of an event loop.
   * They end by themselves when there is nothing to do, so nobody need end them.
   */
  private static ExecutorService workers() {
    ThreadPoolExecutor workers =
        new ThreadPoolExecutor(
            WORKERS,
            WORKERS,
            10,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            Thread.ofPlatform().daemon(true).name("heddle-redisson-", 0).factory());
    workers.allowCoreThreadTimeOut(true);
    return workers;
  }

  private static void boundPools(
      BaseMasterSlaveServersConfig<?> servers, int idle, RedisProperties properties) {
    servers.setMasterConnectionPoolSize(properties.lockConnections());
    servers.setMasterConnectionMinimumIdleSize(idle);
    servers.setSlaveConnectionMinimumIdleSize(0);
    servers.setSubscriptionConnectionMinimumIdleSize(1);
    servers.setSubscriptionConnectionPoolSize(SUBSCRIPTION_CONNECTIONS);
    bound(servers, properties);
  }

  private static void bound(BaseConfig<?> servers, RedisProperties properties) {
    servers.setTimeout(millis(properties.timeout()));
    servers.setConnectTimeout(millis(properties.connectTimeout()));
    servers.setRetryAttempts(1);
    servers.setRetryDelay(new ConstantDelay(Duration.ofMillis(200)));
    servers.setSubscriptionsPerConnection(SUBSCRIPTIONS);
  }

  private static List<String> addresses(String scheme, List<Node> nodes) {
    return nodes.stream().map(node -> scheme + address(node.host(), node.port())).toList();
  }

  private static String address(String host, int port) {
    return (host.contains(":") && !host.startsWith("[") ? "[" + host + "]" : host) + ":" + port;
  }

  private static int millis(Duration duration) {
    return Math.toIntExact(duration.toMillis());
  }
}
