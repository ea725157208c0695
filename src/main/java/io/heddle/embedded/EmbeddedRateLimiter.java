package io.heddle.embedded;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Expiry;
import io.heddle.limit.Decision;
import io.heddle.limit.Lease;
import io.heddle.limit.RateLimiter;
import io.heddle.limit.Refund;
import io.heddle.limit.Reservation;
import io.heddle.limit.ReservationResult;
import io.heddle.limit.Rule;
import io.heddle.limit.Subject;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Counters in RAM, on the monotonic clock. They end with the process, and a new one starts a new
 * window for everybody. A subject's counters change together, under the map's lock of its entry.
 */
final class EmbeddedRateLimiter implements RateLimiter {

  /** So many subjects at once; of more than that the longest unused start a new window. */
  private static final int SUBJECTS = 200_000;

  private final LongSupplier nanoTime;
  private final Cache<Subject, Map<String, Window>> windows;
  private final TokenWindows tokens;

  EmbeddedRateLimiter() {
    this(System::nanoTime);
  }

  EmbeddedRateLimiter(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
    this.tokens = new TokenWindows(nanoTime, SUBJECTS);
    this.windows =
        Caffeine.newBuilder()
            .maximumSize(SUBJECTS)
            .ticker(nanoTime::getAsLong)
            .expireAfter(Expiry.<Subject, Map<String, Window>>writing((_, all) -> life(all)))
            .build();
  }

  @Override
  public Mono<List<Decision>> take(Subject subject, List<Rule> rules) {
    return Mono.fromSupplier(() -> count(subject, rules, 1).decisions());
  }

  @Override
  public Mono<Lease> lease(Subject subject, List<Rule> rules, long most) {
    return Mono.fromSupplier(() -> count(subject, rules, most));
  }

  private Lease count(Subject subject, List<Rule> rules, long most) {
    List<Decision> decisions = new ArrayList<>(rules.size());
    AtomicLong permits = new AtomicLong();
    windows
        .asMap()
        .compute(
            subject,
            (_, before) -> {
              long now = nanoTime.getAsLong();
              Map<String, Window> all = running(before, now);
              long many = permits(all, rules, most);
              for (Rule rule : rules) {
                if (many > 0) {
                  count(all, rule, many, now);
                }
                decisions.add(decision(all, rule, many > 0, now));
              }
              permits.set(many);
              return all;
            });
    return new Lease(permits.get(), List.copyOf(decisions));
  }

  @Override
  public Mono<Void> giveBack(Subject subject, List<Refund> permits) {
    return Mono.fromRunnable(() ->
        windows
            .asMap()
            .computeIfPresent(
                subject,
                (_, before) -> {
                  long now = nanoTime.getAsLong();
                  Map<String, Window> all = running(before, now);
                  permits.forEach(permit -> lower(all, permit, now));
                  return all;
                }));
  }

  @Override
  public Mono<ReservationResult> reserve(
      Subject subject, List<Rule> rules, String id, long amount) {
    return Mono.fromSupplier(() -> tokens.reserve(subject, rules, id, amount));
  }

  @Override
  public Mono<Void> settle(Subject subject, Reservation reservation, long used) {
    return Mono.fromRunnable(() -> tokens.settle(subject, reservation, used, SETTLED_FOR));
  }

  /** How many may be counted under each rule, 0 when one of them has none left. */
  private static long permits(Map<String, Window> all, List<Rule> rules, long most) {
    long many = most;
    for (Rule rule : rules) {
      long count = count(all, rule);
      if (count >= rule.limit()) {
        return 0;
      }
      many = Math.min(many, Math.max(1, rule.leasable() - count));
    }
    return many;
  }

  private static void count(Map<String, Window> all, Rule rule, long many, long now) {
    all.compute(
        rule.name(),
        (_, window) ->
            window == null
                ? new Window(many, now + rule.window().toNanos())
                : new Window(window.count() + many, window.end()));
  }

  private static Decision decision(Map<String, Window> all, Rule rule, boolean counted, long now) {
    Window window = all.get(rule.name());
    long remaining = rule.limit() - (window == null ? 0 : window.count());
    Duration left = window == null ? rule.window() : Duration.ofNanos(window.end() - now);
    return new Decision(rule, counted || remaining > 0, Math.max(0, remaining), left);
  }

  private static void lower(Map<String, Window> all, Refund permit, long now) {
    Window window = all.get(permit.rule().name());
    if (window == null || window.count() == 0) {
      return;
    }
    Duration off = Duration.ofNanos(window.end() - now).minus(permit.left()).abs();
    if (off.compareTo(permit.tolerance()) <= 0) {
      all.put(
          permit.rule().name(),
          new Window(Math.max(0, window.count() - permit.count()), window.end()));
    }
  }

  private static long count(Map<String, Window> all, Rule rule) {
    Window window = all.get(rule.name());
    return window == null ? 0 : window.count();
  }

  private static Map<String, Window> running(@Nullable Map<String, Window> before, long now) {
    Map<String, Window> all = new HashMap<>();
    if (before != null) {
      before.forEach((rule, window) -> {
        if (window.end() - now > 0) {
          all.put(rule, window);
        }
      });
    }
    return all;
  }

  private Duration life(Map<String, Window> all) {
    long now = nanoTime.getAsLong();
    return Duration.ofNanos(
        all.values().stream().mapToLong(window -> window.end() - now).max().orElse(1));
  }

  /** What was counted, and when the window ends on the monotonic clock. */
  private record Window(long count, long end) {}
}
