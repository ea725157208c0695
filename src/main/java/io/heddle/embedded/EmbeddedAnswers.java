package io.heddle.embedded;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Expiry;
import io.heddle.answercache.AnswerStore;
import io.heddle.base.Tenant;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Answers in the store; who computes one is in RAM, because he dies with this process. A claim ends
 * after the commit of what was computed, so whoever claims next finds it.
 */
final class EmbeddedAnswers implements AnswerStore {

  private final StoreWriter writer;
  private final SnapshotReads reads;
  private final InstantSource clock;
  private final long bound;
  private final Cache<Name, Claim> claims =
      Caffeine.newBuilder()
          .expireAfter(
              Expiry.<Name, Claim>writing(
                  (_, claim) -> Duration.ofNanos(Math.max(1, claim.end - System.nanoTime()))))
          .build();

  /**
   * @param bound bytes of all answers
   */
  EmbeddedAnswers(StoreWriter writer, SnapshotReads reads, InstantSource clock, long bound) {
    this.writer = writer;
    this.reads = reads;
    this.clock = clock;
    this.bound = bound;
  }

  @Override
  public Mono<Answer> get(Tenant tenant, String key) {
    byte[] at = Keys.answer(tenant, key);
    return reads.read(rows -> {
      long now = clock.millis();
      StoredRecords.Cached found = CachedAnswers.find(rows, at, now);
      return found == null ? null : answer(found, now);
    });
  }

  @Override
  public Mono<Kept> put(Tenant tenant, String key, String contentType, byte[] body, Duration life) {
    byte[] at = Keys.answer(tenant, key);
    return writer
        .<Kept>submit(tx -> {
          Gone before = gone(CachedAnswers.find(tx, at, tx.now()));
          StoredRecords.Cached next =
              new StoredRecords.Cached(contentType, tx.now(), tx.now() + life.toMillis(), body);
          CachedAnswers.put(tx, at, next, bound);
          return new Kept(answer(next, tx.now()), before);
        })
        .doOnSuccess(_ -> claims.invalidate(new Name(tenant, key)));
  }

  @Override
  public Mono<Gone> take(Tenant tenant, String key) {
    byte[] at = Keys.answer(tenant, key);
    return writer
        .<Optional<Gone>>submit(tx -> {
          Gone before = gone(CachedAnswers.find(tx, at, tx.now()));
          CachedAnswers.remove(tx, at, tx.now());
          return Optional.ofNullable(before);
        })
        .<Gone>flatMap(Mono::justOrEmpty)
        .doOnSuccess(_ -> claims.invalidate(new Name(tenant, key)));
  }

  @Override
  public Mono<Boolean> claim(Tenant tenant, String key, String owner, Duration lease) {
    return Mono.fromSupplier(() -> {
      Claim held =
          claims
              .asMap()
              .compute(
                  new Name(tenant, key),
                  (_, before) -> {
                    long now = System.nanoTime();
                    return before == null || before.end - now <= 0 || before.owner.equals(owner)
                        ? new Claim(owner, now + lease.toNanos())
                        : before;
                  });
      return held.owner.equals(owner);
    });
  }

  @Override
  public Mono<Void> release(Tenant tenant, String key, String owner) {
    return Mono.fromRunnable(() ->
        claims
            .asMap()
            .computeIfPresent(
                new Name(tenant, key), (_, held) -> held.owner.equals(owner) ? null : held));
  }

  private static @Nullable Gone gone(StoredRecords.@Nullable Cached stored) {
    return stored == null
        ? null
        : new Gone(
            AnswerStore.size(stored.contentType(), stored.body().length),
            Instant.ofEpochMilli(stored.expiresAt()));
  }

  private static Answer answer(StoredRecords.Cached stored, long now) {
    return new Answer(
        stored.contentType(),
        stored.body(),
        Instant.ofEpochMilli(stored.storedAt()),
        Instant.ofEpochMilli(stored.expiresAt()),
        Instant.ofEpochMilli(now));
  }

  private record Name(Tenant tenant, String key) {}

  /** Who computes, and until when by the monotonic clock. */
  private record Claim(String owner, long end) {}
}
