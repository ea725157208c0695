package io.heddle.faults;

import io.heddle.base.Position;
import io.heddle.faults.History.Frame;
import io.heddle.faults.History.Read;
import io.heddle.faults.History.Reset;
import io.heddle.faults.History.Watched;
import io.heddle.faults.History.Write;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What is wrong with a history.
 *
 * @param lost changes that a watcher was never sent, neither as a frame nor in a snapshot after a
 *     gap
 * @param repeated changes that a watcher was sent again
 * @param reordered frames older than the one before
 * @param stale answers that showed less than what was acknowledged two seconds before they were
 *     asked for
 * @param wrong304 stale answers, and answers of another history, that said "unchanged"
 * @param strange positions of another history than the acknowledged one or that nobody wrote, and
 *     answers whose thread is not that of their position
 * @param unexplained gaps and snapshots nobody asked for: a gap without a snapshot, a snapshot
 *     without a gap
 * @param gaps gaps that were told, as the protocol wants them
 * @param examples the first few of everything that is wrong, in words
 */
record Verdict(
    long acknowledged,
    long reads,
    long frames,
    long lost,
    long repeated,
    long reordered,
    long stale,
    long wrong304,
    long strange,
    long unexplained,
    long gaps,
    List<String> examples) {

  boolean clean() {
    return lost + repeated + reordered + stale + wrong304 + strange + unexplained == 0;
  }

  /** For one line of output. */
  @Override
  public String toString() {
    return "lost=%d repeated=%d reordered=%d stale=%d wrong304=%d strange=%d unexplained=%d gaps=%d"
            .formatted(lost, repeated, reordered, stale, wrong304, strange, unexplained, gaps)
        + "; acknowledged=%d reads=%d frames=%d".formatted(acknowledged, reads, frames)
        + (examples.isEmpty() ? "" : " " + examples);
  }

  static Verdict of(History history) {
    return new Checker(history).check();
  }

  private static final class Checker {
    private static final int EXAMPLES = 8;

    private final History history;
    private final @Nullable Reset reset;
    private final Map<String, Map<Long, Write>> byVersion = new HashMap<>();

    /** Of each session, by when they were told: the highest version told until then. */
    private final Map<String, NavigableMap<Long, Long>> told = new HashMap<>();

    private final List<String> examples = new ArrayList<>();
    private long lost;
    private long repeated;
    private long reordered;
    private long stale;
    private long wrong304;
    private long strange;
    private long unexplained;
    private long gaps;
    private long frames;

    Checker(History history) {
      this.history = history;
      this.reset = history.lastReset();
      Map<String, List<Write>> bySession =
          history.writes().stream().collect(Collectors.groupingBy(Write::session));
      bySession.forEach((session, writes) -> {
        Map<Long, Write> versions = new HashMap<>();
        NavigableMap<Long, Long> highest = new TreeMap<>();
        long most = 0;
        for (Write write :
            writes.stream().sorted(Comparator.comparingLong(Write::toldAt)).toList()) {
          Write other = versions.put(write.position().version(), write);
          if (other != null && !other.position().equals(write.position())) {
            wrong("two writes have version %s of %s", write.position(), session);
            strange++;
          }
          most = Math.max(most, write.position().version());
          highest.put(write.toldAt(), most);
        }
        byVersion.put(session, versions);
        told.put(session, highest);
      });
    }

    Verdict check() {
      List<Read> reads = history.reads();
      reads.forEach(this::check);
      history.watched().forEach(this::check);
      return new Verdict(
          history.acknowledged(),
          reads.size(),
          frames,
          lost,
          repeated,
          reordered,
          stale,
          wrong304,
          strange,
          unexplained,
          gaps,
          List.copyOf(examples));
    }

    private void wrong(String text, @Nullable Object... words) {
      if (examples.size() < EXAMPLES) {
        examples.add(text.formatted(words));
      }
    }

    private void check(Read read) {
      if (!read.ok() || isOfBefore(read.askedAt() - History.FRESH.toNanos())) {
        return;
      }
      Position shown = read.shown();
      var before =
          told.getOrDefault(read.session(), new TreeMap<>())
              .floorEntry(read.askedAt() - History.FRESH.toNanos());
      long due = before == null ? 0 : before.getValue();
      if ((shown == null ? 0 : shown.version()) < due) {
        wrong("stale by %d versions: %s", due - (shown == null ? 0 : shown.version()), read);
        if (read.status() == 304) {
          wrong304++;
        } else {
          stale++;
        }
      }
      if (shown != null) {
        Write write = write(read.session(), shown.version());
        boolean other = write == null || !write.position().equals(shown);
        if (other && read.status() == 304) {
          wrong("wrong 304: %s, it is %s", read, write);
          wrong304++;
        } else if (other) {
          wrong("of another history: %s, it is %s", read, write);
          strange++;
        } else if (write != null
            && write.text() != null
            && read.text() != null
            && !write.text().equals(read.text())) {
          wrong("the thread is not that of its position: %s, it is %s", read, write);
          strange++;
        }
      }
    }

    /** Before the last reset, what was acknowledged is not known any more. */
    private boolean isOfBefore(long time) {
      return reset != null && time - reset.at() < 0;
    }

    private @Nullable Write write(String session, long version) {
      return byVersion.getOrDefault(session, Map.of()).get(version);
    }

    private void check(Watched one) {
      long last = -1;
      boolean fresh = true;
      boolean inGap = false;
      boolean ended = false;
      for (Frame frame : one.frames()) {
        if (isOfBefore(frame.at())) {
          continue;
        }
        Position position = frame.position();
        switch (frame.type()) {
          case Frame.WATCH -> {
            // Without a position the first frame is a snapshot, on a first watch.
            fresh = position == null;
            inGap = false;
            last = position == null ? last : position.version();
          }
          case "gap" -> {
            gaps++;
            frames++;
            inGap = true;
          }
          case "snapshot" -> {
            frames++;
            if (!fresh && !inGap) {
              unexplained(one, frame);
            }
            if (position != null) {
              if (position.version() < last && reset == null) {
                wrong("%s: the snapshot %s is older than %d", one.watcher, frame, last);
                reordered++;
              }
              last = position.version();
              checkTag(one, position);
            }
            fresh = false;
            inGap = false;
          }
          default -> {
            frames++;
            boolean end =
                frame.type().equals("session.deleted") || frame.type().equals("session.expired");
            if ((fresh || inGap) && !end) {
              unexplained(one, frame);
            }
            // The end may follow on anything: what came before it is of no use to anybody now.
            if (position != null && !end) {
              last = follow(one, frame, position, last);
            }
            ended |= end;
          }
        }
      }
      if (inGap && !ended) {
        wrong("%s: a gap and no snapshot", one.watcher);
        unexplained++;
      }
      Position newest = history.newest(one.session);
      if (!one.hasLeft() && !ended && newest != null && last < newest.version()) {
        wrong("%s of %s ends at %d, written was %s", one.watcher, one.session, last, newest);
        lost += newest.version() - Math.max(last, 0);
      }
    }

    private void unexplained(Watched one, Frame frame) {
      wrong("%s: nobody knows why: %s", one.watcher, frame);
      unexplained++;
    }

    private long follow(Watched one, Frame frame, Position position, long last) {
      long version = position.version();
      checkTag(one, position);
      if (last < 0 || version == last + 1) {
        return version;
      }
      if (version > last) {
        wrong("%s of %s: after %d came %s", one.watcher, one.session, last, frame);
        lost += version - last - 1;
        return version;
      }
      boolean again =
          one.frames().stream()
                  .filter(other ->
                      position.equals(other.position()) && other.type().equals(frame.type()))
                  .count()
              > 1;
      wrong("%s of %s: after %d came %s", one.watcher, one.session, last, frame);
      if (again) {
        repeated++;
      } else {
        reordered++;
      }
      return last;
    }

    private void checkTag(Watched one, Position position) {
      Write write = write(one.session, position.version());
      if (write == null || !write.position().equals(position)) {
        wrong("%s was sent %s, it is %s", one.watcher, position, write);
        strange++;
      }
    }
  }
}
