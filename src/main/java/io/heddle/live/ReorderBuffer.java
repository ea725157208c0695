package io.heddle.live;

import io.heddle.base.Position;
import io.heddle.base.SessionKey;
import io.heddle.live.Frame.Step;
import io.heddle.session.ChangeLog.Logged;
import io.heddle.session.ChangeLog.Replay;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Makes one order of the changes that are pushed and of those that the log has: knows which was
 * told last, so each is told once and none before the one it follows. What is pushed while the log
 * is read waits here.
 *
 * <p>What waits is bounded in number and in bytes: when it is too much, all but the newest is
 * forgotten. The log has it too, and the newest shows that something before it must be read there.
 */
final class ReorderBuffer {

  private static final int MOST_WAITING = 1024;

  private final SessionKey key;
  private final long mostBytes;

  /** The last change's that was told; null until one is known. */
  private @Nullable Position at;

  private Queue<Frame> waiting = new ArrayDeque<>(0);
  private long waitingBytes;

  /** What reading the log came to. */
  enum Read {
    /** All was told that there is. */
    CAUGHT_UP,
    /** Some was told, and there is more. */
    MORE,
    /** There is more, but nothing that could be told. */
    NOTHING
  }

  /**
   * @param mostBytes one change more may wait, however large
   */
  ReorderBuffer(SessionKey key, @Nullable Position at, long mostBytes) {
    this.key = key;
    this.at = at;
    this.mostBytes = mostBytes;
  }

  @Nullable Position at() {
    return at;
  }

  /** Goes on from here, whatever was told before. */
  void reach(Position position) {
    at = position;
  }

  /** How a change stands to the last one; the next one takes its place. */
  Step step(Frame change) {
    Position from = at;
    Step step = from == null ? Step.GAP : change.stepFrom(from);
    if (step == Step.NEXT) {
      at = change.position();
    }
    return step;
  }

  /** Lets a change wait; false when others were forgotten for it. */
  boolean hold(Frame change) {
    boolean room = waiting.size() < MOST_WAITING && waitingBytes < mostBytes;
    if (!room) {
      forget();
    }
    waiting.add(change);
    waitingBytes += change.size();
    return room;
  }

  /** Nothing waits any more; the log has it. */
  void forget() {
    waiting = new ArrayDeque<>(0);
    waitingBytes = 0;
  }

  /** Tells what the log has, and then what waits. */
  Read tell(Replay.Followed followed, Consumer<Frame> told) {
    boolean moved = false;
    for (Logged logged : followed.changes()) {
      Frame change = Frame.change(key, logged.position(), logged.previousTag(), logged.body());
      if (step(change) == Step.NEXT) {
        moved = true;
        told.accept(change);
      }
    }
    boolean whole = tellWaiting(told);
    if (whole && at != null && at.version() >= followed.now().version()) {
      return Read.CAUGHT_UP;
    }
    return moved ? Read.MORE : Read.NOTHING;
  }

  /** Tells what waits, up to a session's end; false when there is a hole before the next. */
  boolean tellWaiting(Consumer<Frame> told) {
    for (Frame next = waiting.peek(); next != null; next = waiting.peek()) {
      Step step = step(next);
      if (step == Step.GAP) {
        return false;
      }
      waiting.remove();
      waitingBytes -= next.size();
      if (step == Step.NEXT) {
        told.accept(next);
        if (next.isEnd()) {
          break;
        }
      }
    }
    forget();
    return true;
  }
}
