package io.heddle.nearcache;

import io.heddle.base.SessionKey;
import io.heddle.session.ChangeFeed;
import io.heddle.session.ChangeFeed.Loss;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * What this replica has seen of one partition: how far its changes were followed without a hole,
 * and until when that is proven.
 *
 * <p>Written by one thread at a time, in the feed's order; read by any. The generation is raised
 * before anything else is done about a drop, so that who reads it first and the values afterwards
 * never takes an older value for a newer one.
 */
final class PartitionView {

  private static final long UNKNOWN = -1;

  private volatile int generation;
  private volatile boolean trusted;

  /** As if proven when it began: the first comparison may take as long as any other. */
  private volatile long trustedUntil = System.nanoTime() + ChangeFeed.TRUST.toNanos();

  private volatile @Nullable Loss loss = Loss.CLOSED;
  private long last = UNKNOWN;

  /** Who follows sessions of this partition; changed by any thread. */
  final Map<SessionKey, List<Coherence.Follower>> followers = new ConcurrentHashMap<>();

  /** Counts the drops. What was read under another generation than this must not be used. */
  int generation() {
    return generation;
  }

  /** Whether everything the store had executed two seconds ago is known to have been seen. */
  boolean isTrusted(long nanoTime) {
    return trusted && trustedUntil - nanoTime > 0;
  }

  /** How long nothing has been proven; negative while the last proof would still hold. */
  long overdue(long nanoTime) {
    return nanoTime - trustedUntil;
  }

  /** Why nothing is known now, or null while comparisons come. */
  @Nullable Loss loss() {
    return loss;
  }

  /**
   * Follows a change; false when it is not the next one, and what was known was dropped. Before the
   * first comparison no change is the next one, and none makes the partition known: what happened
   * while the link was away would be passed over.
   */
  boolean follow(long seq) {
    boolean next = seq == last + 1 && last != UNKNOWN;
    if (last != UNKNOWN) {
      last = seq;
    }
    if (!next) {
      drop();
    }
    return next;
  }

  /** Takes the store's count; false when it is another than what was seen. */
  boolean compare(long seq, long trustedUntil) {
    boolean equal = seq == last;
    if (!equal) {
      drop();
    }
    last = seq;
    this.trustedUntil = trustedUntil;
    loss = null;
    trusted = true;
    return equal;
  }

  /** Forgets everything; the next comparison only begins anew. */
  void lose(Loss loss) {
    trusted = false;
    this.loss = loss;
    last = UNKNOWN;
    drop();
  }

  boolean isUnknown() {
    return last == UNKNOWN;
  }

  @SuppressWarnings("NonAtomicVolatileUpdate") // one thread writes
  private void drop() {
    generation++;
  }
}
