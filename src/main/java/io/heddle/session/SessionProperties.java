package io.heddle.session;

import io.heddle.base.Bounds;
import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/**
 * What one session may be and how long things about it may take.
 *
 * @param defaultTtl How long a session lives after its last write, 1s to 3650d. A session may have
 *     its own.
 * @param maxMessage Largest message, as it is sent.
 * @param maxRequest Largest request body, at most 1GB.
 * @param maxSession Size of all messages of a session, at most 1GB.
 * @param maxPage Size of the message bodies in one page, 16KB to 64MB. A page that would be larger
 *     ends early and says {@code hasMore}. It has at least one message.
 * @param maxState Largest state document, at most {@code max-request}.
 * @param checkpoints Checkpoints that a session keeps, the newest, 1 to 10000.
 * @param checkpointBytes Size of the checkpoints that a session keeps. The newest one is always
 *     kept.
 * @param maxNesting Deepest nesting of JSON, 2 to 500.
 * @param bodyTimeout How long a request body may take to arrive.
 * @param lockWait How long a write waits for a session lock of another holder, unless {@code
 *     Heddle-Wait} says otherwise, 0s to 60s.
 * @param updateLease How long an update of several steps may take, 1s to 5m.
 * @param forkTimeout How long a fork may take, below 60s.
 * @param indexEvery How often one replica writes the last activity of a session to the index. The
 *     list by activity is accurate to this time.
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
