package io.heddle.turn;

import io.heddle.base.ProblemException;
import io.heddle.base.SerialExecutor;
import io.heddle.base.SessionKey;
import io.heddle.json.Json;
import io.heddle.session.LiveMessage;
import io.heddle.session.LiveMessage.TurnFlushed;
import io.heddle.session.Message;
import io.heddle.session.Turn;
import io.heddle.session.TurnAttempt;
import io.heddle.session.TurnLog.Recorded;
import io.heddle.turn.TurnEvent.Delta;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;

/**
 * One turn that is followed here: makes of its log and of what is told of it one ordered stream
 * without a hole, for all its followers.
 *
 * <p>What the log took is told by the runner, if it is here, else by the live channel. What comes
 * next in order is passed on at once; for anything else, and each second in any case, the log is
 * read from the last event on, once for everybody. The live channel is listened to before the first
 * read, so nothing falls between the two.
 */
final class FollowedTurn {

  private static final int CLOSED = -1;
  private static final int PAGE = 1000;

  private final TurnFollowers all;
  private final SessionKey key;
  private final String id;
  private final SerialExecutor serial = new SerialExecutor();
  private final AtomicInteger members = new AtomicInteger();
  private final List<TurnFollower> followers = new ArrayList<>();
  private final TurnTranscript said = new TurnTranscript();

  private @Nullable Disposable listening;
  private @Nullable Turn turn;
  private TurnEvent.@Nullable Ended end;
  private boolean ready;
  private boolean reading;
  private boolean readAgain;
  private boolean fetching;
  private long readAt;
  private long heardAt;
  private long heardBefore;
  private long countedAt;
  private int silent;
  private volatile boolean local;

  FollowedTurn(TurnFollowers all, SessionKey key, String id) {
    this.all = all;
    this.key = key;
    this.id = id;
    this.heardAt = all.ticks.now();
    this.heardBefore = heardAt;
    this.countedAt = heardAt;
  }

  SessionKey session() {
    return key;
  }

  String id() {
    return id;
  }

  // ---- from any thread

  /** Whether one more follower may come; the first one starts it. */
  boolean enter() {
    while (true) {
      int now = members.get();
      if (now == CLOSED) {
        return false;
      }
      if (members.compareAndSet(now, now + 1)) {
        if (now == 0) {
          serial.execute(this::start);
        }
        return true;
      }
    }
  }

  void join(TurnFollower follower) {
    serial.execute(() -> {
      followers.add(follower);
      if (ready) {
        begin(follower);
      }
    });
  }

  /** Whether that was the last one; nobody comes after. */
  boolean leave(TurnFollower follower) {
    serial.execute(() -> followers.remove(follower));
    if (members.decrementAndGet() == 0 && members.compareAndSet(0, CLOSED)) {
      serial.execute(() -> {
        if (listening != null) {
          listening.dispose();
        }
      });
      return true;
    }
    return false;
  }

  /** What the runner here, or the live channel, says that the log took. */
  void said(long seq, List<ModelEvent> pieces, boolean byRunner) {
    serial.execute(() -> {
      local |= byRunner;
      heardAt = all.ticks.now();
      take(seq, pieces);
    });
  }

  /** The runner here has ended the turn, after this many events. */
  void endedHere(TurnEvent.Ended ended, long events) {
    serial.execute(() -> {
      local = false;
      if (ready && isRunning() && said.last() == events) {
        finish(ended);
      } else {
        read();
      }
    });
  }

  /** There is no runner here any more. */
  void lostHere() {
    serial.execute(() -> {
      local = false;
      read();
    });
  }

  /** Something happened to the session's turns. */
  void look() {
    if (!local) {
      serial.execute(this::read);
    }
  }

  void tick() {
    serial.execute(() -> {
      followers.forEach(this::feed);
      if (local && all.runner(key, id) == null) {
        local = false;
      }
      if (!local && end == null && all.ticks.now() - readAt >= TurnFollowers.TICK.toNanos() / 2) {
        read();
      }
      countSilence();
    });
  }

