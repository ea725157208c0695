package io.heddle.nearcache;

import io.heddle.base.SessionKey;
import io.heddle.session.Change;
import io.heddle.session.ChangeFeed;
import io.heddle.session.ChangeFeed.Loss;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;

/**
 * Follows the changes of all partitions and knows of each whether it has followed them whole. What
 * is remembered of a session is forgotten first, then its followers are told, so whoever reads
 * because it was told reads what is new.
 *
 * <p>A comparison proves that everything the store had executed when the question was sent has been
 * seen; it is believed for {@link ChangeFeed#TRUST}.
 */
public final class Coherence implements ChangeFeed.Listener {

  private static final Logger log = LoggerFactory.getLogger(Coherence.class);
  private static final long TRUST_NANOS = ChangeFeed.TRUST.toNanos();

  private final PartitionView[] partitions = new PartitionView[SessionKey.PARTITIONS];
  private final LongAdder gaps = new LongAdder();
  private final LongAdder mismatches = new LongAdder();
  private final LongAdder losses = new LongAdder();
  private volatile Consumer<Change.Published> forget = _ -> {};

  public Coherence() {
    Arrays.setAll(partitions, _ -> new PartitionView());
  }

  /** Who follows one session. Called on the feed's thread, which must not be blocked. */
  public interface Follower {

    /** The next change, or one whose {@code previousTag} shows that something is missing. */
    void changed(Change.Published change);

    /** Changes may be missing: what happened since must be read from the log. */
    void missed();
  }

  /** Tells the follower of the session's changes until it is disposed. */
  public Disposable follow(SessionKey key, Follower follower) {
    Map<SessionKey, List<Follower>> followers = partitions[key.partition()].followers;
    followers.compute(
        key,
        (_, all) -> {
          List<Follower> mine = all == null ? new CopyOnWriteArrayList<>() : all;
          mine.add(follower);
          return mine;
        });
    return () ->
        followers.computeIfPresent(
            key,
            (_, all) -> {
              all.remove(follower);
              return all.isEmpty() ? null : all;
            });
  }

  /** Whether everything that happened to the session until two seconds ago has been told. */
  public boolean isTrusted(SessionKey key) {
    return partitions[key.partition()].isTrusted(System.nanoTime());
  }

  /** The partitions of which nothing is proven now, with the reason: null when it ran out. */
  public Status status() {
    long now = System.nanoTime();
    int untrusted = 0;
    long longest = 0;
    Loss loss = null;
    for (PartitionView partition : partitions) {
      if (!partition.isTrusted(now)) {
        untrusted++;
        longest = Math.max(longest, partition.overdue(now));
        Loss why = partition.loss();
        loss = why == null ? loss : why;
      }
    }
    return new Status(untrusted, Duration.ofNanos(longest), loss);
  }

  /**
   * @param untrusted of how many partitions nothing is proven now
   * @param longest since the last proof of any of these ran out
   * @param loss why, if the link said so
   */
  public record Status(int untrusted, Duration longest, @Nullable Loss loss) {}

  /** Sessions that are followed now. */
  public int followed() {
    return Arrays.stream(partitions).mapToInt(partition -> partition.followers.size()).sum();
  }

  /** Changes that did not follow the one before, since the start. */
  public long gaps() {
    return gaps.sum();
  }

  /** Comparisons that showed that something had been missed, since the start. */
  public long mismatches() {
    return mismatches.sum();
  }

  /** How often a link was lost, counted once a partition, since the start. */
  public long losses() {
    return losses.sum();
  }

  /** Who remembers sessions, and forgets what a change makes old before anybody is told of it. */
  void setInvalidationHook(Consumer<Change.Published> memory) {
    forget = memory;
  }

  PartitionView partition(int partition) {
    return partitions[partition];
  }

  @Override
  public void changed(Change.Published change) {
    int number = change.session().partition();
    PartitionView partition = partitions[number];
    boolean known = !partition.isUnknown();
    if (!partition.follow(change.partitionSeq())) {
      if (known) {
        gaps.increment();
        log.debug("partition {}: a hole before change {}", number, change.partitionSeq());
        missed(partition);
      }
    } else {
      forget.accept(change);
    }
    List<Follower> told = partition.followers.get(change.session());
    if (told != null) {
      told.forEach(follower -> follower.changed(change));
    }
  }

  @Override
  public void compared(int number, long seq, long askedAt) {
    PartitionView partition = partitions[number];
    boolean known = !partition.isUnknown();
    if (!partition.compare(seq, askedAt + TRUST_NANOS)) {
      if (known) {
        mismatches.increment();
        log.debug("partition {}: the store is at change {}, something was missed", number, seq);
      }
      missed(partition);
    }
  }

  @Override
  public void lost(int number, Loss loss) {
    losses.increment();
    partitions[number].lose(loss);
    missed(partitions[number]);
  }

  private static void missed(PartitionView partition) {
    partition.followers.values().forEach(told -> told.forEach(Follower::missed));
  }
}
