package io.heddle.live;

import io.heddle.base.Position;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.live.Frame.Spoken;
import io.heddle.session.LiveMessage.TurnFlushed;
import io.heddle.session.PageRequest;
import io.heddle.session.ReadContext;
import io.heddle.session.Session;
import io.heddle.session.ThreadPage;
import io.heddle.session.TurnLog;
import io.heddle.turn.ModelEvent;
import io.heddle.turn.TurnEvent;
import io.heddle.turn.TurnTranscript;
import java.util.ArrayDeque;
import java.util.Queue;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the running turn of one watched session says. The live channel brings it; where that leaves
 * a hole, or when somebody comes while the turn runs, the turn's log is read, once for all
 * watchers, and what is heard meanwhile waits.
 *
 * <p>Which turn runs follows from the changes that are told, so nothing is told of a turn before
 * its start or after its end. A hub that begins in the middle does not know it yet: a snapshot
 * tells, or the session is asked.
 *
 * <p>Its hub's lock guards it; the store is not asked under it.
 */
final class RunningTurnTracker {

  private static final Logger log = LoggerFactory.getLogger(RunningTurnTracker.class);

  /** Events of one read; a read that leaves some is followed by another. */
  private static final int LOG_READ = 4096;

  private static final int WAITING = 256;

  private final SessionHub hub;
  private final WatchContext context;
  private final SessionKey key;
  private final Watchers watchers;

  /** The session's that was told last. */
  private long version;

  /** Whether it is known which turn runs, or that none does. */
  private boolean known;

  /** Known as of a version that was not told yet. */
  private @Nullable Known later;

  /** The last one whose end was told. */
  private @Nullable String ended;

  /** A turn of which something was heard though it does not run, as far as is known. */
  private @Nullable String stranger;

  /** The turn that runs. */
  private @Nullable Running running;

  /** {@link #soFar()} as it was told last. */
  private @Nullable Frame soFar;

  /** What was heard of it while something is read. */
  private final Queue<TurnFlushed> waiting = new ArrayDeque<>(0);

  /** Nothing was heard of it since the last tick. */
  private boolean quiet;

  /** The session or the turn's log is being read. */
  private boolean reading;

  /** The session must say which turn runs. */
  private boolean mustAsk;

  /** The turn's log must be read. */
  private boolean mustRead;

  /** Which turn ran at a version of the session, or none. */
  private record Known(long version, @Nullable String turn) {}

  /** The turn that runs, and what it has said; begun anew it is another one. */
  private record Running(String turn, TurnTranscript said) {}

  RunningTurnTracker(WatchContext context, SessionHub hub) {
    this.hub = hub;
    this.context = context;
    this.key = hub.key;
    this.watchers = hub.watchers;
  }

  // ---- which turn runs; all under the lock

  /** A read of the session says which turn runs as of its version. */
  void runs(Session session) {
    if (!known) {
      later = new Known(session.position().version(), session.head().activeTurn());
      settleReached();
    }
  }

  /** The same, of what the watchers begin anew with. */
  void restart(Session session) {
    version = session.position().version();
    waiting.clear();
    settle(session.head().activeTurn());
  }

  /** A watch is level, and only the session can say which turn runs. */
  void want() {
    mustAsk |= !known && later == null;
  }

  /** This change was told. */
  void told(Frame change) {
    String turn = change.turn();
    if (turn != null && change.type().equals(Frame.TURN_STARTED)) {
      begin(turn);
      // What was heard of it before its start was not taken.
      mustRead = turn.equals(stranger);
    } else if (turn != null && !change.type().equals(Frame.TURN_QUEUED)) {
      ended = turn;
      if (isRunning(turn)) {
        running = null;
      }
    }
    Position position = change.position();
    if (position != null) {
      reached(position.version());
    }
  }

  /** The watchers are at another version. */
  void reached(long version) {
    this.version = version;
    settleReached();
  }

  private void settleReached() {
    Known told = later;
    if (!known && told != null && version >= told.version()) {
      settle(told.turn());
    }
  }

  private void settle(@Nullable String turn) {
    if (turn == null || turn.equals(ended)) {
      known = true;
      later = null;
      running = null;
    } else {
      begin(turn);
      mustRead = true;
    }
  }

  private void begin(String turn) {
    known = true;
    later = null;
    running = new Running(turn, new TurnTranscript());
    soFar = null;
    waiting.clear();
    quiet = false;
  }

  // ---- what it says; all under the lock

