package io.heddle.api;

import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.live.Frame;
import io.heddle.live.FrameSink;
import io.heddle.turn.TurnEvent;
import io.heddle.turn.Turns;
import io.heddle.web.StreamProtocol;
import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/**
 * One turn as an event stream. A client that is too slow is not followed for any more, and read for
 * again from the turn's log once there is room: what waits for it is in the store, not here.
 *
 * <p>All of it but the arriving of events is on the outlet's loop.
 */
final class TurnStream implements StreamProtocol {

  private static final Logger log = LoggerFactory.getLogger(TurnStream.class);
  private static final Duration RETRY = Duration.ofSeconds(1);

  /** Events that may be on their way from the log to the loop. */
  private static final int AHEAD = 256;

  private final SessionKey key;
  private final String turn;
  private final LongFunction<Flux<TurnEvent>> follow;
  private final BooleanSupplier runsHere;

  /** The last seq that was sent, or what the client asks to begin with. */
  private long after;

  private int queuedAt;
  private boolean started;
  private boolean ranHere = true;
  private boolean over;
  private @Nullable Reading reading;
  private @Nullable FrameSink outlet;
  private Runnable end = () -> {};

  /**
   * @param follow tells what happens after a seq, as {@code Turns} does
   * @param after where to begin
   * @param runsHere whether this replica will end the turn, and the client waits for that
   */
  TurnStream(
      SessionKey key,
      String turn,
      LongFunction<Flux<TurnEvent>> follow,
      long after,
      BooleanSupplier runsHere) {
    this.key = key;
    this.turn = turn;
    this.follow = follow;
    this.after = after;
    this.runsHere = runsHere;
  }

  @Override
  public void opened(FrameSink opened, Runnable ends) {
    outlet = opened;
    end = ends;
    read();
  }

  @Override
  public void drained() {
    if (reading == null) {
      read();
    }
  }

  @Override
  public void closed() {
    over = true;
    stop();
  }

  /** Its end may still be on the way here when it does not run any more. */
  @Override
  public boolean endsHere() {
    boolean before = ranHere;
    ranHere = runsHere.getAsBoolean();
    return before || ranHere;
  }

  private void read() {
    FrameSink to = outlet;
    if (!over && to != null) {
      Reading next = new Reading(to);
      reading = next;
      follow.apply(after).subscribe(next);
    }
  }

  private void stop() {
    Reading last = reading;
    reading = null;
    if (last != null) {
      last.cancel();
    }
  }

  private void end(FrameSink to) {
    over = true;
    stop();
    to.flush();
    end.run();
  }

  private void take(FrameSink to, TurnEvent event) {
    if (!to.isWritable()) {
      stop();
    } else if (isNews(event)) {
      to.write(TurnAnswers.frame(key, turn, event, after));
      if (event instanceof TurnEvent.Ended) {
        end(to);
      }
    }
  }

  /** Whether the client has not been told it: who reads again is told some things again. */
  private boolean isNews(TurnEvent event) {
    switch (event) {
      case TurnEvent.Queued(int position) -> {
        boolean moved = position != queuedAt && !started;
        queuedAt = position;
        return moved;
      }
      case TurnEvent.Started _ -> {
        boolean first = !started;
        started = true;
        return first;
      }
      case TurnEvent.SoFar(long seq, _) -> {
        after = seq;
        return true;
      }
      case TurnEvent.Delta(long seq, _) -> {
        boolean next = seq > after;
        after = Math.max(after, seq);
        return next;
      }
      case TurnEvent.Ended _ -> {
        return true;
      }
    }
  }

  private void failed(FrameSink to, Throwable error) {
    if (Turns.isSilence(error)) {
      // The client can come back; nothing more is known here.
      end(to);
      return;
    }
    boolean passing =
        error instanceof ProblemException refusal && refusal.problem().code().retryable();
    if (!passing) {
      Frame gone = Frame.end(key, error);
      if (gone != null) {
        to.write(gone);
      } else if (!(error instanceof ProblemException)) {
        log.error("{}: a turn could not be followed", turn, error);
      }
      end(to);
      return;
    }
    Mono.delay(RETRY, Schedulers.parallel())
        .subscribe(_ ->
            to.onLoop(() -> {
              if (reading == null) {
                read();
              }
            }));
  }

  /** Takes events from any thread to the loop; however many wait, they are flushed once. */
  private final class Reading extends BaseSubscriber<TurnEvent> {
    private final FrameSink to;
    private final Queue<Runnable> waiting = new ConcurrentLinkedQueue<>();
    private final AtomicInteger queued = new AtomicInteger();

    Reading(FrameSink to) {
      this.to = to;
    }

    @Override
    protected void hookOnSubscribe(Subscription subscription) {
      request(AHEAD);
    }

    @Override
    protected void hookOnNext(TurnEvent event) {
      offer(() -> take(to, event));
    }

    @Override
    protected void hookOnComplete() {
      offer(() -> end(to));
    }

    @Override
    protected void hookOnError(Throwable error) {
      offer(() -> {
        reading = null;
        failed(to, error);
      });
    }

    private void offer(Runnable event) {
      waiting.add(event);
      if (queued.getAndIncrement() == 0) {
        to.onLoop(this::deliver);
      }
    }

    private void deliver() {
      int taken = queued.get();
      do {
        for (int i = 0; i < taken; i++) {
          Runnable event = waiting.poll();
          if (event != null && reading == this) {
            event.run();
          }
        }
        request(taken);
        taken = queued.addAndGet(-taken);
      } while (taken > 0);
      to.flush();
    }
  }
}
