package io.heddle.nearcache;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.RemovalCause;
import io.heddle.base.Position;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.nearcache.CachedSession.Load;
import io.heddle.session.Change;
import io.heddle.session.Outcome;
import io.heddle.session.PageReader;
import io.heddle.session.PageRequest;
import io.heddle.session.ReadContext;
import io.heddle.session.SessionReader;
import io.heddle.session.SessionWriter;
import io.heddle.session.ThreadPage;
import io.heddle.session.ThreadPage.Origin;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Signal;

/**
 * Remembers the first and last pages of threads that were read here, and reads each of them once
 * however many ask at the same time.
 *
 * <p>It is not stale, because:
 *
 * <ul>
 *   <li>a change of a session takes its {@link CachedSession} out of the map before anybody is told
 *       of the change, or puts one in its place that shows the change. Whoever asks afterwards
 *       finds neither a page nor a read from before it;
 *   <li>a read is kept only if its slot is still the one in the map, which is looked up and filled
 *       in one atomic step;
 *   <li>a slot is used only in the generation of its partition that it began in;
 *   <li>and only while the partition is trusted. Else everybody reads from the store, nobody joins
 *       anybody's read, and nothing is kept.
 * </ul>
 */
public final class NearCache implements PageReader {

  private final SessionReader reader;
  private final Coherence coherence;
  private final CoherenceProperties properties;
  private final LongSupplier nanoTime;
  private final Cache<SessionKey, CachedSession> slots;
  private final LongAdder hits = new LongAdder();
  private final LongAdder misses = new LongAdder();
  private final LongAdder bypasses = new LongAdder();
  private final LongAdder overtaken = new LongAdder();
  private final LongAdder evictions = new LongAdder();

  public NearCache(SessionReader reader, Coherence coherence, CoherenceProperties properties) {
    this(reader, coherence, properties, System::nanoTime);
  }

  NearCache(
      SessionReader reader,
      Coherence coherence,
      CoherenceProperties properties,
      LongSupplier nanoTime) {
    this.reader = reader;
    this.coherence = coherence;
    this.properties = properties;
    this.nanoTime = nanoTime;
    this.slots =
        Caffeine.newBuilder()
            .maximumWeight(properties.maxBytes().toBytes())
            .weigher((SessionKey _, CachedSession slot) -> slot.weight())
            .expireAfterWrite(properties.maxAge())
            .ticker(nanoTime::getAsLong)
            // Tidying up takes less than to wake another thread for it every few hits.
            .executor(Runnable::run)
            .evictionListener((_, _, cause) -> {
              if (cause == RemovalCause.SIZE) {
                evictions.increment();
              }
            })
            .build();
    coherence.setInvalidationHook(this::forget);
  }

  @Override
  public Mono<ThreadPage> load(SessionKey key, ReadContext view, PageRequest page) {
    // A cursor is one reader's place in a thread: nobody else asks for the same page.
    return properties.enabled() && page.after() == null && page.before() == null
        ? Mono.defer(() -> find(key, view, page))
        : readThrough(key, view, page);
  }

  /**
   * The same writer, which also forgets here what it made old. Coherence does not need it: the
   * change will be told. But a client that is answered first and reads again at once, from the same
   * replica, would else see its session without what it has just written.
   */
  public SessionWriter forgetting(SessionWriter writer) {
    return (key, write, conditions) ->
        writer
            .apply(key, write, conditions)
            .doOnNext(outcome -> {
              if (outcome instanceof Outcome.Applied applied) {
                Position position = applied.head().position();
                slots.asMap().computeIfPresent(key, (_, slot) -> slot.at(position));
              }
            });
  }

  /** Reads that were answered without asking the store, since the start. */
  public long hits() {
    return hits.sum();
  }

  /** Reads that asked the store for what may be remembered, or waited for one that did. */
  public long misses() {
    return misses.sum();
  }

  /** Reads that went past what is remembered. */
  public long bypasses() {
    return bypasses.sum();
  }

  /** Answers that were not kept because something may have changed while they were read. */
  public long overtaken() {
    return overtaken.sum();
  }

  /** Sessions that were forgotten because there was no room for them. */
  public long evictions() {
    return evictions.sum();
  }

  /** About how much is remembered. */
  public long bytes() {
    return slots.policy().eviction().orElseThrow().weightedSize().orElse(0);
  }

  /** Does at once what is left to be done later. */
  void tidy() {
    slots.cleanUp();
  }

