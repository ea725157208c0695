package io.heddle.embedded;

import java.util.concurrent.atomic.AtomicInteger;
import org.h2.mvstore.MVMap;
import org.h2.mvstore.MVStore;
import org.h2.mvstore.RootReference;
import org.jspecify.annotations.Nullable;

/**
 * The tables as of one commit. Pages are never changed in place, so the roots are enough to read
 * them beside the writer. What must not happen is that a page's place in the file is used again
 * under a reader: the snapshot holds its version of the store until the last reader has left.
 */
final class Snapshot implements Rows {

  private final MVStore store;
  private final MVMap<byte[], ?>[] maps;
  private final RootReference<byte[], ?>[] roots;
  private final MVStore.TxCounter hold;

  /** Readers, and one for being the newest; at 0 it is over. */
  private final AtomicInteger users = new AtomicInteger(1);

  Snapshot(MVStore store, MVMap<byte[], ?>[] maps, RootReference<byte[], ?>[] roots) {
    this.store = store;
    this.maps = maps;
    this.roots = roots;
    // Pages that are removed from now on are removed in this version or a later one.
    this.hold = store.registerVersionUsage();
  }

  /** False when it is over: take the newest one instead. */
  boolean enter() {
    int now = users.get();
    while (now > 0) {
      int seen = users.compareAndExchange(now, now + 1);
      if (seen == now) {
        return true;
      }
      now = seen;
    }
    return false;
  }

  void leave() {
    if (users.decrementAndGet() == 0) {
      store.deregisterVersionUsage(hold);
    }
  }

  @Override
  public <V> @Nullable V get(Table<V> table, byte[] key) {
    return LazyValue.valueOf(map(table).get(root(table).root, key));
  }

  @Override
  public <V> Scan<V> scan(
      Table<V> table, byte @Nullable [] from, byte @Nullable [] to, boolean reverse) {
    return new Scan<>(map(table).cursor(root(table), from, to, reverse));
  }

  /** How many entries a table has, without looking at them. */
  long count(Table<?> table) {
    return root(table).root.getTotalCount();
  }

  @SuppressWarnings("unchecked") // a table's map was opened with the table's codec
  private <V> MVMap<byte[], LazyValue<V>> map(Table<V> table) {
    return (MVMap<byte[], LazyValue<V>>) maps[table.ordinal()];
  }

  @SuppressWarnings("unchecked") // as above
  private <V> RootReference<byte[], LazyValue<V>> root(Table<V> table) {
    return (RootReference<byte[], LazyValue<V>>) roots[table.ordinal()];
  }
}
