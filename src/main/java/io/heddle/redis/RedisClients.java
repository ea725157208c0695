package io.heddle.redis;

import io.lettuce.core.ClientOptions;
import io.lettuce.core.SocketOptions;
import io.lettuce.core.TimeoutOptions;
import java.time.Duration;

/** What Heddle asks of the Lettuce client beyond where Redis is. */
public final class RedisClients {

  /** Ends a connection whose peer vanished without a word while data was in flight. */
  private static final Duration USER_TIMEOUT = Duration.ofSeconds(10);

  private RedisClients() {}

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
}
