package io.heddle.limit;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import reactor.core.publisher.Mono;

/** A limiter on the test's clock, for one thread. */
final class Counters implements RateLimiter {
  private final AtomicLong now;
  private final Map<String, long[]> counts = new HashMap<>();
  private final ArrayDeque<Long> ends = new ArrayDeque<>();
  final List<Refund> gaveBack = new ArrayList<>();
  final List<String> settled = new ArrayList<>();
  int calls;
  boolean silent;
  boolean failing;

  Counters(AtomicLong now) {
    this.now = now;
  }

  @Override
  public Mono<List<Decision>> take(Subject subject, List<Rule> rules) {
    return Mono.defer(() -> count(subject, rules));
  }

  private Mono<List<Decision>> count(Subject subject, List<Rule> rules) {
    calls++;
    if (silent) {
      return Mono.never();
    }
    if (failing) {
      return Mono.error(away());
    }
    boolean all = rules.stream().allMatch(rule -> window(subject, rule)[0] < rule.limit());
    List<Decision> decisions = new ArrayList<>();
    for (Rule rule : rules) {
      long[] window = window(subject, rule);
      boolean allowed = window[0] < rule.limit();
      if (all) {
        window[0]++;
      }
      decisions.add(
          new Decision(
              rule, allowed, rule.limit() - window[0], Duration.ofNanos(window[1] - now.get())));
    }
    return Mono.just(decisions);
  }

  @Override
  public Mono<Lease> lease(Subject subject, List<Rule> rules, long most) {
    return take(subject, rules)
        .map(decisions -> {
          if (!decisions.stream().allMatch(Decision::allowed)) {
            return new Lease(0, decisions);
          }
          long more = most - 1;
          for (Rule rule : rules) {
            more = Math.clamp(rule.leasable() - window(subject, rule)[0], 0, more);
          }
          for (Rule rule : rules) {
            window(subject, rule)[0] += more;
          }
          return new Lease(1 + more, RunningLease.since(decisions, -more, 0));
        });
  }

  @Override
  public Mono<Void> giveBack(Subject subject, List<Refund> permits) {
    return Mono.fromRunnable(() -> {
      for (Refund permit : permits) {
        gaveBack.add(permit);
        long[] window = counts.get(subject + permit.rule().name());
        long off = window == null ? 0 : window[1] - now.get() - permit.left().toNanos();
        if (window != null && Math.abs(off) <= permit.tolerance().toNanos()) {
          window[0] -= permit.count();
        }
      }
    });
  }

  @Override
  public Mono<ReservationResult> reserve(
      Subject subject, List<Rule> rules, String id, long amount) {
    return Mono.defer(() -> {
      calls++;
      if (silent || failing) {
        return silent ? Mono.never() : Mono.error(away());
      }
      List<Decision> decisions = new ArrayList<>();
      List<Reservation.Counter> held = new ArrayList<>();
      boolean all =
          rules.stream()
              .allMatch(rule -> window(subject, rule)[0] + Math.max(1, amount) <= rule.limit());
      for (Rule rule : rules) {
        long[] window = window(subject, rule);
        boolean allowed = window[0] + Math.max(1, amount) <= rule.limit();
        window[0] += all ? amount : 0;
        decisions.add(
            new Decision(
                rule, allowed, rule.limit() - window[0], Duration.ofNanos(window[1] - now.get())));
        held.add(new Reservation.Counter(rule.name(), rule.window(), "w" + window[1]));
      }
      return Mono.just(
          new ReservationResult(
              decisions, all && amount > 0 ? new Reservation(id, amount, held) : null));
    });
  }

  @Override
  public Mono<Void> settle(Subject subject, Reservation reservation, long used) {
    return Mono.defer(() -> {
      calls++;
      if (silent || failing) {
        return silent ? Mono.never() : Mono.error(away());
      }
      settled.add(reservation.id() + "=" + used);
      return Mono.empty();
    });
  }

  private static ProblemException away() {
    return Problem.of(ProblemCode.STORE_UNAVAILABLE, "the store is away").toException();
  }

  long count(Subject subject, String rule) {
    return counts.get(subject + rule)[0];
  }

  /** When the window ended, or ends, that ended about then. */
  long end(long about, long off) {
    return ends.stream().filter(end -> Math.abs(end - about) <= off).findFirst().orElseThrow();
  }

  private long[] window(Subject subject, Rule rule) {
    String key = subject + rule.name();
    long[] window = counts.get(key);
    if (window == null || window[1] <= now.get()) {
      window = new long[] {0, now.get() + rule.window().toNanos()};
      counts.put(key, window);
      ends.addFirst(window[1]);
    }
    return window;
  }
}
