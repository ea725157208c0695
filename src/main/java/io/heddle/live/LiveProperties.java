package io.heddle.live;

import java.time.Duration;
import java.util.List;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/**
 * Connections that watch sessions.
 *
 * @param buffer Bytes that may wait in one connection, 4KB to 1GB. Beyond that the watcher is fed
 *     from the log instead of the queue.
 * @param slowAfter A connection whose buffer stays full for this long is closed as too slow.
 * @param pingEvery How often a WebSocket is pinged.
 * @param idleAfter A WebSocket that sends nothing for this long is closed. Must be more than {@code
 *     ping-every}.
 * @param messageTimeout How long a WebSocket message may take from its first frame to its last.
 * @param commentEvery How often an event stream gets a comment, which keeps proxies from closing
 *     it.
 * @param snapshotMessages Messages in a snapshot, the newest, 0 to 1000.
 * @param maxWatches Sessions that one WebSocket may watch.
 * @param maxConnections WebSockets and event streams of one replica. 0: any number.
 * @param drain Period over which a stopping replica spreads the closing of its watchers.
 * @param origins Origins whose pages may call this server, over any protocol. Empty: only pages of
 *     this server itself. {@code *}: any.
 */
@ConfigurationProperties("heddle.live")
public record LiveProperties(
    @DefaultValue("256KB") DataSize buffer,
    @DefaultValue("10s") Duration slowAfter,
    @DefaultValue("25s") Duration pingEvery,
    @DefaultValue("60s") Duration idleAfter,
    @DefaultValue("10s") Duration messageTimeout,
    @DefaultValue("15s") Duration commentEvery,
    @DefaultValue("50") int snapshotMessages,
    @DefaultValue("100") int maxWatches,
    @DefaultValue("20000") int maxConnections,
    @DefaultValue("8s") Duration drain,
    @DefaultValue List<String> origins) {

  public LiveProperties {
    origins = List.copyOf(origins);
    check(buffer.toBytes() >= 4096 && buffer.toBytes() <= 1L << 30, "buffer", "4KB to 1GB");
    check(positive(slowAfter), "slow-after", "more than 0");
    check(positive(pingEvery), "ping-every", "more than 0");
    check(idleAfter.compareTo(pingEvery) > 0, "idle-after", "more than ping-every");
    check(positive(messageTimeout), "message-timeout", "more than 0");
    check(positive(commentEvery), "comment-every", "more than 0");
    check(snapshotMessages >= 0 && snapshotMessages <= 1000, "snapshot-messages", "0 to 1000");
    check(maxWatches >= 1, "max-watches", "1 or more");
    check(maxConnections >= 0, "max-connections", "0 or more");
    check(!drain.isNegative(), "drain", "0s or more");
  }

  private static boolean positive(Duration value) {
    return value.compareTo(Duration.ZERO) > 0;
  }

  private static void check(boolean good, String name, String allowed) {
    if (!good) {
      throw new IllegalArgumentException("heddle.live." + name + " must be " + allowed);
    }
  }
}
