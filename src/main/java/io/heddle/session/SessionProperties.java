package io.heddle.session;

import io.heddle.base.Bounds;
import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/**
 * What one session may be and how long things about it may take.
 *
 * @param defaultTtl how long a session lives after its last write when its creator does not say
 * @param maxMessage the largest message, as it is sent
 * @param maxRequest the largest request body
 * @param maxSession of all message bodies that are in a session
 * @param maxPage of message bodies that one page holds; it ends early, and says that there is more,
 *     but has one message at least
 * @param maxState the largest state document
 * @param checkpoints how many state documents a session keeps, the newest
 * @param checkpointBytes of those; the newest is kept whatever its size
 * @param maxNesting how deep JSON may be nested
 * @param bodyTimeout how long a request body may take to arrive
 * @param lockWait how long a write waits for somebody else's lock when its caller does not say
 * @param updateLease an update of several steps that takes longer than this is given up
 * @param forkTimeout the same for a fork; below 60 s, after which a half-built session is swept
 * @param indexEvery how often at most one replica writes a session's last activity to the index
 */
@ConfigurationProperties("heddle.session")
public record SessionProperties(
    @DefaultValue("24h") Duration defaultTtl,
    @DefaultValue("1MB") DataSize maxMessage,
    @DefaultValue("4MB") DataSize maxRequest,
    @DefaultValue("16MB") DataSize maxSession,
    @DefaultValue("1MB") DataSize maxPage,
    @DefaultValue("1MB") DataSize maxState,
    @DefaultValue("100") int checkpoints,
    @DefaultValue("8MB") DataSize checkpointBytes,
    @DefaultValue("64") int maxNesting,
    @DefaultValue("10s") Duration bodyTimeout,
    @DefaultValue("2s") Duration lockWait,
    @DefaultValue("10s") Duration updateLease,
    @DefaultValue("30s") Duration forkTimeout,
    @DefaultValue("5s") Duration indexEvery) {

  public static final Duration MIN_TTL = Duration.ofSeconds(1);
  public static final Duration MAX_TTL = Duration.ofDays(3650);
  public static final Duration MAX_WAIT = Duration.ofSeconds(60);

  /** After this a session that is still being built is taken for abandoned. */
  public static final Duration BUILD_LIFE = Duration.ofSeconds(60);

  public SessionProperties {
    Bounds.of("heddle.session")
        .within("default-ttl", defaultTtl, "1s", "3650d")
        .atLeast("max-message", maxMessage, "1B")
        .within("max-request", maxRequest, "1B", "1GB")
        .require(maxRequest.compareTo(maxMessage) >= 0, "max-request", "at least max-message")
        .within("max-session", maxSession, "1B", "1GB")
        .require(maxSession.compareTo(maxMessage) >= 0, "max-session", "at least max-message")
        .within("max-page", maxPage, "16KB", "64MB")
        .atLeast("max-state", maxState, "1B")
        .require(maxState.compareTo(maxRequest) <= 0, "max-state", "at most max-request")
        .within("checkpoints", checkpoints, 1, 10_000)
        .atLeast("checkpoint-bytes", checkpointBytes, "1B")
        .within("max-nesting", maxNesting, 2, 500)
        .positive("body-timeout", bodyTimeout)
        .within("lock-wait", lockWait, "0s", "60s")
        .within("update-lease", updateLease, "1s", "5m")
        .positive("fork-timeout", forkTimeout)
        .require(forkTimeout.compareTo(BUILD_LIFE) < 0, "fork-timeout", "below 60s")
        .positive("index-every", indexEvery);
  }

  /** What an engine is told of this. */
  public StoreLimits storeLimits() {
    return new StoreLimits(
        maxSession.toBytes(), checkpoints, checkpointBytes.toBytes(), maxPage.toBytes());
  }
}
