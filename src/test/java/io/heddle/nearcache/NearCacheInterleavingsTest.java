package io.heddle.nearcache;

import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.session.Change;
import io.heddle.session.PageRequest;
import io.heddle.session.ReadContext;
import io.heddle.session.ThreadPage;
import io.heddle.testing.Interleavings;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.jetbrains.lincheck.datastructures.Operation;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;
import org.springframework.util.unit.DataSize;
import reactor.core.publisher.Mono;

/**
 * The same promise as {@link NearCacheRaceTest}'s, over every way in which a writer, its change and
 * two readers can overtake each other in a few steps: who asks after a change was told is not
 * answered with less.
 */
@Isolated("The model checker rewrites classes of the whole JVM.")
class NearCacheInterleavingsTest {

  @Test
  void nobodyIsAnsweredWithLessThanWasTold() {
    Interleavings.check(Model.class, Spec.class);
  }

  /** One session, its store, its feed and its cache. */
  public static final class Model {
    private final SessionKey key = new SessionKey(Tenant.DEFAULT, "one");
    private final AtomicLong version = new AtomicLong(1);
    private final AtomicLong told = new AtomicLong(1);
    private volatile boolean stale;
    private final Coherence coherence = new Coherence();
    private final NearCache cache =
        new NearCache(
            new Store(),
            coherence,
            new CoherenceProperties(true, DataSize.ofMegabytes(1), Duration.ofSeconds(30), 2));

    public Model() {
      coherence.compared(key.partition(), 0, System.nanoTime());
    }

    @Operation(nonParallelGroup = "feed")
    public boolean write() {
      long next = version.incrementAndGet();
      coherence.changed(
          new Change.Published(
              key,
              next - 1,
              FakeStore.position(next - 1).tag(),
              FakeStore.position(next),
              new Change.Counters(next, next, next, FakeStore.TIME, FakeStore.TIME),
              null));
      told.set(next);
      return true;
    }

    @Operation
    public boolean read() {
      long least = told.get();
      // It may be answered on the other thread, whose read of the store serves both.
      cache
          .load(key, ReadContext.ANY, PageRequest.NONE)
          .subscribe(page -> stale |= page.session().position().version() < least);
      return !stale;
    }

    private final class Store extends PagesOnly {
      @Override
      public Mono<ThreadPage> load(SessionKey asked, ReadContext view, PageRequest page) {
        return Mono.fromSupplier(() -> {
          long at = version.get();
          return new ThreadPage(
              FakeStore.session(asked, null, FakeStore.position(at)),
              List.of(),
              false,
              System.nanoTime() + Duration.ofHours(1).toNanos());
        });
      }
    }
  }

  /** Writes are done and reads are not stale, whatever came first. */
  public static final class Spec {
    public boolean write() {
      return true;
    }

    public boolean read() {
      return true;
    }
  }
}
