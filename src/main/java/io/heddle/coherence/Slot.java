package io.heddle.coherence;

import io.heddle.base.Position;
import io.heddle.session.PageRequest;
import io.heddle.session.ThreadPage;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Signal;

/**
 * What is known of one session since its last change: pages, and reads that are under way.
 *
 * <p>It is read by anybody, and changed only by who computes its key in the cache's map. A change
 * of the session takes the whole slot out or puts another in its place, so a read whose slot is not
 * the one in the map any more began before the change, and is not kept.
 */
final class Slot {

  private static final int EMPTY_WEIGHT = 512;

  private final int generation;
  private final Map<PageRequest, Value> values = new ConcurrentHashMap<>(4);
  private final Map<PageRequest, Load> loads = new ConcurrentHashMap<>(4);
  private long weight = EMPTY_WEIGHT;

  /**
   * @param generation of the partition, read before anything in the slot was
   */
  Slot(int generation) {
    this.generation = generation;
  }

  /** A page that may be served until {@code endsAt}. */
  private record Value(ThreadPage page, long endsAt) {

    /** The messages, and the JSON that is made of them. */
    long weight() {
      return 2L * page.weight();
    }
  }

  /** One read, and all who wait for it. */
  static final class Load {
    private final long begunAt;
    private final CompletableFuture<Signal<ThreadPage>> result = new CompletableFuture<>();

    Load(long begunAt) {
      this.begunAt = begunAt;
    }

    long begunAt() {
      return begunAt;
    }

    CompletableFuture<Signal<ThreadPage>> result() {
      return result;
    }
  }

  int generation() {
    return generation;
  }

  /** The page, if it is known and may still be served. */
  @Nullable ThreadPage page(PageRequest asked, long now) {
    Value value = values.get(asked);
    return value != null && value.endsAt - now > 0 ? value.page : null;
  }

  @Nullable Load load(PageRequest asked) {
    return loads.get(asked);
  }

  /** The read that is under way, or else this one. */
  Load join(PageRequest asked, Load load) {
    Load other = loads.putIfAbsent(asked, load);
    return other == null ? load : other;
  }

  void ended(PageRequest asked, Load load) {
    loads.remove(asked, load);
  }

  /** Remembers the page, in the place of the one that ends first if there are too many. */
  void keep(PageRequest asked, ThreadPage page, long endsAt, int most) {
    Value value = new Value(page, endsAt);
    Value before = values.put(asked, value);
    weight += value.weight() - (before == null ? 0 : before.weight());
    if (values.size() > most) {
      values.entrySet().stream()
          .filter(entry -> !entry.getKey().equals(asked))
          .min((a, b) -> Long.signum(a.getValue().endsAt - b.getValue().endsAt))
          .ifPresent(entry -> {
            values.remove(entry.getKey());
            weight -= entry.getValue().weight();
          });
    }
  }

  /**
   * What is left of the slot when the session is known to be at the position: the pages that show
   * it already, and none of the reads under way. Null when nothing is.
   */
  @Nullable Slot at(Position position) {
    Slot left = new Slot(generation);
    values.forEach((asked, value) -> {
      if (value.page.session().position().equals(position)) {
        left.keep(asked, value.page, value.endsAt, Integer.MAX_VALUE);
      }
    });
    return left.isEmpty() ? null : left;
  }

  boolean isEmpty() {
    return values.isEmpty() && loads.isEmpty();
  }

  /** About how many bytes it takes. */
  int weight() {
    return (int) Math.min(Integer.MAX_VALUE, weight);
  }
}
