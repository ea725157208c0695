package io.heddle.live;

import io.heddle.base.Json;
import io.heddle.base.Position;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.coherence.Coherence;
import io.heddle.live.Frame.Step;
import io.heddle.session.Change;
import io.heddle.session.ChangeLog.Logged;
import io.heddle.session.ChangeLog.Replay;
import io.heddle.session.PageRequest;
import io.heddle.session.Session;
import io.heddle.session.ThreadPage;
import io.heddle.session.View;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * One session that is watched here: makes of its changes one ordered stream of frames without a
 * hole, for all its watchers.
 *
 * <p>A change that follows the last one and has its body becomes a frame at once. For any other the
 * log is read from the last frame on, once for everybody; what arrives meanwhile waits. While the
 * session's partition is not trusted the log is read at every tick, so that nothing is late by more
 * than that even when the push link is dead.
 *
 * <p>Changes come on the feed's thread and answers of the log on others: a lock guards the state.
 * Nothing waits while it is held, and the store is never asked under it.
 */
final class Hub implements Coherence.Follower {

  static final int LOG_READ = 256;

  static final JsonMapper JSON = new JsonMapper();

  private static final Logger log = LoggerFactory.getLogger(Hub.class);
  private static final int WAITING = 1024;

  static {
    // The first one to read makes the deserializer, and who comes meanwhile waits for a lock.
    JSON.readTree("{}");
  }

  private final Hubs hubs;
  private final SessionKey key;
  private final Object lock = new Object();
  private final List<Group> groups = new ArrayList<>(1);
  private final Queue<Frame> waiting = new ArrayDeque<>(0);
  private final Presence presence;
  private final Talk talk;

  /** The last frame's; null until the first is known. */
  private @Nullable Position at;

  private boolean reading;

  /** The log must be read, at the next tick at the latest. */
  private boolean mustRead;

  /** Something may have been missed while the log was read. */
  private boolean unsure;

  private boolean closed;
  private int members;
  private @Nullable Disposable following;
  private @Nullable Disposable listening;

  Hub(Hubs hubs, SessionKey key) {
    this.hubs = hubs;
    this.key = key;
    this.presence = new Presence(key, hubs.replica);
    this.talk = new Talk(hubs, this, lock);
  }

  SessionKey key() {
    return key;
  }

  // ---- watchers

  /** Follows the session from now on; false when this hub is gone. */
  boolean join(Executor loop, @Nullable String user) {
    Json told = null;
    synchronized (lock) {
      if (closed) {
        return false;
      }
      if (members++ == 0) {
        following = hubs.coherence.follow(key, this);
        listening = hubs.channel.listen(key, this::heard);
        told = presence.ask();
      }
      Group group = group(loop);
      if (group == null) {
        group = new Group(loop, hubs.counts);
        groups.add(group);
      }
      group.members++;
      presence.joined(user);
    }
    if (told != null) {
      hubs.publish(key, told);
    }
    tellPresence(System.nanoTime());
    return true;
  }

  /** True when that was the last one, and this hub is gone. */
  boolean leave(Executor loop, @Nullable String user) {
    boolean last;
    Json told = null;
    synchronized (lock) {
      Group group = group(loop);
      if (group != null && --group.members == 0) {
        groups.remove(group);
      }
      presence.left(user);
      last = --members == 0;
      if (last) {
        close();
        told = presence.farewell();
      }
    }
    if (last) {
      if (told != null) {
        hubs.publish(key, told);
      }
    } else {
      tellPresence(System.nanoTime());
    }
    return last;
  }

  Group groupOf(Executor loop) {
    synchronized (lock) {
      Group group = group(loop);
      if (group == null) {
        throw new IllegalStateException("the watch has not joined");
      }
      return group;
    }
  }

  private @Nullable Group group(Executor loop) {
    for (Group group : groups) {
      if (group.loop() == loop) {
        return group;
      }
    }
    return null;
  }

  private void close() {
    closed = true;
    waiting.clear();
    if (following != null) {
      following.dispose();
    }
    if (listening != null) {
      listening.dispose();
    }
  }

  /** A watch is level at a position: a hub that has none yet goes on from there. */
  void learn(Position position) {
    boolean read;
    synchronized (lock) {
      if (at == null) {
        at = position;
      }
      talk.reached();
      talk.want();
      read = mayRead(mustRead);
    }
    readIf(read);
  }

  /** What a watch was told of the session. */
  void know(Session session) {
    synchronized (lock) {
      talk.runs(session.position().version(), session.head().activeTurn());
    }
  }

  /** What the running turn has said; null for a watch that is not where this hub is. */
  @Nullable Frame soFar(Position here) {
    synchronized (lock) {
      return here.equals(at) ? talk.soFar() : null;
    }
  }

  // ---- changes

  @Override
  public void changed(Change.Published change) {
    Frame frame = Frame.change(key, change.position(), change.previousTag(), change.body());
    boolean read;
    synchronized (lock) {
      read = accept(frame);
    }
    readIf(read);
  }

  @Override
  public void missed() {
    boolean read;
    synchronized (lock) {
      mustRead = true;
      unsure = true;
      read = mayRead(true);
    }
    readIf(read);
  }

  /** Under the lock; whether the log must be read now. */
  private boolean accept(Frame frame) {
    if (closed) {
      return false;
    }
    if (reading) {
      hold(frame);
      return false;
    }
    if (at == null) {
      at = frame.isHollow() ? frame.previous() : frame.position();
      if (frame.isHollow()) {
        hold(frame);
        return mayRead(true);
      }
      emit(frame);
      talk.told(frame);
      return false;
    }
    return switch (frame.stepFrom(at)) {
      case OLD -> false;
      case NEXT -> {
        pass(frame);
        yield false;
      }
      case HOLE -> {
        hold(frame);
        yield mayRead(true);
      }
    };
  }

