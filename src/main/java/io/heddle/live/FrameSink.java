package io.heddle.live;

import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;

/**
 * A connection as its watches see it. Everything but {@link #loop} and {@link #onLoop} is called on
 * that loop only, and never blocks.
 */
public interface FrameSink {

  /** The one thread of this connection. Connections of one thread give the same object. */
  Executor loop();

  /** Runs it on the loop; never, once the server has stopped, and with it the connection. */
  default void onLoop(Runnable task) {
    try {
      loop().execute(task);
    } catch (RejectedExecutionException _) {
      // As this says.
    }
  }

  /** Whether less than the connection's bound is waiting to be sent. */
  boolean isWritable();

  /** Takes a frame, whatever is waiting; it goes out with the next {@link #flush}. */
  void write(Frame frame);

  /** Takes frames that no other connection sends, in one write. */
  default void writeAll(List<Frame> frames) {
    frames.forEach(this::write);
  }

  /** Sends what was taken; cheap when there is nothing. */
  void flush();
}
