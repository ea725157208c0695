package io.heddle.web;

import io.heddle.live.FrameSink;

/** One WebSocket as its protocol sees it; everything on the connection's loop. */
public interface Socket extends FrameSink {

  /** Stops or goes on with reading from the client, which so is held back by TCP. */
  void read(boolean on);

  /** Whether this is run on the connection's loop. */
  boolean isHere();

  /** A message of so many bytes that was received is done with. */
  void handled(int bytes);

  /** Says why and closes; what is written afterwards is dropped. */
  void close(CloseCode code, String reason);
}