  private void hold(Frame frame) {
    if (waiting.size() == WAITING) {
      // They are in the log too.
      waiting.clear();
      unsure = true;
    }
    waiting.add(frame);
  }

  private void pass(Frame frame) {
    at = frame.position();
    emit(frame);
    talk.told(frame);
    if (frame.isEnd()) {
      end();
    }
  }

  private void end() {
    closed = true;
    close();
    hubs.ended(this);
  }

  /** Under the lock, as the next three. */
  void emit(Frame frame) {
    for (Group group : groups) {
      group.offer(frame);
    }
  }

  /** That was told last. */
  long version() {
    return at == null ? 0 : at.version();
  }

  boolean isClosed() {
    return closed;
  }

  // ---- the log

  /** Under the lock: takes the right to read, if there is a reason and nobody reads. */
  private boolean mayRead(boolean wanted) {
    if (!wanted || closed || reading || at == null) {
      return false;
    }
    reading = true;
    mustRead = false;
    unsure = false;
    return true;
  }

  private void readIf(boolean read) {
    Position from = at();
    if (read && from != null) {
      hubs.counts.logReads.increment();
      hubs.log.after(key, null, from, LOG_READ).subscribe(this::answered, this::failed);
    }
    talk.ask();
  }

  private @Nullable Position at() {
    synchronized (lock) {
      return at;
    }
  }

  private void answered(Replay replay) {
    boolean again = false;
    boolean reset = false;
    synchronized (lock) {
      if (closed) {
        return;
      }
      switch (replay) {
        case Replay.Followed(List<Logged> changes, Position now) -> again = follow(changes, now);
        case Replay.Gap _ -> reset = true;
        case Replay.Ended(Position now, Change change) -> {
          emit(Frame.end(key, now, change.type()));
          end();
          return;
        }
      }
      if (!reset) {
        reading = false;
        again = mayRead(again || unsure);
      }
    }
    if (reset) {
      hubs.reader
          .load(key, View.ANY, PageRequest.last(hubs.properties.snapshotMessages()))
          .subscribe(this::reset, this::failed);
    }
    readIf(again);
  }

  /** Whether the log must be read again at once. */
  private boolean follow(List<Logged> changes, Position now) {
    boolean moved = false;
    for (Logged change : changes) {
      Frame frame = Frame.change(key, change.position(), change.previousTag(), change.body());
      if (at == null || frame.stepFrom(at) == Step.NEXT) {
        moved = true;
        pass(frame);
      }
    }
    boolean level = at != null && at.version() >= now.version();
    boolean more = !takeWaiting() || !level;
    // What brought nothing would bring nothing again: the next tick is soon enough.
    mustRead |= more && !moved;
    return more && moved;
  }

  /** Under the lock; false when there is a hole before the next that waits. */
  private boolean takeWaiting() {
    for (Frame next = waiting.peek(); next != null && !closed; next = waiting.peek()) {
      Step step = at == null ? Step.HOLE : next.stepFrom(at);
      if (step == Step.HOLE) {
        return false;
      }
      waiting.remove();
      if (step == Step.NEXT) {
        pass(next);
      }
    }
    return true;
  }

  private void reset(ThreadPage page) {
    Frame snapshot = Frame.snapshot(page);
    boolean again;
    synchronized (lock) {
      if (closed) {
        return;
      }
      log.debug("{}: its history has a gap; its watchers begin anew", key);
      emit(Frame.gap(key, at));
      emit(snapshot);
      at = snapshot.position();
      talk.restart(page.session().head().activeTurn());
      reading = false;
      again = mayRead(!takeWaiting() || unsure);
    }
    readIf(again);
  }

  private void failed(Throwable error) {
    String end = Watch.endOf(error);
    synchronized (lock) {
      if (closed) {
        return;
      }
      reading = false;
      if (end != null) {
        emit(Frame.end(key, null, end));
        end();
        return;
      }
      mustRead = true;
    }
    if (!(error instanceof ProblemException)) {
      log.error("{}: its log could not be read", key, error);
    }
  }

  /** Once a second. */
  void tick(long now) {
    boolean trusted = hubs.coherence.isTrusted(key);
    boolean read;
    Json asked;
    synchronized (lock) {
      talk.tick();
      read = mayRead(mustRead || !trusted);
      asked = closed ? null : presence.askAgain();
    }
    readIf(read);
    if (asked != null) {
      hubs.publish(key, asked);
    }
    tellPresence(now);
  }

  // ---- what is kept only while it lasts

  private void heard(Json text) {
    JsonNode message;
    try {
      message = JSON.readTree(text.utf8());
    } catch (JacksonException _) {
      return;
    }
    Frame typing;
    Json answer;
    synchronized (lock) {
      if (closed) {
        return;
      }
      talk.heard(message);
      answer = presence.heard(message, System.nanoTime());
      typing = presence.typing();
      if (typing != null) {
        emit(typing);
      }
    }
    if (answer != null) {
      hubs.publish(key, answer);
    }
    tellPresence(System.nanoTime());
    talk.ask();
  }

  private void tellPresence(long now) {
    Json told;
    synchronized (lock) {
      if (closed) {
        return;
      }
      told = presence.due(now);
      Frame frame = presence.changed(now);
      if (frame != null) {
        emit(frame);
      }
    }
    if (told != null) {
      hubs.publish(key, told);
    }
  }

  /** What a newcomer is shown, or null when nobody is known to be here. */
  @Nullable Frame present() {
    synchronized (lock) {
      return presence.present();
    }
  }
}
