package io.heddle.ops;

import io.heddle.base.SessionKey;
import io.heddle.nearcache.Coherence;
import io.heddle.session.ChangeFeed.Loss;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;

/**
 * Whether this replica follows the changes: red when trust has run out and does not come back, so
 * that every read goes to the store and pushes may be late. Neither liveness nor readiness looks at
 * it: this replica still answers, and what it answers is right.
 */
public final class CoherenceHealth implements HealthIndicator {

  /**
   * A comparison that is a little late is no outage: the next one brings trust back. With the two
   * seconds of trust a deaf link is told within three.
   */
  private static final Duration LATE = Duration.ofMillis(500);

  private final Coherence coherence;
  private final boolean enabled;

  /**
   * @param enabled whether the near cache is wanted
   */
  public CoherenceHealth(Coherence coherence, boolean enabled) {
    this.coherence = coherence;
    this.enabled = enabled;
  }

  @Override
  public Health health() {
    Coherence.Status status = coherence.status();
    String deafness = deafness(status);
    Health.Builder health = deafness == null ? Health.up() : Health.down();
    health
        .withDetail("nearCache", nearCache(status))
        .withDetail("partitions", SessionKey.PARTITIONS)
        .withDetail("untrusted", status.untrusted())
        .withDetail("gaps", coherence.gaps())
        .withDetail("mismatches", coherence.mismatches())
        .withDetail("losses", coherence.losses());
    if (deafness != null) {
      health.withDetail(
          "fault", deafness + "; nothing was proven for " + status.longest().toSeconds() + " s");
    }
    return health.build();
  }

  /** Why this replica hears nothing of the others' changes; null while it does, or cannot ever. */
  public @Nullable String deafness() {
    return deafness(coherence.status());
  }

  private static @Nullable String deafness(Coherence.Status status) {
    Loss loss = status.loss();
    return loss != Loss.UNPROVABLE && status.longest().compareTo(LATE) > 0 ? reason(loss) : null;
  }

  private String nearCache(Coherence.Status status) {
    if (!enabled) {
      return "off, because heddle.cache.enabled is false";
    }
    if (status.loss() == Loss.UNPROVABLE) {
      return "off, because the link does not speak RESP3";
    }
    if (status.untrusted() == SessionKey.PARTITIONS) {
      return "off, until something is proven";
    }
    return status.untrusted() > 0 ? "on, in part" : "on";
  }

  private static String reason(@Nullable Loss loss) {
    return switch (loss) {
      case null -> "no comparison with the store comes through";
      case CLOSED -> "the link that carries the changes is closed";
      case SILENT -> "the link that carries the changes is silent";
      case MOVED -> "the partitions have moved to another server";
      case UNPROVABLE -> "the link does not speak RESP3";
    };
  }
}
