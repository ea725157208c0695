package io.heddle.turn;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.session.Change;
import io.heddle.session.ChangeFeed;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.publisher.FluxSink;

/**
 * The turns that are followed here, each a {@link FollowedTurn} that is made with its first
 * follower and gone with the last. One listener to the changes and one ticker serve all of them.
 */
final class TurnFollowers implements ChangeFeed.Listener {

  static final Duration TICK = Duration.ofSeconds(1);

  /**
   * Ticks without a word of the store about a turn, beside those in which it need not be asked,
   * after which its followers are told; a Redis that is restarted is back long before.
   */
  private static final int SILENT_TICKS = 8;

  private static final ProblemException SILENCE =
      Problem.of(
              ProblemCode.STORE_UNAVAILABLE,
              "The store does not answer. The turn goes on; ask for it again later")
          .with("retryAfter", 5)
          .toException();

  final TurnStore store;
  final Timers ticks;
  private final int silentTicks;

  private final TurnCounts counts;
  private final Map<Name, FollowedTurn> followed = new ConcurrentHashMap<>();
  private final Map<SessionKey, Set<FollowedTurn>> bySession = new ConcurrentHashMap<>();
  private final Disposable.Composite work = Disposables.composite();
  private Function<String, @Nullable TurnRun> runners = _ -> null;
  private Consumer<SessionKey> queued = _ -> {};
  private IntConsumer losses = _ -> {};

  /** A turn's id does not name the tenant. */
  private record Name(SessionKey session, String turn) {}

  TurnFollowers(TurnStore store, TurnProperties properties, Timers ticks, TurnCounts counts) {
    this.store = store;
    long asked = properties.renewEvery().plus(TICK).minusNanos(1).dividedBy(TICK);
    this.silentTicks = SILENT_TICKS + Math.toIntExact(asked);
    this.ticks = ticks;
    this.counts = counts;
  }

  /**
   * @param runners finds the runner of a turn that runs here
   * @param queued is told of every session in which a turn began to wait,
   * @param losses and of every partition that it may not have been told all of
   */
  void start(
      Function<String, @Nullable TurnRun> runners,
      Consumer<SessionKey> queued,
      IntConsumer losses) {
    this.runners = runners;
    this.queued = queued;
    this.losses = losses;
    work.add(store.feed().listen(this));
    work.add(ticks.every(TICK, () -> followed.values().forEach(FollowedTurn::tick)));
  }

  void close() {
    work.dispose();
  }

  @Nullable TurnRun runner(SessionKey session, String turn) {
    TurnRun runner = runners.apply(turn);
    return runner != null && runner.session().equals(session) ? runner : null;
  }

  /** What followers are told once the store was silent for so many ticks; null before. */
  @Nullable ProblemException silence(int ticks) {
    return ticks < silentTicks ? null : SILENCE;
  }

  static boolean isSilence(Throwable error) {
    return error == SILENCE;
  }

  /** The caller may see the turn. */
  Flux<TurnEvent> follow(SessionKey session, String turn, long after) {
    return Flux.create(
        sink -> {
          FollowedTurn one = enter(session, turn);
          TurnFollower[] me = new TurnFollower[1];
          TurnFollower follower = new TurnFollower(sink, after, () -> one.feedOne(me[0]));
          me[0] = follower;
          counts.followers.increment();
          sink.onDispose(() -> {
            counts.followers.decrement();
            if (one.leave(follower)) {
              forget(one);
            }
          });
          one.join(follower);
        },
        FluxSink.OverflowStrategy.IGNORE);
  }

  private FollowedTurn enter(SessionKey session, String turn) {
    Name name = new Name(session, turn);
    while (true) {
      FollowedTurn one = followed.computeIfAbsent(name, _ -> new FollowedTurn(this, session, turn));
      bySession.compute(
          session,
          (_, some) -> {
            Set<FollowedTurn> all = some == null ? ConcurrentHashMap.newKeySet() : some;
            all.add(one);
            return all;
          });
      if (one.enter()) {
        return one;
      }
      forget(one);
    }
  }

  private void forget(FollowedTurn one) {
    followed.remove(new Name(one.session(), one.id()), one);
    bySession.computeIfPresent(
        one.session(),
        (_, some) -> {
          some.remove(one);
          return some.isEmpty() ? null : some;
        });
  }

  /** Nobody joins it any more: who comes now reads what there is. */
  void ended(FollowedTurn one) {
    forget(one);
  }

  // ---- of the runners here

  void said(SessionKey session, String turn, long seq, List<ModelEvent> pieces) {
    ifFollowed(session, turn, one -> one.said(seq, pieces, true));
  }

  void ended(TurnEvent.Ended ended, long events) {
    ifFollowed(ended.turn().session(), ended.turn().id(), one -> one.endedHere(ended, events));
  }

  void lost(SessionKey session, String turn) {
    ifFollowed(session, turn, FollowedTurn::lostHere);
  }

  private void ifFollowed(SessionKey session, String turn, Consumer<FollowedTurn> then) {
    FollowedTurn one = followed.get(new Name(session, turn));
    if (one != null) {
      then.accept(one);
    }
  }

  // ---- of the changes

  @Override
  public void changed(Change.Published change) {
    // One that came without its body is of whatever kind.
    String type = change.body() == null ? null : Change.typeOf(change.body());
    if ("turn.queued".equals(type)) {
      queued.accept(change.session());
    }
    if (type == null || type.startsWith("turn.") || type.startsWith("session.")) {
      bySession.getOrDefault(change.session(), Set.of()).forEach(FollowedTurn::look);
    }
  }

  @Override
  public void compared(int partition, long seq, long askedAt) {
    // Each turn is looked at every second anyway.
  }

  @Override
  public void lost(int partition, ChangeFeed.Loss loss) {
    losses.accept(partition);
  }
}
