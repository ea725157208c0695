package io.heddle.turn;

import io.heddle.base.SerialExecutor;
import io.heddle.base.SessionKey;
import io.heddle.json.Json;
import io.heddle.session.Turn.Cancel;
import io.heddle.session.TurnAttempt;
import io.heddle.session.TurnLog;
import io.heddle.session.TurnLog.Flushed;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;

/**
 * Writes what a model says to the turn's log: the first piece at once, later ones together, one
 * write at a time. A write that fails is sent again until the store says what became of it: the log
 * compares seqs, so sending it twice does no harm, and a turn whose model speaks is not given up
 * because the store was away. Everything here is done within the runner's {@link SerialExecutor}.
 */
final class Flusher {

  /** Consecutive text is one event up to this length. */
  private static final int EVENT_CHARS = 16 * 1024;

  /** So much goes into one write, should much have gathered while the store was away. */
  private static final int BATCH_CHARS = 256 * 1024;

  /**
   * So long a store that is full is asked to take the same again: somebody may be making room. Less
   * than callers wait to be told.
   */
  private static final Duration FULL = Duration.ofSeconds(3);

  private static final Logger logger = LoggerFactory.getLogger(Flusher.class);

  private final TurnLog log;
  private final SessionKey key;
  private final TurnAttempt attempt;
  private final Duration lease;
  private final long every;
  private final Duration renewEvery;
  private final SerialExecutor serial;
  private final Timers ticks;
  private final TurnCounts counts;
  private final LargeWrites largeWrites;
  private final Owner owner;

  private final List<Growing> pending = new ArrayList<>();
  private List<ModelEvent> unkept = List.of();
  private @Nullable Batch inFlight;
  private @Nullable Disposable timer;
  private @Nullable Runnable whenDrained;
  private long last;
  private long sentAt;

  /** When the last of the answered writes was sent: the lease lasts from then on, or from later. */
  private volatile long renewedAt;

  private long renewalSentAt;
  private boolean renewing;
  private int failures;
  private long fullSince;
  private boolean full;
  private boolean askAgain;
  private boolean stopped;

  /** Is told what the log took. */
  interface Owner {

    /** It stands in the log, from this seq on; perhaps nothing does, and the lease was renewed. */
    void kept(long seq, List<ModelEvent> pieces);

    void cancelled(Cancel cancel);

    /** The store has no room, and will not be asked to take more. */
    void full();

    /** The turn is another's now, or gone; nothing more is written. */
    void lost();
  }

  private record Batch(
      long after, List<ModelEvent> pieces, List<Json> events, long bytes, long startedAt) {}

  Flusher(
      TurnLog log,
      SessionKey key,
      TurnAttempt attempt,
      TurnProperties properties,
      SerialExecutor serial,
      Timers ticks,
      TurnCounts counts,
      LargeWrites largeWrites,
      Owner owner) {
    this.log = log;
    this.key = key;
    this.attempt = attempt;
    this.lease = properties.lease();
    this.renewEvery = properties.renewEvery();
    this.every = properties.flushEvery().toNanos();
    this.serial = serial;
    this.ticks = ticks;
    this.counts = counts;
    this.largeWrites = largeWrites;
    this.owner = owner;
    sentAt = ticks.now();
    renewedAt = sentAt;
  }

  /** Seq of the last event that stands in the log. */
  long last() {
    return last;
  }

  /** When what the store answered last was sent. From any thread. */
  long heardAt() {
    return renewedAt;
  }

  /**
   * What was said and is not in the log, because the store had no room for it. Its seqs would
   * follow {@link #last}.
   */
  List<ModelEvent> unkept() {
    return unkept;
  }

  void add(ModelEvent piece) {
    Growing open = pending.isEmpty() ? null : pending.getLast();
    if (open == null || !open.takes(piece)) {
      pending.add(new Growing(piece));
    }
    sendLater();
  }

