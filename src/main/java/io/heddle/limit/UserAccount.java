package io.heddle.limit;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** What this replica knows of one user; guarded by itself. */
final class UserAccount {

  private static final Duration IDLE = Duration.ofMinutes(5);
  private static final Duration FRESH = Duration.ofSeconds(5);
  private static final Duration LONGEST_UNTOLD = Duration.ofMinutes(1);

  /** So often in a row a count is given up because its user added something meanwhile. */
  private static final int MOST_COUNTS = 3;

  private final QuotaProperties properties;
  private final LongSupplier nanoTime;
  private final LongSupplier millis;
  final Subject subject;
  private boolean known;
  private Usage usage = new Usage(0, 0, 0, 0, 0, 0, true);
  private long sessions;
  private long threads;
  private long documents;
  private Map<Long, Long> cached = new HashMap<>();
  private Usage.@Nullable Change sent;
  private int running;
  private int waiting;
  private int runningTold;
  private int waitingTold;
  private int connections;
  private boolean news;
  private boolean counting;
  private int triedCounts;

  /** What was untold when the count began, and how often something was added since the start. */
  private long countedSessions;

  private long countedThreads;
  private long countedFrom;
  private long additions;
  private long countedAt;
  private long usedAt;
  private long toldAt;

  UserAccount(
      Subject subject, QuotaProperties properties, LongSupplier nanoTime, LongSupplier millis) {
    this.subject = subject;
    this.properties = properties;
    this.nanoTime = nanoTime;
    this.millis = millis;
    this.countedAt = nanoTime.getAsLong() - Quotas.COUNT_EVERY.toNanos();
    this.usedAt = nanoTime.getAsLong();
    this.toldAt = usedAt - Quotas.EVERY.toNanos();
  }

  synchronized void use() {
    usedAt = nanoTime.getAsLong();
  }

  synchronized void connect(int more) {
    connections += more;
  }

  synchronized int connections() {
    return connections;
  }

  synchronized void running(int more) {
    running += more;
    news = true;
  }

  synchronized void waiting(int more) {
    waiting += more;
    news = true;
  }

  /** This replica stops, and its turns with it. */
  synchronized void stop() {
    running = 0;
    waiting = 0;
  }

  synchronized void add(int moreSessions, long threadBytes, long documentBytes) {
    sessions += moreSessions;
    threads += threadBytes;
    documents += documentBytes;
    additions++;
    news = true;
    use();
  }

  /** Until the count ends nothing is told, as nobody could say whether the count has it. */
  synchronized boolean beginCount() {
    long now = nanoTime.getAsLong();
    if (counting || sent != null || now - countedAt < Quotas.COUNT_EVERY.toNanos()) {
      return false;
    }
    counting = true;
    countedAt = now;
    countedSessions = sessions;
    countedThreads = threads;
    countedFrom = additions;
    return true;
  }

  /**
   * Whether the count is of use. Not when something was added meanwhile, which it may have or not:
   * then it is counted again, unless this user never stops.
   */
  synchronized boolean counted() {
    if (additions != countedFrom && ++triedCounts < MOST_COUNTS) {
      countedAt -= Quotas.COUNT_EVERY.toNanos();
      return false;
    }
    triedCounts = 0;
    return true;
  }

  synchronized void endCount() {
    counting = false;
  }

  synchronized void addCached(long bytes, long endMillis) {
    long life = Math.max(0, endMillis - millis.getAsLong());
    // Few different ends, each later than the truth by a sixteenth of the answer's life at most.
    long grain = Math.max(60_000, Long.highestOneBit(Math.max(1, life / 16)));
    long end = (endMillis + grain - 1) / grain * grain;
    cached.merge(end, bytes, Long::sum);
    news = true;
    use();
  }

  synchronized long sessions() {
    return Math.max(0, usage.sessions() + sessions + (sent == null ? 0 : sent.sessions()));
  }

  synchronized long stored() {
    long on = sent == null ? 0 : sent.threadBytes() + sent.documentBytes();
    return Math.max(0, usage.threadBytes() + usage.documentBytes() + threads + documents + on);
  }

  synchronized long cached() {
    long sum = usage.cachedBytes();
    for (long bytes : cached.values()) {
      sum += bytes;
    }
    if (sent != null) {
      for (long bytes : sent.cachedBytes().values()) {
        sum += bytes;
      }
    }
    return Math.max(0, sum);
  }

  synchronized long allRunning() {
    return running + usage.runningElsewhere();
  }

  synchronized long allWaiting() {
    return waiting + usage.waitingElsewhere();
  }

  synchronized boolean hasNews() {
    return news || running > 0 || waiting > 0;
  }

  synchronized boolean isFresh() {
    return known && nanoTime.getAsLong() - toldAt < FRESH.toNanos();
  }

  synchronized boolean isDue(long now) {
    long since = now - toldAt;
    if (sent != null || counting || since < Quotas.EVERY.toNanos()) {
      return false;
    }
    return isLarge() || (hasNews() && (since >= LONGEST_UNTOLD.toNanos()));
  }

  /** Whether what is untold, or goes on, is more than a small part of a quota. */
  private boolean isLarge() {
    long bytes = 0;
    for (long each : cached.values()) {
      bytes += Math.abs(each);
    }
    boolean all = subject.equals(Quotas.ALL);
    return Quotas.isPart(sessions, properties.sessions())
        || Quotas.isPart(threads + documents, properties.storedBytes().toBytes())
        || Quotas.isPart(
            bytes, (all ? properties.allCachedBytes() : properties.cachedBytes()).toBytes())
        || Quotas.isPart(running, properties.runningTurns())
        || Quotas.isPart(waiting, properties.waitingTurns())
        || (news
            && (Quotas.isPart(told(true), properties.runningTurns())
                || Quotas.isPart(told(false), properties.waitingTurns())));
  }

  /** Turns that others believe to be here. */
  private int told(boolean runs) {
    return runs ? runningTold : waitingTold;
  }

  /**
   * Whether it can be forgotten.
   *
   * @param crowded whether too many are known
   */
  synchronized boolean isIdle(long now, boolean crowded) {
    return sent == null
        && !hasNews()
        && connections == 0
        && !counting
        && (crowded || now - usedAt > IDLE.toNanos());
  }

  synchronized Usage.@Nullable Change take() {
    if (sent != null || counting) {
      return null;
    }
    Usage.Change change =
        new Usage.Change(sessions, threads, documents, Map.copyOf(cached), running, waiting);
    sessions = 0;
    threads = 0;
    documents = 0;
    cached = new HashMap<>();
    news = false;
    sent = change;
    runningTold = running;
    waitingTold = waiting;
    toldAt = nanoTime.getAsLong();
    return change;
  }

  synchronized void told(Usage now) {
    sent = null;
    usage = now;
    known = true;
  }

  /** What was untold before the count is in it: told as well, it would be there twice. */
  synchronized void recounted(Usage now) {
    sessions -= countedSessions;
    threads -= countedThreads;
    usage = now;
    known = true;
  }

  synchronized void untold() {
    Usage.Change lost = sent;
    sent = null;
    if (lost != null) {
      sessions += lost.sessions();
      threads += lost.threadBytes();
      documents += lost.documentBytes();
      lost.cachedBytes().forEach((end, bytes) -> cached.merge(end, bytes, Long::sum));
      news = true;
    }
  }
}
