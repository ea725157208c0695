package io.heddle.web;

import io.heddle.live.Frame;
import io.heddle.live.FrameSink;
import io.netty.util.concurrent.EventExecutor;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;

/**
 * Sends what a publisher has on an event stream, no faster than the connection takes it: while more
 * than its bound waits to be sent, no more is asked for. The stream ends with the publisher, and
 * whoever hangs up cancels it.
 */
public final class FramesProtocol implements StreamProtocol {

  /** Frames that are asked for ahead, where nothing else is said. */
  public static final int AHEAD = 64;

  /** Bytes of frames that are put together for one write; longer ones are written by themselves. */
  private static final int MOST_TAKEN = 8 << 10;

  private final Flux<Frame> frames;
  private final int ahead;
  private @Nullable Writer writer;

  /**
   * @param frames what can go wrong is told by a frame of theirs: an error ends the stream as their
   *     end does
   */
  public FramesProtocol(Flux<Frame> frames) {
    this(frames, AHEAD);
  }

  /**
   * @param ahead frames that are asked for before the connection takes them
   */
  public FramesProtocol(Flux<Frame> frames, int ahead) {
    this.frames = frames;
    this.ahead = ahead;
  }

  @Override
  public void opened(FrameSink outlet, Runnable end) {
    Writer mine = new Writer(outlet, end, ahead);
    writer = mine;
    frames.subscribe(mine);
  }

  @Override
  public void drained() {
    if (writer != null) {
      writer.writeOn();
    }
  }

  @Override
  public void closed() {
    if (writer != null) {
      writer.close();
    }
  }

  /** What was subscribed to already, to see how it begins, is cancelled only through them. */
  @Override
  public void abandoned() {
    frames.subscribe().dispose();
  }

  /**
   * Everything but the signals is on the connection's loop, and they mostly come there. To go there
   * anyway, as an operator would, takes longer than to write what they bring.
   */
  private static final class Writer extends BaseSubscriber<Frame> {
    private final FrameSink outlet;
    private final Runnable end;
    private final int ahead;

    /** How many are taken before as many more are asked for. */
    private final int refill;

    /** Signals on their way to the loop: what comes there meanwhile must not overtake them. */
    private final AtomicInteger onTheirWay = new AtomicInteger();

    /** Asked for, and no room for them yet. */
    private final Queue<Frame> waiting = new ArrayDeque<>(2);

    private int gone;
    private boolean writing;
    private boolean flushing;
    private boolean over;
    private boolean closed;

    /** Taken, and not written yet. */
    private final List<Frame> taken = new ArrayList<>();

    private int takenBytes;

    Writer(FrameSink outlet, Runnable end, int ahead) {
      this.outlet = outlet;
      this.end = end;
      this.ahead = ahead;
      refill = ahead - (ahead >> 2);
    }

    @Override
    protected void hookOnSubscribe(Subscription subscription) {
      request(ahead);
    }

    @Override
    protected void hookOnNext(Frame frame) {
      if (isHere()) {
        next(frame);
      } else {
        send(() -> next(frame));
      }
    }

    @Override
    protected void hookOnComplete() {
      if (isHere()) {
        over();
      } else {
        send(this::over);
      }
    }

    @Override
    protected void hookOnError(Throwable error) {
      hookOnComplete();
    }

    private boolean isHere() {
      return outlet.loop() instanceof EventExecutor loop
          && loop.inEventLoop()
          && onTheirWay.get() == 0;
    }

    private void send(Runnable signal) {
      onTheirWay.incrementAndGet();
      outlet
          .loop()
          .execute(() -> {
            onTheirWay.decrementAndGet();
            signal.run();
          });
    }

    // ---- on the loop

    private void next(Frame frame) {
      waiting.add(frame);
      writeOn();
    }

    private void over() {
      over = true;
      writeOn();
    }

    void close() {
      closed = true;
      waiting.clear();
      dispose();
    }

    void writeOn() {
      if (writing || closed) {
        return;
      }
      writing = true;
      while (outlet.isWritable() && !waiting.isEmpty()) {
        take(waiting.remove());
        if (++gone == refill) {
          gone = 0;
          request(refill);
        }
      }
      writing = false;
      if (over && waiting.isEmpty()) {
        closed = true;
        write();
        // It goes out with the end of the answer.
        end.run();
        outlet.flush();
      }
    }

    private void take(Frame frame) {
      taken.add(frame);
      takenBytes += frame.size();
      if (takenBytes >= MOST_TAKEN) {
        write();
      }
      // What comes in one burst goes out together, at the end of this turn of the loop.
      if (!flushing) {
        flushing = true;
        outlet.loop().execute(this::flush);
      }
    }

    private void write() {
      if (!taken.isEmpty()) {
        outlet.writeAll(taken);
        taken.clear();
        takenBytes = 0;
      }
    }

    private void flush() {
      flushing = false;
      write();
      outlet.flush();
    }
  }
}