  /**
   * Renews the lease, if the store has answered no write of that long; by a write of its own and
   * without events, because one that is on its way may be large, and stand behind many large ones.
   */
  void renew(Duration silence) {
    long now = ticks.now();
    // One that is not answered is not waited for longer than half of the lease.
    boolean waits = renewing && now - renewalSentAt < lease.toNanos() / 2;
    if (stopped || waits || now - renewedAt < silence.toNanos()) {
      return;
    }
    renewing = true;
    renewalSentAt = now;
    log.flush(key, attempt, last, List.of(), lease)
        .subscribe(
            flushed -> serial.execute(() -> renewed(now, flushed)),
            error -> serial.execute(() -> notRenewed(now, error)));
  }

  private void renewed(long sent, Flushed flushed) {
    if (stopped) {
      return;
    }
    renewing &= renewalSentAt != sent;
    Cancel cancel =
        switch (flushed) {
          case Flushed.Kept kept -> kept.cancel();
          case Flushed.Full refused -> refused.cancel();
          case Flushed.Lost _ -> null;
        };
    if (cancel == null) {
      stop();
      owner.lost();
      return;
    }
    renewedAt = Math.max(renewedAt, sent);
    if (cancel != Cancel.NONE) {
      owner.cancelled(cancel);
    }
  }

  /** The next tick tries again. */
  private void notRenewed(long sent, Throwable error) {
    if (stopped) {
      return;
    }
    renewing &= renewalSentAt != sent;
    if (StoreErrors.isGone(error)) {
      stop();
      owner.lost();
    }
  }

  /** Asks what is wanted of the turn: at once, or once more if a write is on its way already. */
  void ask() {
    askAgain = inFlight != null;
    sendNow();
  }

  private void sendNow() {
    if (inFlight == null && !stopped) {
      stopTimer();
      send();
    }
  }

  /** Writes all there is, and then does that; of what the store has no room for it keeps aside. */
  void drain(Runnable then) {
    whenDrained = then;
    if (full && inFlight != null && timer != null) {
      // It was refused a moment ago.
      Batch batch = inFlight;
      inFlight = null;
      stopTimer();
      refused(batch);
      return;
    }
    if (pending.isEmpty() && inFlight == null) {
      drained();
    } else {
      sendNow();
    }
  }

  void stop() {
    stopped = true;
    stopTimer();
    pending.clear();
    whenDrained = null;
  }

  private void sendLater() {
    if (inFlight != null || timer != null || stopped || pending.isEmpty()) {
      return;
    }
    long wait = last == 0 || whenDrained != null ? 0 : sentAt + every - ticks.now();
    if (wait <= 0) {
      send();
    } else {
      timer = ticks.after(Duration.ofNanos(wait), () -> serial.execute(this::timeIsUp));
    }
  }

  private void timeIsUp() {
    timer = null;
    if (inFlight == null && !stopped) {
      send();
    }
  }

  private void send() {
    List<ModelEvent> pieces = new ArrayList<>();
    List<Json> events = new ArrayList<>();
    int chars = 0;
    int taken = 0;
    while (taken < pending.size() && chars < BATCH_CHARS) {
      ModelEvent piece = pending.get(taken++).toPiece();
      Json event = ModelEventCodec.encode(piece);
      pieces.add(piece);
      events.add(event);
      chars += event.length();
    }
    pending.subList(0, taken).clear();
    send(new Batch(last, List.copyOf(pieces), List.copyOf(events), chars, ticks.now()));
  }

  private void send(Batch batch) {
    inFlight = batch;
    sentAt = ticks.now();
    largeWrites
        .send(batch.bytes(), log.flush(key, attempt, batch.after(), batch.events(), lease))
        .subscribe(
            flushed -> serial.execute(() -> answered(batch, flushed)),
            error -> serial.execute(() -> failed(batch, error)));
  }

  private void answered(Batch batch, Flushed flushed) {
    if (stopped || inFlight != batch) {
      return;
    }
    inFlight = null;
    renewedAt = Math.max(renewedAt, sentAt);
    switch (flushed) {
      case Flushed.Lost _ -> {
        stop();
        owner.lost();
      }
      case Flushed.Full(Cancel cancel) -> {
        refused(batch);
        if (cancel != Cancel.NONE && !stopped) {
          owner.cancelled(cancel);
        }
      }
      case Flushed.Kept(_, Cancel cancel) -> {
        full = false;
        failures = 0;
        counts.flush.add(ticks.now() - batch.startedAt());
        last = batch.after() + batch.pieces().size();
        owner.kept(batch.after() + 1, batch.pieces());
        if (cancel != Cancel.NONE && !stopped) {
          owner.cancelled(cancel);
        }
        if (!stopped) {
          goOn();
        }
      }
    }
  }

