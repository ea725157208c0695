package io.heddle.nearcache;

import io.heddle.base.Position;
import io.heddle.session.Change;
import io.heddle.session.PageRequest;
import io.heddle.session.ThreadPage;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Signal;

/**
 * What is known of one session since its last change: pages, and reads that are under way.
 *
 * <p>It is read by anybody, and changed only by who computes its key in the cache's map. A change
 * of the session takes the whole slot out or puts another in its place, so a read whose slot is not
 * the one in the map any more began before the change, and is not kept.
 */
final class CachedSession {

  private static final int EMPTY_WEIGHT = 512;

  private final int generation;
  private final Map<PageRequest, Value> values = new ConcurrentHashMap<>(4);
  private final Map<PageRequest, Load> loads = new ConcurrentHashMap<>(4);
  private long weight = EMPTY_WEIGHT;

  /**
   * @param generation of the partition, read before anything in the slot was
   */
  CachedSession(int generation) {
    this.generation = generation;
  }

  /**
   * @param oldest until when it may be served at most, although the session lives longer
   */
  private record Value(ThreadPage page, long oldest) {

    boolean isOver(long now) {
      return page.endsAt() - now <= 0 || oldest - now <= 0;
    }

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
    return value != null && !value.isOver(now) ? value.page : null;
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

  /**
   * Remembers the page, in the place of the oldest one if there are too many.
   *
   * @param oldest until when it may be served at most
   */
  void keep(PageRequest asked, ThreadPage page, long oldest, int most) {
    Value value = new Value(page, oldest);
    Value before = values.put(asked, value);
    weight += value.weight() - (before == null ? 0 : before.weight());
    if (values.size() > most) {
      values.entrySet().stream()
          .filter(entry -> !entry.getKey().equals(asked))
          .min((a, b) -> Long.signum(a.getValue().oldest - b.getValue().oldest))
          .ifPresent(entry -> {
            values.remove(entry.getKey());
            weight -= entry.getValue().weight();
          });
    }
  }

  /** What is left when the session is known to be at the position: the pages that show it. */
  @Nullable CachedSession at(Position position) {
    return left((_, page) -> page.session().position().equals(position) ? page : null);
  }

  /**
   * What is left after the change: the pages that show it already, and those that it says enough
   * for to be made anew.
   */
  @Nullable CachedSession after(Change.Published change) {
    return left((asked, page) ->
        page.session().position().equals(change.position())
            ? page
            : PagePatch.apply(asked, page, change));
  }

  /** Another slot, without the reads that are under way; null when nothing would be in it. */
  private @Nullable CachedSession left(
      BiFunction<PageRequest, ThreadPage, @Nullable ThreadPage> pages) {
    CachedSession left = new CachedSession(generation);
    values.forEach((asked, value) -> {
      ThreadPage page = pages.apply(asked, value.page);
      if (page != null) {
        left.keep(asked, page, value.oldest, Integer.MAX_VALUE);
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
