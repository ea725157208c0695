package io.heddle.live;

import io.heddle.base.Bounds;
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
    Bounds.of("heddle.live")
        .within("buffer", buffer, "4KB", "1GB")
        .positive("slow-after", slowAfter)
        .positive("ping-every", pingEvery)
        .require(idleAfter.compareTo(pingEvery) > 0, "idle-after", "more than ping-every")
        .positive("message-timeout", messageTimeout)
        .positive("comment-every", commentEvery)
        .within("snapshot-messages", snapshotMessages, 0, 1000)
        .atLeast("max-watches", maxWatches, 1)
        .atLeast("max-connections", maxConnections, 0)
        .atLeast("drain", drain, "0s");
  }
}
