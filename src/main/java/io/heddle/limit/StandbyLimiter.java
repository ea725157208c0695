package io.heddle.limit;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * A limiter that goes on counting when the store has no room for a new counter: in this replica, by
 * the same rules. A store that is full must not be a way past the limits. While it is, each replica
 * has counters of its own for subjects that the store does not count yet; those it counts already
 * it goes on counting.
 */
public final class StandbyLimiter implements RateLimiter {

  private static final int REMEMBERED = 50_000;

  private final RateLimiter store;
  private final LongSupplier nanoTime;
  private final Cache<Counter, Window> windows =
      Caffeine.newBuilder().maximumSize(REMEMBERED).executor(Runnable::run).build();

  public StandbyLimiter(RateLimiter store) {
    this(store, System::nanoTime);
  }

  StandbyLimiter(RateLimiter store, LongSupplier nanoTime) {
    this.store = store;
    this.nanoTime = nanoTime;
  }

  /**
   * @param tokens whether it counts tokens, whose counters are apart
   */
  private record Counter(Subject subject, String rule, boolean tokens) {}

  /** Within this object's monitor. */
  private static final class Window {
    private final long end;
    private long count;

    Window(long end) {
      this.end = end;
    }
  }

  @Override
  public Mono<List<Decision>> take(Subject subject, List<Rule> rules) {
    return store
        .take(subject, rules)
        .onErrorResume(
            StandbyLimiter::isFull, _ -> Mono.fromSupplier(() -> count(subject, rules, 1, false)));
  }

  @Override
  public Mono<Lease> lease(Subject subject, List<Rule> rules, long most) {
    return store
        .lease(subject, rules, most)
        .onErrorResume(
            StandbyLimiter::isFull,
            _ ->
                Mono.fromSupplier(() -> {
                  List<Decision> said = count(subject, rules, 1, false);
                  return new Lease(said.stream().allMatch(Decision::allowed) ? 1 : 0, said);
                }));
  }

  @Override
  public Mono<Void> giveBack(Subject subject, List<Refund> permits) {
    return store.giveBack(subject, permits).doOnSubscribe(_ -> lower(subject, permits));
  }

  @Override
  public Mono<ReservationResult> reserve(
      Subject subject, List<Rule> rules, String id, long amount) {
    return store
        .reserve(subject, rules, id, amount)
        .onErrorResume(
            StandbyLimiter::isFull,
            _ ->
                Mono.fromSupplier(() -> {
                  List<Decision> said = count(subject, rules, amount, true);
                  // As if the store had not answered: whoever settles it adds what was used.
                  boolean held = said.stream().allMatch(Decision::allowed);
                  return new ReservationResult(
                      said, held ? Reservation.unknown(id, amount, rules) : null);
                }));
  }

  @Override
  public Mono<Void> settle(Subject subject, Reservation reservation, long used) {
    return store
        .settle(subject, reservation, used)
        .doOnSuccess(_ -> settleHere(subject, reservation, used));
  }

  private synchronized List<Decision> count(
      Subject subject, List<Rule> rules, long amount, boolean tokens) {
    long now = nanoTime.getAsLong();
    List<Window> found = new ArrayList<>(rules.size());
    boolean allowed = true;
    for (Rule rule : rules) {
      Counter counter = new Counter(subject, rule.name(), tokens);
      Window window = running(counter, now);
      if (window == null) {
        window = new Window(now + rule.window().toNanos());
        windows.put(counter, window);
      }
      found.add(window);
      allowed &= window.count + amount <= rule.limit();
    }
    List<Decision> said = new ArrayList<>(rules.size());
    for (int i = 0; i < rules.size(); i++) {
      Rule rule = rules.get(i);
      Window window = found.get(i);
      boolean had = window.count + amount <= rule.limit();
      if (allowed) {
        window.count += amount;
      }
      said.add(
          new Decision(
              rule,
              had,
              Math.max(0, rule.limit() - window.count),
              Duration.ofNanos(window.end - now)));
    }
    return List.copyOf(said);
  }

  private synchronized void lower(Subject subject, List<Refund> permits) {
    long now = nanoTime.getAsLong();
    for (Refund permit : permits) {
      Window window = running(new Counter(subject, permit.rule().name(), false), now);
      if (window != null) {
        window.count = Math.max(0, window.count - permit.count());
      }
    }
  }

  private synchronized void settleHere(Subject subject, Reservation reservation, long used) {
    long now = nanoTime.getAsLong();
    for (Reservation.Counter counter : reservation.counters()) {
      Window window = running(new Counter(subject, counter.rule(), true), now);
      if (window != null && counter.window().isEmpty()) {
        window.count = Math.max(0, window.count + used - reservation.amount());
      }
    }
  }

  private @Nullable Window running(Counter counter, long now) {
    Window window = windows.getIfPresent(counter);
    return window == null || window.end - now <= 0 ? null : window;
  }

  private static boolean isFull(Throwable error) {
    return ProblemException.is(error, ProblemCode.STORE_FULL);
  }
}
