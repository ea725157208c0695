package io.heddle.live;

import io.heddle.base.Caller;
import io.heddle.base.Position;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.live.Frame.Step;
import io.heddle.session.Change;
import io.heddle.session.ChangeLog.Logged;
import io.heddle.session.ChangeLog.Replay;
import io.heddle.session.PageRequest;
import io.heddle.session.ThreadPage;
import io.heddle.session.View;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/**
 * One connection that watches one session. It gives its outlet each change once, in the order of
 * their versions.
 *
 * <p>It joins its hub first and then reads, the log or a snapshot, so that what happens meanwhile
 * is in one or the other or in both, and merges by version. When the outlet is full it takes
 * nothing from the hub any more, and reads from the log once there is room: what waits for a slow
 * client is in the store, not here.
 *
 * <p>All of it is confined to the outlet's loop.
 */
public final class Watch {

  private static final Logger log = LoggerFactory.getLogger(Watch.class);
  private static final int WAITING = 1024;
  private static final Duration RETRY = Duration.ofSeconds(1);

  private final Hubs hubs;
  private final Hub hub;
  private final Caller caller;
  private final Outlet outlet;
  private final Listener listener;

  /** Where it stands in its group's list. */
  int index;

  /** The last position that was sent, or that the watcher named. */
  private @Nullable Position at;

  private State state = State.READING;
  private boolean started;

  /** Raised when an answer that is on its way must not be used any more. */
  private int reads;

  private @Nullable Queue<Frame> waiting;
  private @Nullable Group group;

  /** The turn that was told of last, and how much of what it says. */
  private @Nullable String turn;

  private long said;

  /** Something of what a turn says was not sent: it needs all that was said so far. */
  private boolean lagging;

  private enum State {
    /** Waits for the log or a snapshot; the hub's frames wait. */
    READING,
    /** The hub's frames are sent as they come. */
    LEVEL,
    /** The outlet is full; the hub's frames are dropped, the log has them. */
    BEHIND,
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
      Hubs hubs,
      Hub hub,
      Caller caller,
      @Nullable Position since,
      Outlet outlet,
      Listener listener) {
    this.hubs = hubs;
    this.hub = hub;
    this.caller = caller;
    this.at = since;
    this.outlet = outlet;
    this.listener = listener;
  }

  public SessionKey key() {
    return hub.key();
  }

  void start() {
    Group mine = hub.groupOf(outlet.loop());
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
    reads++;
    waiting = null;
    if (group != null) {
      group.remove(this);
    }
    hubs.release(hub, outlet, caller.user());
  }

  /** The outlet has room again. */
  public void writable() {
    if (state == State.BEHIND) {
      read();
    } else if (state == State.LEVEL && lagging) {
      catchUp();
      outlet.flush();
    }
  }

  // ---- the hub's frames

  /** Whether it was sent. */
  boolean take(Frame frame) {
    return switch (state) {
      case ENDED, BEHIND -> false;
      case READING -> {
        // What a turn says is caught up with when the answer has come.
        if (frame.type().equals(Frame.GAP)) {
          // What is being read may be of the history that has gone.
          read();
        } else if (frame.isDurable() && !frame.type().equals(Frame.SNAPSHOT)) {
          hold(frame);
        } else if (frame.isEnd() && started) {
          end(frame);
        }
        yield false;
      }
      case LEVEL -> level(frame);
    };
  }

  private boolean level(Frame frame) {
    if (frame.isEnd()) {
      end(frame);
      return true;
    }
    if (!outlet.isWritable()) {
      if (frame.isDurable()) {
        state = State.BEHIND;
      }
      lagging |= frame.spoken() != null;
      return false;
    }
    Frame.Spoken spoken = frame.spoken();
    return spoken == null ? follow(frame) : spoken(frame, spoken);
  }

  private boolean follow(Frame frame) {
    Position from = at;
    if (frame.type().equals(Frame.SNAPSHOT)) {
      if (!frame.isOf(caller.owner())) {
        // Its end was missed, and somebody else has made another of that id since.
        end(Frame.end(key(), null, Frame.DELETED));
        return true;
      }
      hubs.counts.gaps.increment();
      at = frame.position();
      said = 0;
    } else if (frame.isDurable() && from != null) {
      switch (frame.stepFrom(from)) {
        case OLD -> {
          catchUp();
          return false;
        }
        case NEXT -> at = frame.position();
        case HOLE -> {
          hold(frame);
          read();
          return false;
        }
      }
    }
    outlet.write(frame);
    catchUp();
    return true;
  }

  void flush() {
    outlet.flush();
  }

  // ---- what a turn says

  private boolean spoken(Frame frame, Frame.Spoken spoken) {
    Position here = at;
    if (here == null || here.version() != spoken.version()) {
      // The log has told this watch of changes that its hub has not told yet.
      lagging = true;
      return false;
    }
    if (!spoken.turn().equals(turn)) {
      turn = spoken.turn();
      said = 0;
    }
    if (spoken.seq() <= said) {
      return false;
    }
    if (spoken.seq() > said + 1 && !frame.type().equals(TurnFrames.TEXT)) {
      lagging = true;
      catchUp();
      return false;
    }
    said = spoken.seq();
    lagging = false;
    outlet.write(frame);
    return true;
  }

  /** Sends what the running turn has said so far, if something of it was not sent. */
  private void catchUp() {
    Position here = at;
    Frame soFar = !lagging || here == null || !outlet.isWritable() ? null : hub.soFar(here);
    if (soFar == null) {
      return;
    }
    lagging = false;
    Frame.Spoken spoken = soFar.spoken();
    if (spoken != null && spoken(soFar, spoken)) {
      hubs.counts.delivered.increment();
    }
  }

