package io.heddle.live;

import io.heddle.base.Caller;
import io.heddle.base.Position;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.live.Frame.Spoken;
import io.heddle.session.ChangeLog.Replay;
import io.heddle.session.ThreadPage;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection that watches one session. It gives its outlet each change once, in the order of
 * their versions.
 *
 * <p>It joins its hub first and then reads, the log or a snapshot, so that what happens meanwhile
 * is in one or the other or in both, and merges by version. When the outlet is full it takes
 * nothing from the hub any more, and reads from the log once there is room: what waits for a slow
 * client is in the store, not here.
 *
 * <pre>
 *   CATCHING_UP ── all was read ──────────────────────────▶ LIVE
 *   CATCHING_UP ── the outlet is full, and there is more ──▶ LAGGING
 *   LIVE ───────── a change is missing ───────────────────▶ CATCHING_UP
 *   LIVE ───────── the outlet is full ────────────────────▶ LAGGING
 *   LAGGING ────── the outlet has room ───────────────────▶ CATCHING_UP
 *   any ────────── the session or the watch ends ─────────▶ ENDED
 * </pre>
 *
 * <p>All of it is confined to the outlet's loop.
 */
public final class Watch {

  private static final Logger log = LoggerFactory.getLogger(Watch.class);

  private final SessionHubs hubs;
  private final WatchContext context;
  private final SessionHub hub;
  private final Caller caller;
  private final FrameSink outlet;
  private final Listener listener;

  /** Where its group has it in its list. */
  int index;

  private @Nullable LoopFanout group;
  private State state = State.CATCHING_UP;

  /** Its listener knows that the session is there. */
  private boolean started;

  /** What was sent last, or was named by the watcher, and the hub's changes while it reads. */
  private final ReorderBuffer merge;

  private final EphemeralCursor cursor;
  private final StoreReads reads;

  /** The hub's end, if it came while this reads: who is level then has nobody to follow. */
  private @Nullable Frame hubsEnd;

  private enum State {
    /** Waits for the log or a snapshot; the hub's changes wait. */
    CATCHING_UP,
    /** The hub's frames are sent as they come. */
    LIVE,
    /** The outlet is full; the hub's changes are dropped, the log has them. */
    LAGGING,
    /** The session or the watch has ended. */
    ENDED
  }

  /** Who is told what becomes of a watch; on the outlet's loop. */
  public interface Listener {

    /** The session is there and the caller's; its first frame comes next. */
    void started();

    /** It could not begin; the watch is over. */
    void refused(Problem problem);

    /** The session has ended, its last frame was written; the watch is over. */
    void ended();
  }

  Watch(
      SessionHubs hubs,
      WatchContext context,
      SessionHub hub,
      Caller caller,
      @Nullable Position since,
      FrameSink outlet,
      Listener listener) {
    this.hubs = hubs;
    this.context = context;
    this.hub = hub;
    this.caller = caller;
    this.outlet = outlet;
    this.listener = listener;
    this.merge = new ReorderBuffer(hub.key, since, context.properties().buffer().toBytes());
    this.cursor = new EphemeralCursor(hub, outlet, context.counts());
    this.reads = new StoreReads(outlet);
  }

  public SessionKey key() {
    return hub.key;
  }

  void start() {
    LoopFanout mine = hub.groupOf(outlet.loop());
    group = mine;
    mine.add(this);
    read();
  }

  /** Ends the watch, without a word to its listener. */
  public void stop() {
    if (state == State.ENDED) {
      return;
    }
    state = State.ENDED;
    reads.drop();
    merge.forget();
    if (group != null) {
      group.remove(this);
    }
    hubs.release(hub, outlet, caller.user());
  }

  /** The outlet has room again. */
  public void writable() {
    Position here = merge.at();
    if (state == State.LAGGING) {
      read();
    } else if (state == State.LIVE && here != null) {
      cursor.makeGood(here);
      outlet.flush();
    }
  }

  void flush() {
    outlet.flush();
  }

  // ---- the hub's frames

  /** Whether it was sent. */
  boolean take(Frame frame) {
    return switch (state) {
      case CATCHING_UP -> {
        whileReading(frame);
        yield false;
      }
      case LIVE -> level(frame);
      case LAGGING -> {
        cursor.miss(frame);
        yield false;
      }
      case ENDED -> false;
    };
  }

  private void whileReading(Frame frame) {
    if (frame.isEnd()) {
      hubsEnd = frame;
    }
    if (frame.type().equals(Frame.GAP)) {
      // What is being read may be of the history that has gone.
      read();
    } else if (frame.isDurable() && !frame.type().equals(Frame.SNAPSHOT)) {
      merge.hold(frame);
    } else if (frame.isEnd() && started) {
      end(frame);
    } else {
      cursor.miss(frame);
    }
  }

