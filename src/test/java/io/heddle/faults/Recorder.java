package io.heddle.faults;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.Collectors;

/** Writes down what clients were told, and compares it with what is there in the end. */
final class Recorder {
  /**
   * One message that was acknowledged.
   *
   * @param sentAt when it was sent first, on this JVM's monotonic clock
   * @param toldAt when the acknowledgement was there
   */
  record Acknowledged(String session, String text, String id, long seq, long sentAt, long toldAt) {}

  /** A message as it stands in a thread. */
  record Stored(String id, long seq, String text) {}

  /**
   * @param lost acknowledged and not there
   * @param doubled there more than once
   * @param moved there with another id or seq than was told, or than a page has shown
   * @param holes seqs that no message has
   * @param reordered before one that was acknowledged before it was sent
   * @param strangers there and never acknowledged
   * @param stale pages that did not show what had been acknowledged before they were asked for
   */
  record Verdict(
      long acknowledged,
      long lost,
      long doubled,
      long moved,
      long holes,
      long reordered,
      long strangers,
      long stale) {

    boolean clean() {
      return lost + doubled + moved + holes + reordered + strangers + stale == 0;
    }

    @Override
    public String toString() {
      return "acknowledged=%d lost=%d double=%d moved=%d holes=%d reordered=%d strangers=%d stale=%d"
          .formatted(acknowledged, lost, doubled, moved, holes, reordered, strangers, stale);
    }
  }

  private final ConcurrentLinkedQueue<Acknowledged> told = new ConcurrentLinkedQueue<>();
  private final LongAdder count = new LongAdder();
  private final Map<String, AtomicLong> newest = new ConcurrentHashMap<>();
  private final Map<String, Map<Long, String>> shown = new ConcurrentHashMap<>();
  private final LongAdder stale = new LongAdder();
  private final LongAdder contradictions = new LongAdder();

  void acknowledged(Acknowledged message) {
    told.add(message);
    newest(message.session()).accumulateAndGet(message.seq(), Math::max);
    count.increment();
  }

  long acknowledged() {
    return count.sum();
  }

  /** The highest seq of the session that anybody was told of. */
  long newestSeq(String session) {
    return newest(session).get();
  }

  /** What a page of a thread's end has shown, asked for when {@code newest} was the newest seq. */
  void shown(String session, long newest, List<Stored> page) {
    if (newest > 0 && (page.isEmpty() || page.getLast().seq() < newest)) {
      stale.increment();
    }
    long expected = page.isEmpty() ? 0 : page.getFirst().seq();
    for (Stored message : page) {
      String before =
          shown
              .computeIfAbsent(session, _ -> new ConcurrentHashMap<>())
              .putIfAbsent(message.seq(), message.id());
      if (before != null && !before.equals(message.id()) || message.seq() != expected++) {
        contradictions.increment();
      }
    }
  }

  /**
   * @param threads the whole thread of every session, as read when all was over
   */
  Verdict compare(Map<String, List<Stored>> threads) {
    Map<String, List<Acknowledged>> bySession =
        told.stream().collect(Collectors.groupingBy(Acknowledged::session));
    long lost = 0;
    long doubled = 0;
    long moved = contradictions.sum();
    long holes = 0;
    long reordered = 0;
    long strangers = 0;
    for (String session : bySession.keySet()) {
      if (!threads.containsKey(session)) {
        lost += bySession.get(session).size();
      }
    }
    for (var thread : threads.entrySet()) {
      List<Stored> stored = thread.getValue();
      long expected = 1;
      Map<String, List<Stored>> byText = new HashMap<>();
      for (Stored message : stored) {
        holes += message.seq() == expected ? 0 : 1;
        expected = message.seq() + 1;
        byText.computeIfAbsent(message.text(), _ -> new ArrayList<>()).add(message);
      }
      Map<String, Acknowledged> acknowledged = new HashMap<>();
      for (Acknowledged message : bySession.getOrDefault(thread.getKey(), List.of())) {
        if (acknowledged.put(message.text(), message) != null) {
          throw new IllegalStateException("Sent twice by the test: " + message.text());
        }
        List<Stored> found = byText.getOrDefault(message.text(), List.of());
        if (found.isEmpty()) {
          lost++;
        } else if (found.stream()
            .noneMatch(there -> there.id().equals(message.id()) && there.seq() == message.seq())) {
          moved++;
        }
      }
      for (var found : byText.entrySet()) {
        doubled += found.getValue().size() - 1;
        strangers += acknowledged.containsKey(found.getKey()) ? 0 : 1;
      }
      Map<Long, String> pages = shown.getOrDefault(thread.getKey(), Map.of());
      long latestSend = Long.MIN_VALUE;
      for (Stored message : stored) {
        String page = pages.get(message.seq());
        moved += page == null || page.equals(message.id()) ? 0 : 1;
        Acknowledged mine = acknowledged.get(message.text());
        if (mine != null) {
          // It was known to be there before something that stands before it was sent at all.
          reordered += latestSend != Long.MIN_VALUE && mine.toldAt() - latestSend < 0 ? 1 : 0;
          if (latestSend == Long.MIN_VALUE || mine.sentAt() - latestSend > 0) {
            latestSend = mine.sentAt();
          }
        }
      }
      moved += pages.keySet().stream().filter(seq -> seq > stored.size()).count();
    }
    return new Verdict(told.size(), lost, doubled, moved, holes, reordered, strangers, stale.sum());
  }

  private AtomicLong newest(String session) {
    return newest.computeIfAbsent(session, _ -> new AtomicLong());
  }
}