  private void hold(Frame frame) {
    Queue<Frame> held = waiting;
    if (held == null) {
      held = new ArrayDeque<>(4);
      waiting = held;
    }
    if (held.size() == WAITING) {
      // They are in the log too: the hole that this leaves is read.
      held.clear();
    }
    held.add(frame);
  }

  // ---- reading

  private void read() {
    state = State.READING;
    int read = ++reads;
    Position from = at;
    if (from == null) {
      answer(read, snapshot(), page -> snapshot(page, false));
    } else {
      hubs.counts.logReads.increment();
      answer(read, hubs.log.after(key(), caller.owner(), from, Hub.LOG_READ), this::replay);
    }
  }

  private Mono<ThreadPage> snapshot() {
    PageRequest last = PageRequest.last(hubs.properties.snapshotMessages());
    return hubs.reader.load(key(), new View(caller.owner(), null), last);
  }

  private <T> void answer(int read, Mono<T> asked, Consumer<T> then) {
    asked.subscribe(
        answer ->
            on(
                outlet.loop(),
                () -> {
                  if (read == reads) {
                    then.accept(answer);
                    outlet.flush();
                  }
                }),
        error ->
            on(
                outlet.loop(),
                () -> {
                  if (read == reads) {
                    failed(error);
                    outlet.flush();
                  }
                }));
  }

  private static void on(Executor loop, Runnable task) {
    try {
      loop.execute(task);
    } catch (RejectedExecutionException _) {
      // The server has stopped, and the connection with it.
    }
  }

  private void replay(Replay replay) {
    switch (replay) {
      case Replay.Followed(var changes, Position now) -> {
        begin();
        boolean moved = false;
        for (Logged change : changes) {
          Position from = at;
          Frame frame = Frame.change(key(), change.position(), change.previousTag(), change.body());
          if (from == null || frame.stepFrom(from) == Step.NEXT) {
            at = frame.position();
            outlet.write(frame);
            hubs.counts.delivered.increment();
            moved = true;
          }
        }
        Position from = at;
        goOn(from == null || from.version() >= now.version(), moved);
      }
      case Replay.Gap _ -> answer(++reads, snapshot(), page -> snapshot(page, true));
      case Replay.Ended(Position now, Change change) -> {
        begin();
        end(Frame.end(key(), now, change.type()));
      }
    }
  }

  private void snapshot(ThreadPage page, boolean gap) {
    begin();
    if (gap) {
      hubs.counts.gaps.increment();
      outlet.write(Frame.gap(key(), at));
    }
    Frame frame = Frame.snapshot(page);
    at = frame.position();
    said = 0;
    hub.know(page.session());
    outlet.write(frame);
    hubs.counts.delivered.increment();
    goOn(true, true);
  }

  /** After an answer: sends what waits, and reads on if that does not follow. */
  private void goOn(boolean level, boolean moved) {
    boolean follows = level;
    Queue<Frame> held = waiting;
    waiting = null;
    for (Frame next = poll(held); next != null && follows; next = poll(held)) {
      Position from = at;
      Step step = from == null ? Step.HOLE : next.stepFrom(from);
      if (step == Step.NEXT) {
        at = next.position();
        outlet.write(next);
        hubs.counts.delivered.increment();
        if (next.isEnd()) {
          over();
          return;
        }
      }
      follows = step != Step.HOLE;
    }
    if (follows) {
      state = State.LEVEL;
      beLevel();
    } else if (!outlet.isWritable()) {
      state = State.BEHIND;
    } else if (moved) {
      read();
    } else {
      later();
    }
  }

  private static @Nullable Frame poll(@Nullable Queue<Frame> held) {
    return held == null ? null : held.poll();
  }

  private void beLevel() {
    Position here = at;
    if (here != null) {
      hub.learn(here);
      lagging = true;
      catchUp();
    }
  }

  private void begin() {
    if (!started) {
      started = true;
      listener.started();
      Frame present = hub.present();
      if (present != null) {
        on(
            outlet.loop(),
            () -> {
              if (state == State.LEVEL && outlet.isWritable()) {
                outlet.write(present);
                outlet.flush();
              }
            });
      }
    }
  }

  private void failed(Throwable error) {
    String end = endOf(error);
    if (started && end != null) {
      end(Frame.end(key(), null, end));
    } else if (!started && error instanceof ProblemException refusal) {
      stop();
      listener.refused(refusal.problem());
    } else if (!started) {
      log.error("{}: a watch could not begin", key(), error);
      stop();
      listener.refused(Problem.of(ProblemCode.INTERNAL, "The session could not be read"));
    } else {
      later();
    }
  }

  /** Reads again in about a second. */
  private void later() {
    int read = ++reads;
    long spread = ThreadLocalRandom.current().nextLong(RETRY.toMillis() / 2);
    Mono.delay(RETRY.plusMillis(spread), Schedulers.parallel())
        .subscribe(_ ->
            on(
                outlet.loop(),
                () -> {
                  if (read == reads && state != State.ENDED) {
                    read();
                  }
                }));
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

  /** The frame that tells of a session that cannot be read because it has ended; else null. */
  static @Nullable String endOf(Throwable error) {
    if (!(error instanceof ProblemException refusal)) {
      return null;
    }
    return switch (refusal.problem().code()) {
      case SESSION_DELETED, SESSION_NOT_FOUND -> Frame.DELETED;
      case SESSION_EXPIRED -> Frame.EXPIRED;
      default -> null;
    };
  }
}
