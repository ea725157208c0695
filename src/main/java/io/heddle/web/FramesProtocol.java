package io.heddle.web;

import io.heddle.live.Frame;
import io.heddle.live.Outlet;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.SignalType;
import reactor.core.scheduler.Schedulers;

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
  public void opened(Outlet outlet, Runnable end) {
    Writer mine = new Writer(outlet, end);
    writer = mine;
    frames.publishOn(Schedulers.fromExecutor(outlet.loop()), ahead).subscribe(mine);
  }

  @Override
  public void drained() {
    if (writer != null) {
      writer.more();
    }
  }

  @Override
  public void closed() {
    if (writer != null) {
      writer.dispose();
    }
  }

  /** What was subscribed to already, to see how it begins, is cancelled only through them. */
  @Override
  public void abandoned() {
    frames.subscribe().dispose();
  }

  /** Everything but the cancelling is called on the connection's loop. */
  private static final class Writer extends BaseSubscriber<Frame> {
    private final Outlet outlet;
    private final Runnable end;
    private boolean asked;
    private boolean flushing;

    /** Taken, and not written yet. */
    private final List<Frame> taken = new ArrayList<>();

    private int takenBytes;

    Writer(Outlet outlet, Runnable end) {
      this.outlet = outlet;
      this.end = end;
    }

    @Override
    protected void hookOnSubscribe(Subscription subscription) {
      more();
    }

    void more() {
      if (!asked && outlet.isWritable()) {
        asked = true;
        request(1);
      }
    }

    @Override
    protected void hookOnNext(Frame frame) {
      asked = false;
      taken.add(frame);
      takenBytes += frame.utf8().length;
      if (takenBytes >= MOST_TAKEN) {
        write();
      }
      // What comes in one burst goes out together, at the end of this turn of the loop.
      if (!flushing) {
        flushing = true;
        outlet.loop().execute(this::flush);
      }
      more();
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

    @Override
    protected void hookFinally(SignalType type) {
      if (type != SignalType.CANCEL) {
        outlet.flush();
      }
    }

    @Override
    protected void hookOnComplete() {
      write();
      // It goes out with the end of the answer.
      end.run();
    }

    @Override
    protected void hookOnError(Throwable error) {
      write();
      end.run();
    }
  }
}
