package io.heddle.faults;

import io.heddle.faults.History.Read;
import io.heddle.faults.History.Write;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Where the answers came from.
 *
 * @param repeated reads of what the same replica had just shown, with no write between, outside the
 *     windows of faults
 * @param hits those of them that asked nobody
 * @param bypasses answers that went past the cache, in the windows too
 * @param bypassed from the first to the last of them on a replica, the longest stretch without an
 *     answer of the cache's own
 */
record CacheUse(long repeated, long hits, long bypasses, Duration bypassed) {

  /** A page is remembered for 30 s at most. */
  private static final long REMEMBERED = Duration.ofSeconds(25).toNanos();

  /** When a fault was there. */
  record Window(long from, long to) {}

  double rate() {
    return repeated == 0 ? 0 : (double) hits / repeated;
  }

  @Override
  public String toString() {
    return "repeated=%d hit=%.1f%% bypasses=%d bypassed=%dms"
        .formatted(repeated, 100 * rate(), bypasses, bypassed.toMillis());
  }

  static CacheUse of(History history, Window... faults) {
    Map<String, List<Write>> writes =
        history.writes().stream().collect(Collectors.groupingBy(Write::session));
    Map<String, List<Read>> byReplica =
        history.reads().stream().collect(Collectors.groupingBy(Read::replica));
    long repeated = 0;
    long hits = 0;
    long bypasses = 0;
    long longest = 0;
    for (List<Read> reads : byReplica.values()) {
      List<Read> inOrder = reads.stream().sorted(Comparator.comparingLong(Read::askedAt)).toList();
      longest = Math.max(longest, longestBypass(inOrder));
      Map<String, Read> last = new HashMap<>();
      for (Read read : inOrder) {
        if (!read.ok()) {
          continue;
        }
        bypasses += read.cache().equals("bypass") ? 1 : 0;
        Read before = last.get(read.session());
        if (before == null || before.toldAt() <= read.askedAt()) {
          last.put(read.session(), read);
        }
        if (before != null
            && before.toldAt() <= read.askedAt()
            && isQuiet(before, read, writes.getOrDefault(read.session(), List.of()), faults)) {
          repeated++;
          hits += read.cache().equals("hit") ? 1 : 0;
        }
      }
    }
    return new CacheUse(repeated, hits, bypasses, Duration.ofNanos(longest));
  }

  private static boolean isQuiet(Read before, Read read, List<Write> writes, Window... faults) {
    if (read.askedAt() - before.askedAt() > REMEMBERED) {
      return false;
    }
    for (Window fault : faults) {
      if (read.toldAt() > fault.from() && before.askedAt() < fault.to()) {
        return false;
      }
    }
    return writes.stream()
        .noneMatch(write -> write.toldAt() > before.askedAt() && write.sentAt() < read.toldAt());
  }

  private static long longestBypass(List<Read> reads) {
    long longest = 0;
    List<Read> stretch = new ArrayList<>();
    for (Read read : reads) {
      if (read.cache().equals("bypass")) {
        stretch.add(read);
        longest = Math.max(longest, read.toldAt() - stretch.getFirst().askedAt());
      } else if (read.ok()) {
        stretch.clear();
      }
    }
    return longest;
  }
}
