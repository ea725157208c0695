package io.heddle.embedded;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Expiry;
import io.heddle.limit.Decision;
import io.heddle.limit.Reservation;
import io.heddle.limit.ReservationResult;
import io.heddle.limit.Rule;
import io.heddle.limit.Subject;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The counters of tokens, in RAM like the others: {@code limit/reserve.lua} and {@code
 * limit/settle.lua} say how they count. A subject's counters change together, under the map's lock
 * of its entry.
 */
final class TokenWindows {

  private final LongSupplier nanoTime;
  private final Cache<Subject, Counters> counters;

  TokenWindows(LongSupplier nanoTime, int subjects) {
    this.nanoTime = nanoTime;
    this.counters =
        Caffeine.newBuilder()
            .maximumSize(subjects)
            .ticker(nanoTime::getAsLong)
            .expireAfter(
                Expiry.<Subject, Counters>writing(
                    (_, all) -> Duration.ofNanos(Math.max(1, all.end(nanoTime.getAsLong())))))
            .build();
  }

  ReservationResult reserve(Subject subject, List<Rule> rules, String id, long amount) {
    List<Decision> decisions = new ArrayList<>(rules.size());
    List<Reservation.Counter> held = new ArrayList<>(rules.size());
    counters
        .asMap()
        .compute(
            subject,
            (_, before) -> {
              long now = nanoTime.getAsLong();
              Counters all = running(before, now);
              boolean fits = true;
              for (Rule rule : rules) {
                fits &= all.count(rule.name()) + Math.max(amount, 1) <= rule.limit();
              }
              for (Rule rule : rules) {
                if (fits && amount > 0) {
                  Window window = all.window(rule.name(), id, now + rule.window().toNanos());
                  window.count += amount;
                  window.open.put(id, amount);
                  held.add(new Reservation.Counter(rule.name(), rule.window(), window.name));
                }
                decisions.add(all.decision(rule, fits, amount, now));
              }
              return all.isEmpty() ? null : all;
            });
    return new ReservationResult(
        List.copyOf(decisions), held.isEmpty() ? null : new Reservation(id, amount, held));
  }

  void settle(Subject subject, Reservation reservation, long used, Duration remembered) {
    counters
        .asMap()
        .compute(
            subject,
            (_, before) -> {
              long now = nanoTime.getAsLong();
              Counters all = running(before, now);
              Long settled = all.settled.putIfAbsent(reservation.id(), now + remembered.toNanos());
              if (settled == null) {
                for (Reservation.Counter counter : reservation.counters()) {
                  settle(all, reservation, counter, used, now);
                }
              }
              return all;
            });
  }

  private static void settle(
      Counters all, Reservation reservation, Reservation.Counter counter, long used, long now) {
    Window running = all.windows.get(counter.rule());
    Long open = running == null ? null : running.open.remove(reservation.id());
    if (running != null && open != null) {
      running.count = Math.max(0, running.count + used - open);
      return;
    }
    long more;
    if (counter.window().isEmpty()) {
      more = used;
    } else if (running != null && running.name.equals(counter.window())) {
      more = 0;
    } else {
      more = Math.max(0, used - reservation.amount());
    }
    if (more > 0) {
      long end = now + counter.length().toNanos();
      all.window(counter.rule(), reservation.id() + "+", end).count += more;
    }
  }

  private static Counters running(@Nullable Counters before, long now) {
    Counters all = before == null ? new Counters() : before;
    all.windows.values().removeIf(window -> window.end - now <= 0);
    // All are remembered for the same time, so the oldest ends first.
    var oldest = all.settled.values().iterator();
    while (oldest.hasNext() && oldest.next() - now <= 0) {
      oldest.remove();
    }
    return all;
  }

  /** One subject's; changed only under the lock of its entry. */
  private static final class Counters {
    private final Map<String, Window> windows = new HashMap<>();
    private final LinkedHashMap<String, Long> settled = new LinkedHashMap<>();

    long count(String rule) {
      Window window = windows.get(rule);
      return window == null ? 0 : window.count;
    }

    Window window(String rule, String name, long end) {
      return windows.computeIfAbsent(rule, _ -> new Window(name, end));
    }

    Decision decision(Rule rule, boolean fits, long amount, long now) {
      Window window = windows.get(rule.name());
      long count = window == null ? 0 : window.count;
      boolean allowed = fits || count + Math.max(amount, 1) <= rule.limit();
      Duration left = window == null ? rule.window() : Duration.ofNanos(window.end - now);
      return new Decision(rule, allowed, Math.max(0, rule.limit() - count), left);
    }

    boolean isEmpty() {
      return windows.isEmpty() && settled.isEmpty();
    }

    /** How long anything of it lasts from now. */
    long end(long now) {
      long last = 0;
      for (Window window : windows.values()) {
        last = Math.max(last, window.end - now);
      }
      return settled.isEmpty() ? last : Math.max(last, settled.lastEntry().getValue() - now);
    }
  }

  /** One window of one rule; it ends on the monotonic clock. */
  private static final class Window {
    private final String name;
    private final long end;
    private final Map<String, Long> open = new HashMap<>();
    private long count;

    Window(String name, long end) {
      this.name = name;
      this.end = end;
    }
  }
}
