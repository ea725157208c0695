package io.heddle.redis;

import io.lettuce.core.ClientOptions;
import io.lettuce.core.RedisException;
import io.lettuce.core.SocketOptions;
import io.lettuce.core.TimeoutOptions;
import io.lettuce.core.resource.ClientResources;
import io.lettuce.core.resource.Delay;
import io.lettuce.core.resource.NettyCustomizer;
import io.netty.channel.Channel;
import io.netty.handler.flush.FlushConsolidationHandler;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** What Heddle asks of the Lettuce client beyond where Redis is. */
public final class RedisClients {

  /** Ends a connection whose peer vanished without a word while data was in flight. */
  private static final Duration USER_TIMEOUT = Duration.ofSeconds(10);

  private static final Duration FIRST_RECONNECT = Duration.ofMillis(10);

  private RedisClients() {}

  /**
   * Whether the driver, or Redis by way of it, says so: who waits for a command is told elsewhere.
   */
  public static boolean isDriversError(Throwable error) {
    return RedisErrors.unwrap(error) instanceof RedisException;
  }

  /**
   * Comes back soon after an outage however long it was; the driver's own pause grows to 30 s. And
   * sends together what is written in one turn of an event loop: a system call for each command is
   * most of what a command costs, here and in Redis.
   */
  public static void resources(ClientResources.Builder resources, RedisProperties properties) {
    resources.reconnectDelay(
        Delay.equalJitter(FIRST_RECONNECT, properties.reconnectMax(), 50, TimeUnit.MILLISECONDS));
    resources.nettyCustomizer(new SendsTogether());
  }

  /**
   * Bounds and refusals in place of the driver's endless queue and its re-sending of writes: a
   * write that was sent and not answered must not be sent again by anybody who does not know what
   * it is.
   */
  public static <B extends ClientOptions.Builder> B options(B options, RedisProperties properties) {
    options
        .disconnectedBehavior(ClientOptions.DisconnectedBehavior.REJECT_COMMANDS)
        .requestQueueSize(properties.requestQueue())
        .replayFilter(command -> true)
        .timeoutOptions(TimeoutOptions.enabled(properties.timeout()))
        .socketOptions(
            SocketOptions.builder()
                .connectTimeout(properties.connectTimeout())
                .keepAlive(true)
                .tcpUserTimeout(
                    SocketOptions.TcpUserTimeoutOptions.builder()
                        .enable()
                        .tcpUserTimeout(USER_TIMEOUT)
                        .build())
                .build());
    return options;
  }

  private static final class SendsTogether implements NettyCustomizer {

    @Override
    public void afterChannelInitialized(Channel channel) {
      channel
          .pipeline()
          .addFirst(
              new FlushConsolidationHandler(
                  FlushConsolidationHandler.DEFAULT_EXPLICIT_FLUSH_AFTER_FLUSHES, true));
    }
  }
}
