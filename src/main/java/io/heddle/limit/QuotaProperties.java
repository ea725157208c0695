package io.heddle.limit;

import io.heddle.base.Bounds;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/**
 * How much one user may have at once; 0 for any number. A caller without a user is a backend that
 * speaks for many: only the totals bind it.
 *
 * @param runningTurns Running turns of one user, on all replicas. 0: any number.
 * @param waitingTurns Waiting turns of one user, on all replicas. 0: any number.
 * @param connections WebSockets and event streams of one user, on each replica. 0: any number.
 * @param sessions Sessions of one user. 0: any number.
 * @param storedBytes Messages, state documents and checkpoints of one user. 0: any size.
 * @param cachedBytes Cached answers of one user, those of models included. 0: any size.
 * @param allCachedBytes Cached answers of all callers, with or without a user. 0: any size.
 */
@ConfigurationProperties("heddle.quotas")
public record QuotaProperties(
    @DefaultValue("200") int runningTurns,
    @DefaultValue("500") int waitingTurns,
    @DefaultValue("500") int connections,
    @DefaultValue("100000") long sessions,
    @DefaultValue("2GB") DataSize storedBytes,
    @DefaultValue("64MB") DataSize cachedBytes,
    @DefaultValue("1GB") DataSize allCachedBytes) {

  /** None at all. */
  static final QuotaProperties NONE =
      new QuotaProperties(
          0, 0, 0, 0, DataSize.ofBytes(0), DataSize.ofBytes(0), DataSize.ofBytes(0));

  public QuotaProperties {
    Bounds.of("heddle.quotas")
        .atLeast("running-turns", runningTurns, 0)
        .atLeast("waiting-turns", waitingTurns, 0)
        .atLeast("connections", connections, 0)
        .atLeast("sessions", sessions, 0)
        .atLeast("stored-bytes", storedBytes, "0B")
        .atLeast("cached-bytes", cachedBytes, "0B")
        .atLeast("all-cached-bytes", allCachedBytes, "0B");
  }
}
