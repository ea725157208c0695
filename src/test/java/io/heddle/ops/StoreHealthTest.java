package io.heddle.ops;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.engine.StoreProbe;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.Status;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;

@Isolated("Its virtual time is that of all schedulers of the JVM.")
class StoreHealthTest {

  private final AtomicReference<Mono<StoreProbe.Look>> next = new AtomicReference<>();
  private final AtomicReference<Instant> now =
      new AtomicReference<>(Instant.parse("2026-01-01T00:00:00Z"));
  private final StoreProbe probe =
      new StoreProbe() {
        @Override
        public String name() {
          return "redis";
        }

        @Override
        public boolean isReady() {
          return false;
        }

        @Override
        public Mono<Long> sessions() {
          return Mono.just(0L);
        }

        @Override
        public Mono<Look> look() {
          return next.get();
        }
      };
  private final StoreHealth health = new StoreHealth(probe, now::get);

  @Test
  void isGreenWhileTheStoreAnswersAndSaysSinceWhen() {
    next.set(Mono.just(new StoreProbe.Look(Map.of("version", "7.0"), null)));

    Health first = look();
    now.set(now.get().plusSeconds(60));
    Health second = look();

    assertThat(first.getStatus()).isEqualTo(Status.UP);
    assertThat(first.getDetails())
        .containsEntry("engine", "redis")
        .containsEntry("reachable", true)
        .containsEntry("version", "7.0");
    assertThat(second.getDetails()).containsEntry("since", "2026-01-01T00:00:00.000Z");
  }

  @Test
  void isRedWhileTheStoreIsAwayAndSaysSinceWhen() {
    next.set(Mono.just(new StoreProbe.Look(Map.of(), null)));
    look();
    now.set(now.get().plusSeconds(60));
    next.set(
        Mono.error(
            Problem.of(ProblemCode.STORE_UNAVAILABLE, "Redis cannot be reached").toException()));

    Health away = look();

    assertThat(away.getStatus()).isEqualTo(Status.DOWN);
    assertThat(away.getDetails())
        .containsEntry("reachable", false)
        .containsEntry("since", "2026-01-01T00:01:00.000Z")
        .hasEntrySatisfying("fault", fault -> assertThat(fault).asString().contains("reached"));
  }

  @Test
  void isRedWhenTheStoreMayLoseSessions() {
    next.set(Mono.just(new StoreProbe.Look(Map.of(), "maxmemory-policy is allkeys-lru")));

    Health health = look();

    assertThat(health.getStatus()).isEqualTo(Status.DOWN);
    assertThat(health.getDetails())
        .containsEntry("reachable", true)
        .containsEntry("fault", "maxmemory-policy is allkeys-lru");
  }

  @Test
  void doesNotWaitForASilentStore() {
    next.set(Mono.never());

    StepVerifier.withVirtualTime(health::health)
        .thenAwait(Duration.ofSeconds(2))
        .assertNext(silent -> assertThat(silent.getStatus()).isEqualTo(Status.DOWN))
        .verifyComplete();
  }

  @Test
  void readinessWaitsForTheFirstAnswer() {
    assertThat(new StartHealth(probe).health().getStatus()).isEqualTo(Status.DOWN);
  }

  private Health look() {
    return health.health().block(Duration.ofSeconds(5));
  }
}