  /** The live channel tells what the log of a turn took. */
  void heard(TurnFlushed flushed) {
    String turn = flushed.attempt().turn();
    Running now = running;
    if (now == null || !now.turn().equals(turn)) {
      stranger = turn;
      return;
    }
    quiet = false;
    if (!reading) {
      take(now, flushed);
    } else {
      if (waiting.size() == WAITING) {
        // They are in the log too.
        waiting.clear();
      }
      waiting.add(flushed);
    }
  }

  private void take(Running now, TurnFlushed flushed) {
    mustRead |=
        !now.said()
            .addLogged(
                flushed.seq(),
                flushed.events(),
                (seq, event) -> watchers.tell(frame(now.turn(), seq, event)));
  }

  private Frame frame(String turn, long seq, ModelEvent bit) {
    return Frame.spoken(
        TurnFrames.typeOf(bit),
        new Spoken(turn, seq, version),
        TurnFrames.bit(key, turn, seq, bit));
  }

  private boolean isRunning(String turn) {
    return running != null && running.turn().equals(turn);
  }

  /** What the turn has said, for who is at the hub's version; {@link Frame#NOTHING} when none. */
  Frame soFar() {
    Running now = running;
    if (now == null || now.said().last() == 0) {
      return Frame.NOTHING;
    }
    Spoken spoken = new Spoken(now.turn(), now.said().last(), version);
    Frame last = soFar;
    if (last == null || !spoken.equals(last.spoken())) {
      TurnEvent.Said all = now.said().soFar();
      last =
          Frame.spoken(
              TurnFrames.TEXT, spoken, TurnFrames.text(key, now.turn(), spoken.seq(), all));
      soFar = last;
    }
    return last;
  }

  /**
   * Once a second: a turn of which nothing was heard for that long may be one that is not heard.
   */
  void tick() {
    if (running != null) {
      mustRead |= quiet;
      quiet = true;
    } else if (stranger != null && !stranger.equals(ended)) {
      known = false;
    }
    stranger = null;
    want();
  }

  // ---- the store; not under the lock

  /** Reads what must be read, if nobody does. */
  void read() {
    Running of;
    long after;
    synchronized (hub.lock) {
      of = running;
      after = of == null ? 0 : of.said().last();
      if (reading || watchers.areClosed() || !(of == null ? mustAsk : mustRead)) {
        return;
      }
      reading = true;
      mustAsk = false;
      mustRead = false;
    }
    if (of == null) {
      context
          .reader()
          .load(key, ReadContext.ANY, PageRequest.NONE)
          .subscribe(this::told, this::failed);
    } else {
      context.counts().logReads.increment();
      context
          .turns()
          .read(key, null, of.turn(), after, LOG_READ)
          .subscribe(recorded -> told(of, after, recorded), this::failed);
    }
  }

  private void told(ThreadPage page) {
    synchronized (hub.lock) {
      reading = false;
      runs(page.session());
      takeWaiting();
    }
    read();
  }

  private void told(Running of, long after, TurnLog.Recorded recorded) {
    synchronized (hub.lock) {
      reading = false;
      if (of.equals(running) && !watchers.areClosed()) {
        follow(of, after, recorded);
      } else {
        takeWaiting();
      }
    }
    read();
  }

  /** What was heard while something was read is of the turn that runs now, perhaps another one. */
  private void takeWaiting() {
    Running now = running;
    for (TurnFlushed next = waiting.poll(); next != null; next = waiting.poll()) {
      if (now != null) {
        take(now, next);
      }
    }
  }

  private void follow(Running of, long after, TurnLog.Recorded recorded) {
    of.said().addLogged(after + 1, recorded.events(), (_, _) -> {});
    boolean moved = of.said().last() > after;
    if (of.said().last() < recorded.last() && moved) {
      mustRead = true;
      return;
    }
    if (recorded.turn().status().isEnd()) {
      // Its end is on its way as a change, which has all of it.
      ended = of.turn();
      running = null;
      waiting.clear();
      return;
    }
    if (moved) {
      watchers.tell(soFar());
    }
    takeWaiting();
    if (!moved) {
      // What brought nothing would bring nothing again: the next tick is soon enough.
      mustRead = false;
    }
  }

  private void failed(Throwable error) {
    synchronized (hub.lock) {
      reading = false;
      waiting.clear();
      // The next tick asks again; that the session has ended is told by its own log.
      quiet = true;
      if (ProblemException.is(error, ProblemCode.TURN_NOT_FOUND)) {
        running = null;
      }
    }
    if (!(error instanceof ProblemException)) {
      log.error("{}: its turn's log could not be read", key, error);
    }
  }
}
