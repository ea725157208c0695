package io.heddle.faults;

import io.heddle.base.Position;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionTimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * What was acknowledged to writers, shown to readers and delivered to watchers, with the times on
 * this JVM's monotonic clock. {@link Verdict#of} says what is wrong with it.
 *
 * <p>Safe for use by many threads.
 */
final class History {
  /** How old an answer may be. */
  static final Duration FRESH = Duration.ofSeconds(2);

  /**
   * A write that was acknowledged.
   *
   * @param text what the write made the thread end with, or null when it was no append
   */
  record Write(
      String session, Position position, @Nullable String text, long sentAt, long toldAt) {}

  /**
   * An answer to a read.
   *
   * @param replica which one answered
   * @param condition the position in {@code If-None-Match}, or null
   * @param shown the position in the answer, or null when it showed no session
   * @param text what the thread ends with in the answer, or null when it had no thread
   * @param cache what {@code Heddle-Cache} said, or empty
   */
  record Read(
      String replica,
      String session,
      int status,
      @Nullable Position condition,
      @Nullable Position shown,
      @Nullable String text,
      String cache,
      long askedAt,
      long toldAt) {

    boolean ok() {
      return status == 200 || status == 304;
    }
  }

  /**
   * What a watcher was sent about one session; in the watcher's own order.
   *
   * @param position of a durable change, a snapshot or a gap; null of a {@code watch}
   */
  record Frame(String type, @Nullable Position position, long at) {
    static final String WATCH = "watch";

    /** The watch begins, or goes on, from there; nowhere is null. */
    static Frame watch(@Nullable Position since, long at) {
      return new Frame(WATCH, since, at);
    }
  }

  /** One watcher's frames of one session; the thread that reads its connection adds to it. */
  static final class Watched {
    final String watcher;
    final String session;
    private final ConcurrentLinkedQueue<Frame> frames = new ConcurrentLinkedQueue<>();
    private volatile @Nullable Position newest;

    /** Whether it is still watching, and must have seen everything. */
    private volatile boolean left;

    private Watched(String watcher, String session) {
      this.watcher = watcher;
      this.session = session;
    }

    void add(Frame frame) {
      frames.add(frame);
      if (frame.position() != null) {
        newest = frame.position();
      }
    }

    /** The position of the last frame that was processed. */
    @Nullable Position newest() {
      return newest;
    }

    List<Frame> frames() {
      return List.copyOf(frames);
    }

    long count(String type) {
      return frames.stream().filter(frame -> frame.type().equals(type)).count();
    }

    /** It went away before the end, so what came later is not missing. */
    void leave() {
      left = true;
    }

    boolean hasLeft() {
      return left;
    }
  }

  /** From then on only what was written later is true: the data were removed by other hands. */
  record Reset(long at) {}

  private final ConcurrentLinkedQueue<Write> writes = new ConcurrentLinkedQueue<>();
  private final ConcurrentLinkedQueue<Read> reads = new ConcurrentLinkedQueue<>();
  private final ConcurrentLinkedQueue<Watched> watched = new ConcurrentLinkedQueue<>();
  private final Map<String, Position> newest = new ConcurrentHashMap<>();
  private volatile @Nullable Reset reset;

  void acknowledged(Write write) {
    writes.add(write);
    newest.merge(write.session(), write.position(), (a, b) -> a.version() > b.version() ? a : b);
  }

  void read(Read read) {
    reads.add(read);
  }

  Watched watch(String watcher, String session) {
    Watched begun = new Watched(watcher, session);
    watched.add(begun);
    return begun;
  }

  /**
   * From now on only this is true of what was acknowledged: somebody removed the rest. What is
   * written while this is called may count for either side, so nobody should write.
   */
  void reset(List<Write> left) {
    reset = new Reset(System.nanoTime());
    writes.clear();
    newest.clear();
    left.forEach(this::acknowledged);
  }

  /** The highest position of the session that anybody was told of. */
  @Nullable Position newest(String session) {
    return newest.get(session);
  }

  Position newestOf(String session) {
    return Objects.requireNonNull(newest.get(session), session);
  }

  long acknowledged() {
    return writes.size();
  }

  List<Write> writes() {
    return List.copyOf(writes);
  }

  List<Read> reads() {
    return List.copyOf(reads);
  }

  List<Watched> watched() {
    return List.copyOf(watched);
  }

  @Nullable Reset lastReset() {
    return reset;
  }

  /** Whether every watcher that has not left has the newest change of its session. */
  boolean allWatchersHaveEverything() {
    return watched.stream()
        .allMatch(one -> one.hasLeft() || atLeast(one.newest(), newest.get(one.session)));
  }

  /** Waits for that, and no longer than this: what is missing then, the verdict says. */
  void awaitWatchers(Duration most) {
    try {
      Awaitility.await()
          .atMost(most)
          .pollInterval(Duration.ofMillis(50))
          .until(this::allWatchersHaveEverything);
    } catch (ConditionTimeoutException missing) {
      // Then something is lost.
    }
  }

  private static boolean atLeast(@Nullable Position seen, @Nullable Position wanted) {
    return wanted == null || (seen != null && seen.version() >= wanted.version());
  }

  Verdict verdict() {
    return Verdict.of(this);
  }
}
