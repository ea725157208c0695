package io.heddle.live;

import io.heddle.base.Caller;
import io.heddle.base.Position;
import io.heddle.base.SessionKey;
import io.heddle.nearcache.Coherence;
import io.heddle.session.ChangeLog;
import io.heddle.session.ChangeLog.Replay;
import io.heddle.session.LiveChannel;
import io.heddle.session.LiveMessage;
import io.heddle.session.SessionReader;
import io.heddle.session.TurnLog;
import java.time.Duration;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/**
 * The watched sessions of this replica: a {@link SessionHub} each, made with the first watcher and
 * gone with the last. One ticker serves all of them.
 */
public final class SessionHubs implements AutoCloseable {

  private static final Duration TICK = Duration.ofSeconds(1);

  private final WatchContext context;
  private final Map<SessionKey, SessionHub> hubs = new ConcurrentHashMap<>();
  private final Disposable ticker;

  public SessionHubs(
      Coherence coherence,
      ChangeLog log,
      TurnLog turns,
      SessionReader reader,
      LiveChannel channel,
      LiveProperties properties) {
    this(coherence, log, turns, reader, channel, properties, TICK);
  }

  SessionHubs(
      Coherence coherence,
      ChangeLog log,
      TurnLog turns,
      SessionReader reader,
      LiveChannel channel,
      LiveProperties properties,
      Duration tick) {
    String replica = UUID.randomUUID().toString();
    this.context =
        new WatchContext(
            coherence, log, turns, reader, channel, properties, new LiveCounters(), replica);
    this.ticker =
        Schedulers.parallel()
            .schedulePeriodically(
                () -> tick(System.nanoTime()),
                tick.toMillis(),
                tick.toMillis(),
                TimeUnit.MILLISECONDS);
  }

  @Override
  public void close() {
    ticker.dispose();
  }

  /**
   * Begins a watch; only on the outlet's loop.
   *
   * @param since the last position the watcher has seen, or null to begin with a snapshot
   */
  public Watch watch(
      SessionKey key,
      Caller caller,
      @Nullable Position since,
      FrameSink outlet,
      Watch.Listener listener) {
    SessionHub hub = acquire(key, outlet, caller.user());
    Watch watch = new Watch(this, context, hub, caller, since, outlet, listener);
    watch.start();
    return watch;
  }

  /** Whether the session has ended, and this position is that of its end. */
  public Mono<Boolean> endedAt(SessionKey key, Caller caller, Position position) {
    return context
        .log()
        .after(key, caller.owner(), position, 1)
        .map(said -> said instanceof Replay.Ended ended && position.equals(ended.end()));
  }

  /**
   * Tells every watcher of the session, on any replica, that the user is writing something; not
   * more than once a second, however often a client says so.
   */
  public Mono<Void> typing(SessionKey key, String user) {
    return typing(key, user, System.nanoTime());
  }

  Mono<Void> typing(SessionKey key, String user, long now) {
    SessionHub hub = hubs.get(key);
    return hub == null || hub.mayType(user, now)
        ? context.channel().publish(key, new LiveMessage.Typing(user))
        : Mono.empty();
  }

  private SessionHub acquire(SessionKey key, FrameSink outlet, @Nullable String user) {
    while (true) {
      SessionHub hub = hubs.computeIfAbsent(key, k -> new SessionHub(context, k, this::ended));
      if (hub.join(outlet.loop(), user)) {
        context.counts().watches.increment();
        return hub;
      }
      hubs.remove(key, hub);
    }
  }

  void release(SessionHub hub, FrameSink outlet, @Nullable String user) {
    context.counts().watches.decrement();
    if (hub.leave(outlet.loop(), user)) {
      hubs.remove(hub.key, hub);
    }
  }

  /** Nobody joins it any more: who comes now watches the session that is there now. */
  private void ended(SessionHub hub) {
    hubs.remove(hub.key, hub);
  }

  void tick(long now) {
    hubs.values().forEach(hub -> hub.tick(now));
  }

  /** Sessions that are watched now. */
  public int watchedSessions() {
    return hubs.size();
  }

  public long watches() {
    return context.counts().watches.sum();
  }

  /** Frames that were handed to connections, since the start. */
  public long delivered() {
    return context.counts().delivered.sum();
  }

  /** Watches that had to begin anew with a snapshot, since the start. */
  public long gaps() {
    return context.counts().gaps.sum();
  }

  /** Reads of the logs of changes and of turns, since the start. */
  public long logReads() {
    return context.counts().logReads.sum();
  }
}
