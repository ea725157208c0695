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
