package io.heddle.web;

import io.heddle.live.Outlet;

/** What is sent on an event stream; everything is called on the connection's loop. */
public interface StreamProtocol {

  /**
   * @param end ends the stream after what was written
   */
  void opened(Outlet outlet, Runnable end);

  /** There is room to write again. */
  void drained();

  void closed();
}
