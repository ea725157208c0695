package io.heddle.embedded;

import io.heddle.base.Bounds;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/**
 * The embedded engine.
 *
 * @param path File that holds the sessions. Its journal is beside it while Heddle runs. Heddle
 *     creates the directory. Empty: sessions are kept in RAM and end with the process.
 * @param sync What an acknowledged write survives: {@code process}, the death of the process, or
 *     {@code disk}, also a power cut, at the price of one fsync for each group of writes.
 * @param commitDelay How long writes are gathered into one commit, at most 2ms. 0 commits each
 *     write alone.
 * @param queue Writes that may wait, and reads that may wait. One more is refused with 503.
 * @param cache Pages of the file that are kept in RAM, at least 1MB.
 * @param readThreads Threads that read.
 * @param sweepEvery How often expired sessions are swept.
 * @param onDamage What happens at the start when the journal is damaged before acknowledged writes.
 *     {@code stop} does not start, changes nothing and names the place. {@code salvage} starts with
 *     everything before the damage and keeps the journal as {@code .journal.damaged}.
 * @param answers Size of all cached answers together. The ones that end soonest make room.
 */
@ConfigurationProperties("heddle.embedded")
public record EmbeddedProperties(
    @DefaultValue("data/heddle.mv") String path,
    @DefaultValue("process") Sync sync,
    @DefaultValue("2ms") Duration commitDelay,
    @DefaultValue("10000") int queue,
    @DefaultValue("64MB") DataSize cache,
    @DefaultValue("2") int readThreads,
    @DefaultValue("1s") Duration sweepEvery,
    @DefaultValue("stop") OnDamage onDamage,
    @DefaultValue("64MB") DataSize answers) {

  /** What an acknowledged write survives. */
  public enum Sync {
    PROCESS,
    DISK
  }

  /** What happens to a journal that is damaged. */
  public enum OnDamage {
    STOP,
    SALVAGE
  }

  public EmbeddedProperties {
    Bounds.of("heddle.embedded")
        .within("commit-delay", commitDelay, "0s", "2ms")
        .atLeast("queue", queue, 1)
        .atLeast("cache", cache, "1MB")
        .atLeast("read-threads", readThreads, 1)
        .atLeast("sweep-every", sweepEvery, "1ms")
        .atLeast("answers", answers, "1KB");
  }

  /** Every default, and this path: empty for RAM. */
  public static EmbeddedProperties at(String path) {
    return new EmbeddedProperties(
        path,
        Sync.PROCESS,
        Duration.ofMillis(2),
        10_000,
        DataSize.ofMegabytes(64),
        2,
        Duration.ofSeconds(1),
        OnDamage.STOP,
        DataSize.ofMegabytes(64));
  }

  /** The file, or null for RAM. */
  @Nullable Path file() {
    return path.isBlank() ? null : Path.of(path).toAbsolutePath().normalize();
  }
}
