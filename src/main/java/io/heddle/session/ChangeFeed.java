package io.heddle.session;

import java.time.Duration;
import reactor.core.Disposable;

/**
 * The changes of every session, from any replica, as the store publishes them, and the comparisons
 * that prove that none is missing.
 */
public interface ChangeFeed {

  /**
   * How long a comparison is believed, from when it was asked for. An answer that is built from
   * what was told shows everything that the store had executed this long before; until it is over,
   * a silent link has cost nobody anything.
   */
  Duration TRUST = Duration.ofSeconds(2);

  /**
   * Tells the listener from now on, until it is disposed. At most once a change: what is published
   * while the link is away is lost, which {@link Listener#lost}, a hole in {@link
   * Change.Published#partitionSeq()} or the next {@link Listener#compared} shows.
   *
   * <p>All calls about one partition come one after the other, in the store's order, on an engine
   * thread that must not be blocked. Before its first {@link Listener#compared} nothing is known
   * about a partition.
   */
  Disposable listen(Listener listener);

  /** Who is told. What it throws is logged and harms nobody else. */
  interface Listener {

    void changed(Change.Published change);

    /**
     * The store said, over the same link and in order with the changes, that the partition's newest
     * change has this number. Whatever the store executed before {@code askedAt} and was not told
     * of by now is missing, if the number is another than that of the last one told.
     *
     * @param askedAt when the question was sent, by {@link System#nanoTime()}
     */
    void compared(int partition, long seq, long askedAt);

    /** From now on changes of the partition may be missing, until it is compared again. */
    void lost(int partition, Loss loss);
  }

  /** Why a partition's changes may be missing. */
  enum Loss {
    /** The connection was closed. */
    CLOSED,
    /** The connection is there and nothing answers on it. */
    SILENT,
    /** The partition is served by another server now, or by the same one with other data. */
    MOVED,
    /** The link cannot carry comparisons (it does not speak RESP3), so nothing can be proven. */
    UNPROVABLE
  }
}
