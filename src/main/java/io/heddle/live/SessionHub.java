package io.heddle.live;

import io.heddle.base.Position;
import io.heddle.base.SessionKey;
import io.heddle.nearcache.Coherence;
import io.heddle.session.Change;
import io.heddle.session.LiveMessage;
import io.heddle.session.Session;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;

/**
 * One session that is watched here. What happened to it ({@link ChangeStream}), what its running
 * turn says ({@link RunningTurnTracker}) and who is here ({@link Presence}) become one stream of
 * frames, the same for all its {@link Watchers}.
 *
 * <p>Changes come on the feed's thread, messages on the channel's, answers of the store on others:
 * one lock guards all that a hub knows. Nothing waits while it is held, and the store is never
 * asked under it: whoever gives it back calls {@link #read}.
 */
final class SessionHub implements Coherence.Follower {

  private final WatchContext context;
  private final Consumer<SessionHub> ended;
  final SessionKey key;
  final Object lock = new Object();
  final Watchers watchers;
  private final RunningTurnTracker tracker;
  private final ChangeStream changes;
  private final Presence presence;
  private @Nullable Disposable following;
  private @Nullable Disposable listening;

  /**
   * @param ended is told once the session has ended, under the lock
   */
  SessionHub(WatchContext context, SessionKey key, Consumer<SessionHub> ended) {
    this.context = context;
    this.key = key;
    this.ended = ended;
    this.watchers = new Watchers(context.counts());
    this.tracker = new RunningTurnTracker(context, this);
    this.changes = new ChangeStream(context, this, tracker);
    this.presence = new Presence(key, context.replica());
  }

  // ---- watchers

  /** Follows the session from now on; false when this hub is gone. */
  boolean join(Executor loop, @Nullable String user) {
    boolean first;
    synchronized (lock) {
      if (watchers.areClosed()) {
        return false;
      }
      first = watchers.join(loop);
      if (first) {
        following = context.coherence().follow(key, this);
        listening = context.channel().listen(key, this::heard);
      }
      presence.joined(user);
    }
    if (first) {
      context.publish(key, presence.ask());
    }
    tellPresence(System.nanoTime());
    return true;
  }

  /** True when that was the last one, and this hub is gone. */
  boolean leave(Executor loop, @Nullable String user) {
    boolean last;
    LiveMessage farewell = null;
    synchronized (lock) {
      presence.left(user);
      last = watchers.leave(loop);
      if (last && !watchers.areClosed()) {
        close();
        farewell = presence.farewell();
      }
    }
    if (farewell != null) {
      context.publish(key, farewell);
    }
    tellPresence(System.nanoTime());
    return last;
  }

  LoopFanout groupOf(Executor loop) {
    synchronized (lock) {
      return watchers.group(loop);
    }
  }

  /** Under the lock: the session has ended, and all were told. */
  void end() {
    close();
    ended.accept(this);
  }

  private void close() {
    watchers.close();
    if (following != null) {
      following.dispose();
    }
    if (listening != null) {
      listening.dispose();
    }
  }

  /** A watch is level at a position: a hub that has none yet goes on from there. */
  void learn(Position position) {
    synchronized (lock) {
      changes.learn(position);
      tracker.want();
    }
    read();
  }

  /** What a watch was told of the session. */
  void know(Session session) {
    synchronized (lock) {
      tracker.runs(session);
    }
  }

  /** What the running turn has said; null for a watch that is not where this hub is. */
  @Nullable Frame soFar(Position here) {
    synchronized (lock) {
      return changes.isAt(here) ? tracker.soFar() : null;
    }
  }

  // ---- what happens

  @Override
  public void changed(Change.Published change) {
    Frame frame = Frame.change(key, change.position(), change.previousTag(), change.body());
    synchronized (lock) {
      if (watchers.areClosed()) {
        return;
      }
      changes.take(frame);
    }
    read();
  }

  @Override
  public void missed() {
    synchronized (lock) {
      changes.missed();
    }
    read();
  }

  /** Once a second. */
  void tick(long now) {
    boolean trusted = context.coherence().isTrusted(key);
    LiveMessage asked;
    synchronized (lock) {
      if (watchers.areClosed()) {
        return;
      }
      changes.tick(trusted);
      tracker.tick();
      asked = presence.askAgain();
    }
    read();
    if (asked != null) {
      context.publish(key, asked);
    }
    tellPresence(now);
  }

  /** Asks the store what must be asked; not under the lock. */
  void read() {
    changes.read();
    tracker.read();
  }

  // ---- what is kept only while it lasts

  private void heard(LiveMessage message) {
    LiveMessage answer = null;
    synchronized (lock) {
      if (watchers.areClosed()) {
        return;
      }
      switch (message) {
        case LiveMessage.TurnFlushed flushed -> tracker.heard(flushed);
        case LiveMessage.Typing(String user) -> watchers.tell(Frame.typing(key, user));
        case LiveMessage.PresenceAsked asked -> answer = presence.answer(asked, System.nanoTime());
        case LiveMessage.PresenceTold told -> presence.heard(told, System.nanoTime());
        case LiveMessage.TurnCancelled _, LiveMessage.LockReleased _ -> {}
      }
    }
    if (answer != null) {
      context.publish(key, answer);
    }
    tellPresence(System.nanoTime());
    tracker.read();
  }

  /** Tells who came or left: the other replicas, and the watchers here. */
  private void tellPresence(long now) {
    LiveMessage told;
    synchronized (lock) {
      if (watchers.areClosed()) {
        return;
      }
      told = presence.due(now);
      Frame frame = presence.changed(now);
      if (frame != null) {
        watchers.tell(frame);
      }
    }
    if (told != null) {
      context.publish(key, told);
    }
  }

  /** Whether everybody is told that a user is typing, or was just told. */
  boolean mayType(String user, long now) {
    synchronized (lock) {
      return presence.mayType(user, now);
    }
  }

  /** What a newcomer is shown, or null when nobody is known to be here. */
  @Nullable Frame present() {
    synchronized (lock) {
      return presence.present();
    }
  }
}
