package io.heddle.limit;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Caller;
import io.heddle.base.Tenant;
import io.heddle.limit.LimitProperties.RuleProperties;
import io.heddle.limit.Rule.Kind;
import io.heddle.limit.Rule.OnFailure;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import reactor.core.publisher.Mono;

/**
 * Three replicas that lease from one counter, each question 0 to 4 ms on its way there and as long
 * on its way back, by a clock that the test moves. Each admission is counted to the window that its
 * answer names.
 */
class LeasesOfManyReplicasTest {

  private static final long MILLI = 1_000_000;
  private static final long LIMIT = 1000;
  private static final Duration WINDOW = Duration.ofSeconds(5);
  private static final Duration RUN = Duration.ofSeconds(40);
  private static final Caller ANN = new Caller(Tenant.DEFAULT, "ann", "ann", false);

  /** Reads a second at one of three replicas. */
  enum Load {
    THREE_TIMES_THE_LIMIT {
      @Override
      double rate(int replica, double second) {
        return 200;
      }
    },
    BARELY_OVER_IT {
      @Override
      double rate(int replica, double second) {
        return 70;
      }
    },
    ONE_REPLICA_AFTER_THE_OTHER {
      @Override
      double rate(int replica, double second) {
        return (int) (second * 2) % 3 == replica ? 900 : 0;
      }
    },
    BURSTS {
      @Override
      double rate(int replica, double second) {
        return (second + replica * 0.1) % 1.3 < 0.25 ? 1500 : 1;
      }
    },
    TEN_TIMES_THE_LIMIT_AT_TWO {
      @Override
      double rate(int replica, double second) {
        return replica == 2 ? 3 : 1000;
      }
    };

    abstract double rate(int replica, double second);
  }

  private final AtomicLong now = new AtomicLong(1);
  private final PriorityQueue<Event> events =
      new PriorityQueue<>(Comparator.comparingLong(Event::at).thenComparing(Event::order));
  private final Counters counters = new Counters(now);
  private final TreeMap<Long, long[]> windows = new TreeMap<>();
  private Random random = new Random(1);
  private long order;
  private long reads;

  @ParameterizedTest
  @EnumSource(Load.class)
  void neverMoreThanTheLimitAndFewRefusedWrongly(Load load) {
    for (int seed = 1; seed <= 3; seed++) {
      run(load, seed);
    }
    assertThat(windows).hasSizeGreaterThan(20);
    long wrong = 0;
    for (long[] window : windows.values()) {
      assertThat(window[0]).isLessThanOrEqualTo(LIMIT);
      wrong = Math.max(wrong, Math.min(window[1], LIMIT - window[0]));
    }
    assertThat(wrong)
        .as("refused although not all was used, in one window")
        .isLessThanOrEqualTo(50);
    assertThat(counters.calls).isLessThan((int) (reads / 2));
  }

  private void run(Load load, int seed) {
    random = new Random(seed);
    List<Limits> replicas = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      Limits limits =
          new Limits(
              new Slow(),
              new LimitProperties(
                  true,
                  Duration.ofMillis(250),
                  OnFailure.ALLOW,
                  Map.of(
                      "requests",
                      new RuleProperties(Kind.REQUESTS, LIMIT, WINDOW, List.of(), null))),
              now::get);
      replicas.add(limits);
    }
    long start = now.get();
    for (long at = 0; at < RUN.toNanos(); at += MILLI) {
      for (int i = 0; i < 3; i++) {
        Limits limits = replicas.get(i);
        if (random.nextDouble() < load.rate(i, at / 1e9) / 1000) {
          after(start + at + random.nextLong(MILLI) - now.get(), () -> read(limits));
        }
        if (at % (25 * MILLI) == 0) {
          after(start + at - now.get(), limits::tick);
        }
      }
    }
    while (!events.isEmpty()) {
      Event next = events.poll();
      now.set(next.at());
      next.work().run();
    }
    // The next run begins with a new window.
    now.addAndGet(WINDOW.multipliedBy(2).toNanos());
  }

  private void read(Limits limits) {
    reads++;
    int before = counters.calls;
    long at = now.get();
    limits
        .admit(ANN, false, "/x")
        .subscribe(admission -> {
          long end = admission.askedAt() + admission.decisions().getFirst().resetAfter().toNanos();
          long[] window = window(end);
          window[admission.allowed() ? 0 : 1]++;
          if (admission.allowed() && now.get() == at && counters.calls == before) {
            assertThat(at).as("a leased permit is used in its window").isLessThan(window[2]);
          }
        });
  }

  /** Ends as replicas see them are early by how long a question takes, and windows last 5 s. */
  private long[] window(long end) {
    long exact = counters.end(end, WINDOW.toNanos() / 2);
    return windows.computeIfAbsent(exact, key -> new long[] {0, 0, key});
  }

  private void after(long nanos, Runnable work) {
    events.add(new Event(now.get() + nanos, order++, work));
  }

  private record Event(long at, long order, Runnable work) {}

  /** The counters, some milliseconds away. */
  private final class Slow implements RateLimiter {
    @Override
    public Mono<List<Decision>> take(Subject subject, List<Rule> rules) {
      return far(counters.take(subject, rules));
    }

    @Override
    public Mono<Lease> lease(Subject subject, List<Rule> rules, long most) {
      return far(Mono.defer(() -> counters.lease(subject, rules, most)));
    }

    @Override
    public Mono<Void> giveBack(Subject subject, List<Refund> permits) {
      return far(counters.giveBack(subject, permits));
    }

    @Override
    public Mono<ReservationResult> reserve(
        Subject subject, List<Rule> rules, String id, long amount) {
      return far(counters.reserve(subject, rules, id, amount));
    }

    @Override
    public Mono<Void> settle(Subject subject, Reservation reservation, long used) {
      return far(counters.settle(subject, reservation, used));
    }

    private <T> Mono<T> far(Mono<T> question) {
      return Mono.create(sink ->
          after(
              random.nextLong(4 * MILLI),
              () -> {
                T answer = question.block();
                after(random.nextLong(4 * MILLI), () -> sink.success(answer));
              }));
    }
  }
}
