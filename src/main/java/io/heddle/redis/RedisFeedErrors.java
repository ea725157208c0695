package io.heddle.redis;

import io.lettuce.core.RedisCommandTimeoutException;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/** What an error on a connection of the feed means for the feed. */
final class RedisFeedErrors {

  private RedisFeedErrors() {}

  /** The driver gave up waiting; the reply may come yet. */
  static boolean isLate(@Nullable Throwable error) {
    return error instanceof RedisCommandTimeoutException;
  }

  /** The slot is not, or not wholly, with this server. */
  static boolean isElsewhere(Throwable error) {
    return switch (message(error).split(" ", 2)[0]) {
      case "MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN" -> true;
      default -> false;
    };
  }

  /**
   * Redis takes no questions on a connection like this: it does not speak RESP3, as the driver or
   * Redis itself says, or its user may not ask. Another connection would be no better.
   */
  static boolean isForEver(@Nullable Throwable error) {
    String message = message(error);
    return message.contains("not allowed while subscribed")
        || message.contains("Can't execute")
        || message.startsWith("NOPERM");
  }

  static String message(@Nullable Throwable error) {
    Throwable cause =
        error instanceof CompletionException && error.getCause() != null ? error.getCause() : error;
    return cause == null ? "nothing" : String.valueOf(cause.getMessage());
  }
}
