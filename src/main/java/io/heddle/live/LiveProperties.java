package io.heddle.live;

import java.time.Duration;
import java.util.List;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/**
 * Connections that watch sessions.
 *
 * @param buffer how much may wait in one connection before it is fed from the log instead
 * @param slowAfter a connection in which that much waits for this long is closed
 * @param pingEvery how often a WebSocket is pinged
 * @param idleAfter a WebSocket from which nothing came for this long is closed
 * @param messageTimeout within which a message that a client has begun on a WebSocket must be whole
 * @param commentEvery how often an event stream gets a comment, so that nobody on the way ends it
 * @param snapshotMessages how many messages a snapshot has, the newest
 * @param maxWatches how many sessions one WebSocket may watch
 * @param maxConnections how many WebSockets and event streams a replica takes, 0 for any number
 * @param drain over which time a replica that stops sends them away
 * @param origins the {@code Origin}s that browsers may come from; none: the server's own only;
 *     {@code *}: any
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
