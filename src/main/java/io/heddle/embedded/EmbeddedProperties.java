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
 * @param path the file that keeps the sessions, with its journal beside it; the directory is made
 *     when missing; empty to keep them in RAM, where they end with the process
 * @param sync what an acknowledged write survives: {@code process} the death of this process,
 *     {@code disk} that of the machine too, at the price of one fsync a group of writes
 * @param commitDelay a group of writes takes what is waiting for at most this long before it is
 *     committed; 0 commits each write alone. At most 2 ms
 * @param queue writes, and as many reads, that may wait; one more is refused with 503
 * @param cache pages of the file kept in RAM
 * @param readThreads threads that read
 * @param sweepEvery how often expired sessions are looked for
 * @param onDamage what happens when the journal has a damaged place before writes that were
 *     answered: {@code stop} does not start and changes nothing, {@code salvage} starts with what
 *     stands before it and keeps the journal beside the file
 * @param answers how large all cached answers may be together; those that end soonest make room
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
