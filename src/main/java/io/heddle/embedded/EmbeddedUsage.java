package io.heddle.embedded;

import io.heddle.limit.Subject;
import io.heddle.limit.Usage;
import io.heddle.limit.UsageStore;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import reactor.core.publisher.Mono;

/**
 * What users have, in RAM: after a start their sessions are counted once more when they come, and
 * what is cached is bounded by the store's own limit. There is no other replica whose turns could
 * count.
 */
final class EmbeddedUsage implements UsageStore {

  private static final int REMEMBERED = 100_000;

  private final InstantSource clock;

  // Guarded by this.
  private final Map<Subject, Kept> all = new HashMap<>();

  EmbeddedUsage(InstantSource clock) {
    this.clock = clock;
  }

  @Override
  public Mono<Usage> add(Subject subject, String replica, Usage.Change change) {
    return Mono.fromSupplier(() -> {
      synchronized (this) {
        Kept kept = of(subject);
        kept.sessions = Math.max(0, kept.sessions + change.sessions());
        kept.threads = Math.max(0, kept.threads + change.threadBytes());
        kept.documents = Math.max(0, kept.documents + change.documentBytes());
        change.cachedBytes().forEach(kept::cache);
        return kept.usage(clock.millis());
      }
    });
  }

  @Override
  public Mono<Usage> put(Subject subject, Usage.Counted counted, long mostDocuments) {
    return Mono.fromSupplier(() -> {
      synchronized (this) {
        Kept kept = of(subject);
        kept.sessions = counted.sessions();
        kept.threads = counted.threadBytes();
        kept.documents = Math.min(kept.documents, mostDocuments);
        kept.counted = true;
        return kept.usage(clock.millis());
      }
    });
  }

  private Kept of(Subject subject) {
    if (all.size() >= REMEMBERED && !all.containsKey(subject)) {
      // They are counted again when they come back.
      all.keySet().removeIf(other -> !other.name().isEmpty());
    }
    return all.computeIfAbsent(subject, _ -> new Kept());
  }

  private static final class Kept {
    private long sessions;
    private long threads;
    private long documents;
    private boolean counted;
    private final TreeMap<Long, Long> cached = new TreeMap<>();

    void cache(long end, long bytes) {
      if (bytes >= 0) {
        cached.merge(end, bytes, Long::sum);
        return;
      }
      // It was added at its end, or somewhat later.
      for (Map.Entry<Long, Long> later : cached.tailMap(end).entrySet()) {
        if (later.getValue() >= -bytes) {
          later.setValue(later.getValue() + bytes);
          return;
        }
      }
    }

    Usage usage(long now) {
      cached.headMap(now, true).clear();
      long bytes = 0;
      for (long each : cached.values()) {
        bytes += each;
      }
      return new Usage(sessions, threads, documents, bytes, 0, 0, counted);
    }
  }
}
