package io.heddle.web;

import io.heddle.live.Outlet;

/** One WebSocket as its protocol sees it; everything on the connection's loop. */
public interface Socket extends Outlet {

  /** Stops or goes on with reading from the client, which so is held back by TCP. */
  void read(boolean on);

  /** A message that was received is done with: so many bytes of it need not be kept any more. */
  void handled(long bytes);

  /** Says why and closes; what is written afterwards is dropped. */
  void close(CloseCode code, String reason);
}