  /**
   * Counts looks at a silent store and not the time: after a pause of this process, in which nobody
   * could ask it, all of that time would be the store's.
   */
  private void countSilence() {
    long now = all.ticks.now();
    if (end != null || now - countedAt < TurnFollowers.TICK.toNanos() / 2) {
      return;
    }
    countedAt = now;
    TurnRun runner = all.runner(key, id);
    long heard = runner == null ? heardAt : Math.max(heardAt, runner.heardAt());
    silent = heard == heardBefore ? silent + 1 : 0;
    heardBefore = heard;
    ProblemException silence = all.silence(silent);
    if (silence != null) {
      failAll(silence);
    }
  }

  void feedOne(TurnFollower follower) {
    serial.execute(() -> feed(follower));
  }

  // ---- within the serial

  private void start() {
    listening = all.store.channel().listen(key, this::heard);
    TurnRun runner = all.runner(key, id);
    // Asked after this was entered in the map: what its log takes from now on is told here.
    if (runner != null && runner.taken() == 0) {
      local = true;
      turn = runner.turn();
      level();
    } else {
      read();
    }
  }

  private void heard(LiveMessage message) {
    if (!local
        && message instanceof TurnFlushed(TurnAttempt attempt, long seq, List<Json> events)
        && attempt.turn().equals(id)) {
      said(seq, ModelEventCodec.decodeAll(events), false);
    }
  }

  private boolean isRunning() {
    Turn now = turn;
    return now != null && now.status() == Turn.Status.RUNNING;
  }

  private void take(long seq, List<ModelEvent> pieces) {
    if (end != null || (seq > 0 && seq + pieces.size() <= said.last() + 1)) {
      return;
    }
    if (isRunning() && said.add(seq, pieces, this::pass)) {
      followers.forEach(TurnFollower::drain);
    } else {
      read();
    }
  }

  private void pass(long seq, ModelEvent piece) {
    Delta delta = new Delta(seq, piece);
    for (TurnFollower follower : followers) {
      if (follower.hasBegun() && !follower.isBehind()) {
        follower.take(delta);
      }
    }
  }

  private void read() {
    if (end != null || members.get() == CLOSED) {
      return;
    }
    if (reading) {
      readAgain = true;
      return;
    }
    reading = true;
    readAgain = false;
    readAt = all.ticks.now();
    long after = said.last();
    all.store
        .log()
        .read(key, null, id, after, PAGE)
        .subscribe(
            recorded -> serial.execute(() -> recorded(after, recorded)),
            error -> serial.execute(() -> unread(error)));
  }

  private void recorded(long after, Recorded recorded) {
    reading = false;
    heardAt = all.ticks.now();
    if (end != null) {
      return;
    }
    see(recorded.turn());
    if (after + recorded.events().size() > said.last()) {
      said.addLogged(after + 1, recorded.events(), this::pass);
      followers.forEach(TurnFollower::drain);
    }
    boolean level = said.last() >= recorded.last() || recorded.events().isEmpty();
    if (level && !ready) {
      level();
    }
    if (level && recorded.turn().status().isEnd()) {
      fetchEnd(recorded.turn());
    } else if (!level || readAgain) {
      read();
    }
  }

  private void unread(Throwable error) {
    reading = false;
    // A store that is away is asked again at the next tick, but whoever has just come is told.
    if (end == null && (!ready || !StoreErrors.isAway(error))) {
      failAll(error);
    }
  }

  private void failAll(Throwable error) {
    for (TurnFollower follower : List.copyOf(followers)) {
      follower.fail(error);
      follower.drain();
    }
  }