  private boolean level(Frame frame) {
    if (frame.isEnd()) {
      end(frame);
      return true;
    }
    if (outlet.isWritable()) {
      return follow(frame);
    }
    // A snapshot without its gap would be nothing that a client expects.
    if (frame.isDurable() || frame.type().equals(Frame.GAP)) {
      state = State.LAGGING;
    }
    cursor.miss(frame);
    return false;
  }

  private boolean follow(Frame frame) {
    Position here = merge.at();
    Spoken spoken = frame.spoken();
    if (spoken != null) {
      return here != null && cursor.say(frame, spoken, here);
    }
    if (!frame.isDurable()) {
      outlet.write(frame);
      return true;
    }
    if (frame.type().equals(Frame.SNAPSHOT)) {
      return beginAnew(frame);
    }
    return switch (merge.step(frame)) {
      case DUPLICATE -> {
        catchUp();
        yield false;
      }
      case NEXT -> {
        outlet.write(frame);
        catchUp();
        yield true;
      }
      case GAP -> {
        merge.hold(frame);
        read();
        yield false;
      }
    };
  }

  private boolean beginAnew(Frame snapshot) {
    if (snapshot.isOf(caller.owner())) {
      context.counts().gaps.increment();
      restart(snapshot);
      outlet.write(snapshot);
      catchUp();
    } else {
      // Its end was missed, and somebody else has made another of that id since.
      end(Frame.end(key(), null, Frame.DELETED));
    }
    return true;
  }

  private void catchUp() {
    Position here = merge.at();
    if (here != null) {
      cursor.catchUp(here);
    }
  }

  private void restart(Frame snapshot) {
    Position position = snapshot.position();
    if (position != null) {
      merge.reach(position);
    }
    cursor.restart();
  }

  // ---- reading

  private void read() {
    state = State.CATCHING_UP;
    Position from = merge.at();
    if (from == null) {
      reads.read(context.snapshot(key(), caller.owner()), page -> begin(page, false), this::failed);
    } else {
      reads.read(context.changes(key(), caller.owner(), from), this::replay, this::failed);
    }
  }

  private void replay(Replay replay) {
    switch (replay) {
      case Replay.Followed followed -> {
        started();
        goOn(merge.tell(followed, this::send));
      }
      case Replay.Gap _ ->
          reads.read(
              context.snapshot(key(), caller.owner()), page -> begin(page, true), this::failed);
      case Replay.Ended ended -> {
        started();
        end(Frame.end(key(), ended.end(), ended.change().type()));
      }
    }
  }

  private void begin(ThreadPage page, boolean gap) {
    started();
    if (gap) {
      context.counts().gaps.increment();
      outlet.write(Frame.gap(key(), merge.at()));
    }
    Frame snapshot = Frame.snapshot(page);
    restart(snapshot);
    hub.know(page.session());
    send(snapshot);
    boolean whole = merge.tellWaiting(this::send);
    goOn(whole ? ReorderBuffer.Read.CAUGHT_UP : ReorderBuffer.Read.MORE);
  }

  private void send(Frame change) {
    outlet.write(change);
    context.counts().delivered.increment();
    if (change.isEnd()) {
      over();
    }
  }

  /** After an answer. */
  private void goOn(ReorderBuffer.Read read) {
    if (state == State.ENDED) {
      return;
    }
    if (read == ReorderBuffer.Read.CAUGHT_UP) {
      beLevel();
    } else if (!outlet.isWritable()) {
      state = State.LAGGING;
      merge.forget();
    } else if (read == ReorderBuffer.Read.MORE) {
      read();
    } else {
      reads.later(this::read);
    }
  }

  private void beLevel() {
    state = State.LIVE;
    Position here = merge.at();
    if (hubsEnd != null) {
      end(hubsEnd);
    } else if (here != null) {
      hub.learn(here);
      cursor.level(here);
    }
  }

  // ---- its course

  private void started() {
    if (!started) {
      started = true;
      listener.started();
      cursor.begin();
    }
  }

  private void failed(Throwable error) {
    Frame end = Frame.end(key(), error);
    if (started && end != null) {
      end(end);
    } else if (started) {
      reads.later(this::read);
    } else if (error instanceof ProblemException refusal) {
      stop();
      listener.refused(refusal.problem());
    } else {
      log.error("{}: a watch could not begin", key(), error);
      stop();
      listener.refused(Problem.of(ProblemCode.INTERNAL, "The session could not be read"));
    }
  }

  private void end(Frame frame) {
    outlet.write(frame);
    over();
  }

  private void over() {
    outlet.flush();
    stop();
    listener.ended();
  }
}
