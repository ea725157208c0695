package io.heddle.nearcache;

import static io.heddle.nearcache.FakeStore.position;
import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.session.Change;
import io.heddle.session.PageRequest;
import io.heddle.session.ReadContext;
import io.heddle.session.ThreadPage;
import io.heddle.session.ThreadPage.Origin;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.PriorityBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.springframework.util.unit.DataSize;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoSink;

/**
 * Writers, a feed, reads of the store that come back late and in any order, and readers, all at
 * once, on real threads. Whatever they do, who asks after a change was told must not be answered
 * with less; and whoever is given a page again must be given what was proven.
 */
class NearCacheRaceTest {

  private static final int SESSIONS = 6;
  private static final int READERS = 3;
  private static final PageRequest[] PAGES = {
    PageRequest.NONE, PageRequest.last(50), PageRequest.forward(50, null)
  };

  private final long seed = System.nanoTime();
  private final List<SessionKey> keys = onePartition();
  private final int partition = keys.getFirst().partition();
  private final Coherence coherence = new Coherence();
  private final LateStore store = new LateStore();
  private final NearCache cache =
      new NearCache(
          store,
          coherence,
          // Little room, so that slots are also thrown out while they are used.
          new CoherenceProperties(true, DataSize.ofKilobytes(20), Duration.ofSeconds(30), 2));

  /** What the feed has told, as versions: an answer asked for afterwards must not be below. */
  private final AtomicLongArray told = new AtomicLongArray(SESSIONS);

  private final AtomicBoolean over = new AtomicBoolean();
  private final List<String> stale = Collections.synchronizedList(new ArrayList<>());
  private final AtomicLong answers = new AtomicLong();
  private final AtomicLong hits = new AtomicLong();

  /** How changes come to this replica. */
  enum Link {
    /** Every one, in order. */
    WHOLE,
    /** Some get lost; the next one, or the next comparison, shows it. */
    LOSSY
  }

  @ParameterizedTest
  @EnumSource(Link.class)
  void nobodyIsAnsweredWithLessThanWasTold(Link link) throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(READERS + 2);
    try {
      List<Future<?>> running = new ArrayList<>();
      running.add(threads.submit(() -> feed(link)));
      running.add(threads.submit(store::answerLate));
      for (int i = 0; i < READERS; i++) {
        Random random = new Random(seed + i);
        running.add(threads.submit(() -> read(random)));
      }
      running.getFirst().get(60, TimeUnit.SECONDS);
      for (Future<?> one : running) {
        one.get(60, TimeUnit.SECONDS);
      }
    } finally {
      over.set(true);
      threads.shutdownNow();
    }
    assertThat(stale).as("seed " + seed).isEmpty();
    assertThat(answers).hasPositiveValue();
    assertThat(hits.get()).as("hits of " + answers + " answers").isGreaterThan(1000);
    assertThat(cache.overtaken()).as("reads that a change overtook").isPositive();
  }

  @Test
  void theModelFindsACacheThatIsStale() {
    // A change that is told to the followers and forgotten nowhere, as if the hook were missing.
    coherence.setInvalidationHook(_ -> {});
    coherence.compared(partition, 0, System.nanoTime());
    AtomicLong version = new AtomicLong();
    store.immediate = true;
    version.set(ask(0));
    store.versions.set(0, 5);
    coherence.changed(change(0, 5, 1));
    assertThat(ask(0)).isEqualTo(version.get()).isLessThan(5);
  }

  /** Writes, and tells of what was written; asks for comparisons. */
  private void feed(Link link) {
    Random random = new Random(seed);
    long seq = 0;
    coherence.compared(partition, seq, System.nanoTime());
    boolean hole = false;
    for (int i = 0; i < 25_000; i++) {
      int session = random.nextInt(SESSIONS);
      long version = store.versions.incrementAndGet(session);
      seq++;
      boolean lost = link == Link.LOSSY && random.nextInt(100) == 0;
      if (!lost) {
        pause(random, 200);
        coherence.changed(change(session, version, seq));
        told.set(session, version);
      }
      boolean compared = random.nextInt(100) == 0;
      if (compared) {
        coherence.compared(partition, seq, System.nanoTime());
      }
      // What was lost is known of from the next change or comparison on.
      boolean known = compared || !lost;
      for (int j = 0; hole && known && j < SESSIONS; j++) {
        told.set(j, store.versions.get(j));
      }
      hole = lost && !compared || hole && !known;
      pause(random, 2000);
    }
    over.set(true);
  }

  private void read(Random random) {
    while (!over.get()) {
      int session = random.nextInt(SESSIONS);
      PageRequest page = PAGES[random.nextInt(PAGES.length)];
      long least = told.get(session);
      cache
          .load(keys.get(session), ReadContext.ANY, page)
          .subscribe(found -> {
            answers.incrementAndGet();
            if (found.origin() == Origin.HIT) {
              hits.incrementAndGet();
            }
            long version = found.session().position().version();
            if (version < least) {
              stale.add(found.origin() + ": told of " + least + ", answered " + version);
            }
          });
      pause(random, 500);
    }
  }

  private long ask(int session) {
    return cache
        .load(keys.get(session), ReadContext.ANY, PageRequest.NONE)
        .map(page -> page.session().position().version())
        .block(Duration.ofSeconds(5));
  }

  private Change.Published change(int session, long version, long seq) {
    return new Change.Published(
        keys.get(session),
        seq,
        position(version - 1).tag(),
        position(version),
        new Change.Counters(version, version, version, FakeStore.TIME, FakeStore.TIME),
        null);
  }

  private static void pause(Random random, int most) {
    for (int i = random.nextInt(most); i > 0; i--) {
      Thread.onSpinWait();
    }
  }

  /** Sessions of one partition. */
  private static List<SessionKey> onePartition() {
    List<SessionKey> found = new ArrayList<>();
    for (int i = 0; found.size() < SESSIONS; i++) {
      SessionKey key = new SessionKey(Tenant.DEFAULT, "race" + i);
      if (found.isEmpty() || key.partition() == found.getFirst().partition()) {
        found.add(key);
      }
    }
    return found;
  }

  /** Reads at once and answers later: what it answers may be old by then. */
  private final class LateStore extends PagesOnly {

    private final AtomicLongArray versions = new AtomicLongArray(SESSIONS);
    private final PriorityBlockingQueue<Late> late = new PriorityBlockingQueue<>();
    private volatile boolean immediate;

    /** An answer on its way. */
    private record Late(long at, MonoSink<ThreadPage> sink, ThreadPage page)
        implements Comparable<Late> {
      @Override
      public int compareTo(Late other) {
        return Long.compare(at, other.at);
      }
    }

    void answerLate() {
      while (!over.get()) {
        Late next = late.peek();
        if (next == null || next.at - System.nanoTime() > 0) {
          Thread.onSpinWait();
          continue;
        }
        next = late.poll();
        next.sink.success(next.page);
      }
    }

    @Override
    public Mono<ThreadPage> load(SessionKey key, ReadContext view, PageRequest page) {
      return Mono.create(sink -> {
        long now = System.nanoTime();
        long version = versions.get(keys.indexOf(key));
        ThreadPage found =
            new ThreadPage(
                FakeStore.session(key, null, position(version)),
                List.of(FakeStore.message(version, 20)),
                false,
                now + Duration.ofHours(1).toNanos());
        if (immediate) {
          sink.success(found);
        } else {
          late.add(new Late(now + (now >>> 3) % 100_000, sink, found));
        }
      });
    }
  }
}