  /**
   * The lease was renewed, but nothing was added. Whoever waits for the rest to be written, to end
   * the turn, need not wait: the end is what decides whether there is room for the answer.
   */
  private void refused(Batch batch) {
    long now = ticks.now();
    if (!full) {
      full = true;
      fullSince = now;
    }
    if (whenDrained == null && now - fullSince < FULL.toNanos()) {
      inFlight = batch;
      sendAgain(batch);
      return;
    }
    List<ModelEvent> all = new ArrayList<>(batch.pieces());
    pending.forEach(growing -> all.add(growing.toPiece()));
    pending.clear();
    unkept = List.copyOf(all);
    if (whenDrained != null) {
      drained();
    } else {
      owner.full();
    }
  }

  private void goOn() {
    if (askAgain) {
      // What was asked for while that one was on its way it may have been too early for.
      askAgain = false;
      sendNow();
    } else if (!pending.isEmpty()) {
      sendLater();
    } else if (whenDrained != null && inFlight == null) {
      drained();
    }
  }

  private void drained() {
    Runnable then = whenDrained;
    whenDrained = null;
    if (then != null) {
      then.run();
    }
  }

  /** The same again, whatever the error was: without an answer nobody knows what the log took. */
  private void failed(Batch batch, Throwable error) {
    if (stopped || inFlight != batch) {
      return;
    }
    if (StoreErrors.isGone(error)) {
      stop();
      owner.lost();
      return;
    }
    if (failures == 0 && !StoreErrors.isAway(error) && !StoreErrors.isFull(error)) {
      logger.error("{}: the log did not take what was said; it is sent again", attempt, error);
    }
    if (StoreErrors.isFull(error)) {
      inFlight = null;
      refused(batch);
    } else {
      sendAgain(batch);
    }
  }

  private void sendAgain(Batch batch) {
    counts.flushRetries.increment();
    Duration pause = Timers.AWAY.pause(++failures);
    timer =
        ticks.after(
            // It renews the lease, too.
            pause.compareTo(renewEvery) < 0 ? pause : renewEvery,
            () ->
                serial.execute(() -> {
                  timer = null;
                  if (!stopped && inFlight == batch) {
                    send(batch);
                  }
                }));
  }

  private void stopTimer() {
    if (timer != null) {
      timer.dispose();
      timer = null;
    }
  }

  /** Consecutive pieces of one kind, which become one event. */
  private static final class Growing {
    private final ModelEvent first;
    private @Nullable StringBuilder more;

    Growing(ModelEvent first) {
      this.first = first;
    }

    boolean takes(ModelEvent next) {
      String text = next.growth();
      if (!goesOn(next)) {
        return false;
      }
      if (more == null) {
        more = new StringBuilder(first.growth());
      }
      if (more.length() + text.length() > EVENT_CHARS) {
        return false;
      }
      more.append(text);
      return true;
    }

    private boolean goesOn(ModelEvent next) {
      return switch (next) {
        case ModelEvent.Text _ -> first instanceof ModelEvent.Text;
        case ModelEvent.Reasoning _ -> first instanceof ModelEvent.Reasoning;
        case ModelEvent.Refusal _ -> first instanceof ModelEvent.Refusal;
        case ModelEvent.ToolCall bit ->
            first instanceof ModelEvent.ToolCall begun
                && begun.index() == bit.index()
                && bit.id() == null
                && bit.name() == null
                && bit.opaque() == null;
        case ModelEvent.Compaction _, ModelEvent.Finish _ -> false;
      };
    }

    ModelEvent toPiece() {
      return more == null ? first : first.withGrowth(more.toString());
    }
  }
}