  private Mono<ThreadPage> find(SessionKey key, ReadContext view, PageRequest page) {
    PartitionView partition = coherence.partition(key.partition());
    long now = nanoTime.getAsLong();
    // Trust, generation, slot, in this order: a drop raises the generation before anything is
    // trusted again, and a slot that is read last is not older than what was proven.
    if (!partition.isTrusted(now)) {
      return readThrough(key, view, page);
    }
    int generation = partition.generation();
    CachedSession slot = slots.getIfPresent(key);
    if (slot == null || slot.generation() != generation) {
      return begin(key, view, page, partition, now);
    }
    ThreadPage known = slot.page(page, now);
    if (known != null) {
      if (!suits(known, view)) {
        return readThrough(key, view, page);
      }
      hits.increment();
      return Mono.just(known);
    }
    Load underWay = slot.load(page);
    return underWay == null
        ? begin(key, view, page, partition, now)
        : join(key, view, page, underWay);
  }

  private Mono<ThreadPage> begin(
      SessionKey key, ReadContext view, PageRequest page, PartitionView partition, long now) {
    Read mine = new Read(key, page, partition, now);
    Load load = mine.register();
    if (load == mine.load) {
      // For everybody, so without the asker's terms; and nobody's hanging up ends it.
      Mono.defer(() -> reader.load(key, ReadContext.ANY, page))
          .materialize()
          .subscribe(mine::ended);
    }
    return join(key, view, page, load);
  }

  private Mono<ThreadPage> join(SessionKey key, ReadContext view, PageRequest page, Load load) {
    return Mono.fromFuture(load.result(), true)
        .flatMap(signal -> {
          ThreadPage loaded = signal.get();
          if (loaded == null ? isTombstone(signal) && view.owner() != null : !suits(loaded, view)) {
            return readThrough(key, view, page);
          }
          misses.increment();
          return Mono.just(signal).dematerialize();
        });
  }

  /** For the store to decide: about another owner's session, and about positions. */
  private Mono<ThreadPage> readThrough(SessionKey key, ReadContext view, PageRequest page) {
    bypasses.increment();
    return reader.load(key, view, page);
  }

  private static boolean suits(ThreadPage page, ReadContext view) {
    String owner = view.owner();
    Position atLeast = view.atLeast();
    return (owner == null || owner.equals(page.session().description().user()))
        && (atLeast == null || atLeast.equals(page.session().position()));
  }

  /** What is told to the session's owner only. */
  private static boolean isTombstone(Signal<ThreadPage> signal) {
    Throwable error = signal.getThrowable();
    return error != null
        && (ProblemException.is(error, ProblemCode.SESSION_DELETED)
            || ProblemException.is(error, ProblemCode.SESSION_EXPIRED));
  }

  private void forget(Change.Published change) {
    slots.asMap().computeIfPresent(change.session(), (_, slot) -> slot.after(change));
  }

  /** One read of the store. */
  private final class Read {
    private final SessionKey key;
    private final PageRequest page;
    private final PartitionView partition;
    private final Load load;
    private @Nullable CachedSession slot;

    Read(SessionKey key, PageRequest page, PartitionView partition, long now) {
      this.key = key;
      this.page = page;
      this.partition = partition;
      this.load = new Load(now);
    }

    /** Enters the read, unless somebody else's is under way: the one to wait for. */
    Load register() {
      Load[] first = new Load[1];
      slot =
          slots
              .asMap()
              .compute(
                  key,
                  (_, there) -> {
                    int generation = partition.generation();
                    CachedSession now =
                        there != null && there.generation() == generation
                            ? there
                            : new CachedSession(generation);
                    first[0] = now.join(page, load);
                    return now;
                  });
      return first[0];
    }

    void ended(Signal<ThreadPage> signal) {
      ThreadPage loaded = signal.get();
      Signal<ThreadPage> told = loaded == null ? signal : Signal.next(loaded.from(Origin.MISS));
      try {
        boolean[] kept = new boolean[1];
        slots
            .asMap()
            .computeIfPresent(
                key,
                (_, there) -> {
                  if (there == slot) {
                    there.ended(page, load);
                    kept[0] = loaded != null && keep(there, loaded);
                  }
                  return there.isEmpty() ? null : there;
                });
        if (loaded != null && !kept[0]) {
          overtaken.increment();
        }
      } finally {
        load.result().complete(told);
      }
    }

    private boolean keep(CachedSession there, ThreadPage loaded) {
      if (there.generation() != partition.generation()
          || !partition.isTrusted(nanoTime.getAsLong())) {
        return false;
      }
      long oldest = load.begunAt() + properties.maxAge().toNanos();
      there.keep(page, loaded.from(Origin.HIT), oldest, properties.pagesPerSession());
      return true;
    }
  }
}