  /** What changed in the record since it was last seen. */
  private void see(Turn now) {
    Turn before = turn;
    turn = now;
    if (before == null || before.status() != Turn.Status.QUEUED) {
      return;
    }
    TurnEvent news =
        now.status() == Turn.Status.QUEUED
            ? now.queuePosition() == before.queuePosition()
                ? null
                : new TurnEvent.Queued(now.queuePosition())
            : now.startedAt() == null ? null : new TurnEvent.Started(now);
    if (news != null) {
      for (TurnFollower follower : followers) {
        if (follower.hasBegun() && follower.isNew()) {
          follower.tell(news);
          follower.drain();
        }
      }
    }
  }

  private void level() {
    ready = true;
    for (TurnFollower follower : List.copyOf(followers)) {
      begin(follower);
    }
  }

  private void begin(TurnFollower follower) {
    Turn now = turn;
    if (now == null || follower.hasBegun()) {
      return;
    }
    follower.begin();
    if (follower.isNew()) {
      if (now.status() == Turn.Status.QUEUED) {
        follower.tell(new TurnEvent.Queued(now.queuePosition()));
      } else if (now.startedAt() != null) {
        follower.tell(new TurnEvent.Started(now));
      }
    }
    follower.compare(said.last());
    endIfLevel(follower);
    follower.drain();
    feed(follower);
  }

  /** Gives a follower that fell behind, or came late, what it lacks, as far as it wants it. */
  private void feed(TurnFollower follower) {
    if (!follower.isHungry()) {
      return;
    }
    if (follower.isFarFrom(said.last())) {
      follower.soFar(new TurnEvent.SoFar(said.last(), said.soFar()));
      fed(follower);
      return;
    }
    if (follower.at() >= said.last()) {
      fed(follower);
      return;
    }
    follower.beginRead();
    long after = follower.at();
    all.store
        .log()
        .read(key, null, id, after, follower.room())
        .subscribe(
            recorded ->
                serial.execute(() -> {
                  follower.endRead();
                  heardAt = all.ticks.now();
                  if (recorded.events().isEmpty()) {
                    // A failover lost what others were told before: it is in no log any more, but
                    // the end has the whole answer. Until then the next tick asks again.
                    if (end != null) {
                      follower.skip();
                      endIfLevel(follower);
                      follower.drain();
                    }
                    return;
                  }
                  long seq = after;
                  for (ModelEvent piece : ModelEventCodec.decodeAll(recorded.events())) {
                    follower.take(new Delta(++seq, piece));
                  }
                  fed(follower);
                }),
            error ->
                serial.execute(() -> {
                  follower.endRead();
                  if (!StoreErrors.isAway(error)) {
                    follower.fail(error);
                    follower.drain();
                  }
                }));
  }

  private void fed(TurnFollower follower) {
    follower.compare(said.last());
    endIfLevel(follower);
    follower.drain();
  }

  private void endIfLevel(TurnFollower follower) {
    TurnEvent.Ended ended = end;
    if (ended != null && !follower.isBehind() && !follower.isOver()) {
      follower.end(ended);
    }
  }

  private void fetchEnd(Turn ended) {
    if (fetching) {
      return;
    }
    fetching = true;
    Records.output(all.store.reader(), ended)
        .subscribe(
            messages -> serial.execute(() -> fetched(ended, messages)),
            error ->
                serial.execute(() -> {
                  fetching = false;
                  // The output went with the session, or was deleted; else the next look finds it.
                  if (!StoreErrors.isAway(error)) {
                    fetched(ended, List.of());
                  }
                }));
  }

  private void fetched(Turn ended, List<Message> messages) {
    if (end == null) {
      finish(new TurnEvent.Ended(ended, messages));
    }
  }

  private void finish(TurnEvent.Ended ended) {
    end = ended;
    turn = ended.turn();
    all.ended(this);
    for (TurnFollower follower : List.copyOf(followers)) {
      if (follower.hasBegun()) {
        endIfLevel(follower);
        follower.drain();
      } else {
        begin(follower);
      }
    }
  }
}
