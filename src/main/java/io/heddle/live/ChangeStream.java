package io.heddle.live;

import io.heddle.base.Position;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.session.ChangeLog.Replay;
import io.heddle.session.ThreadPage;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The changes of one watched session, told in one order without a hole.
 *
 * <p>A change that follows the last one and has its body is told at once. For any other the log is
 * read from the last one on, once for all watchers; what arrives meanwhile waits. What the log
 * cannot tell is a gap, and all begin anew with one snapshot.
 *
 * <p>Its hub's lock guards it; the store is not asked under it.
 */
final class ChangeStream {

  private static final Logger log = LoggerFactory.getLogger(ChangeStream.class);

  private final SessionHub hub;
  private final WatchContext context;
  private final SessionKey key;
  private final Watchers watchers;
  private final RunningTurnTracker tracker;

  /** Where the watchers are; nowhere until the first change is known. */
  private final ReorderBuffer merge;

  private boolean reading;

  /** The log must be read as soon as nobody reads it. */
  private boolean wanted;

  /** It must be read, but a read has just failed or brought nothing: not before the next tick. */
  private boolean later;

  ChangeStream(WatchContext context, SessionHub hub, RunningTurnTracker tracker) {
    this.hub = hub;
    this.context = context;
    this.key = hub.key;
    this.watchers = hub.watchers;
    this.tracker = tracker;
    this.merge = new ReorderBuffer(key, null, context.properties().buffer().toBytes());
  }

  // ---- what happens; all under the lock

  boolean isAt(Position here) {
    return here.equals(merge.at());
  }

  /** A watch is level at a position: who knows none yet goes on from there. */
  void learn(Position position) {
    if (merge.at() == null) {
      merge.reach(position);
      tracker.reached(position.version());
    }
  }

  void take(Frame change) {
    if (reading) {
      hold(change);
    } else if (merge.at() == null) {
      takeFirst(change);
    } else {
      switch (merge.step(change)) {
        case DUPLICATE -> {}
        case NEXT -> tell(change);
        case GAP -> {
          hold(change);
          wanted = true;
        }
      }
    }
  }

  private void takeFirst(Frame change) {
    Position position = change.position();
    Position previous = change.previous();
    if (change.isBodyless()) {
      if (previous != null) {
        learn(previous);
      }
      hold(change);
      wanted = true;
    } else if (position != null) {
      merge.reach(position);
      tell(change);
    }
  }

  /** Something may have been missed. */
  void missed() {
    wanted = true;
  }

  /** Once a second; without trust the log is read each time. */
  void tick(boolean trusted) {
    wanted |= !reading && (later || !trusted);
  }

  private void hold(Frame change) {
    wanted |= !merge.hold(change);
  }

  private void tell(Frame change) {
    watchers.tell(change);
    tracker.told(change);
    if (change.isEnd()) {
      hub.end();
    }
  }

  // ---- the log; not under the lock

  /** Reads it, if it must be read and nobody does. */
  void read() {
    Position from;
    synchronized (hub.lock) {
      from = merge.at();
      if (!wanted || reading || from == null || watchers.areClosed()) {
        return;
      }
      reading = true;
      wanted = false;
      later = false;
    }
    context.changes(key, null, from).subscribe(this::answered, this::failed);
  }

  private void answered(Replay replay) {
    switch (replay) {
      case Replay.Followed followed -> finish(() -> follow(followed));
      case Replay.Gap _ ->
          context.snapshot(key, null).subscribe(page -> finish(() -> restart(page)), this::failed);
      case Replay.Ended ended ->
          finish(() -> end(Frame.end(key, ended.end(), ended.change().type())));
    }
  }

  private void failed(Throwable error) {
    if (!(error instanceof ProblemException)) {
      log.error("{}: its log could not be read", key, error);
    }
    Frame end = Frame.end(key, error);
    finish(
        end != null
            ? () -> end(end)
            : () -> {
              wanted = false;
              later = true;
            });
  }

  /** The read is over: takes its answer under the lock, and goes on. */
  private void finish(Runnable answer) {
    synchronized (hub.lock) {
      if (watchers.areClosed()) {
        return;
      }
      reading = false;
      answer.run();
    }
    hub.read();
  }

  private void follow(Replay.Followed followed) {
    switch (merge.tell(followed, this::tell)) {
      case CAUGHT_UP -> {}
      case MORE -> wanted = true;
      // It would bring nothing again.
      case NOTHING -> later = true;
    }
  }

  private void restart(ThreadPage page) {
    log.debug("{}: its history has a gap; its watchers begin anew", key);
    watchers.tell(Frame.gap(key, merge.at()));
    watchers.tell(Frame.snapshot(page));
    merge.reach(page.session().position());
    tracker.restart(page.session());
    wanted |= !merge.tellWaiting(this::tell);
  }

  private void end(Frame frame) {
    watchers.tell(frame);
    hub.end();
  }
}
