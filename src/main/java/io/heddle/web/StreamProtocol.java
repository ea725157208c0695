package io.heddle.web;

import io.heddle.live.FrameSink;

/** What is sent on an event stream; everything is called on the connection's loop. */
public interface StreamProtocol {

  /**
   * @param end ends the stream after what was written
   */
  void opened(FrameSink outlet, Runnable end);

  /** There is room to write again. */
  void drained();

  void closed();

  /** Instead of all others, on any thread: the client hung up before the stream was opened. */
  default void abandoned() {}

  /**
   * Whether what ends the stream happens on this replica: one that stops lets it go on until then.
   * Asked again each second; when it does not, the client is told to come back elsewhere.
   */
  default boolean endsHere() {
    return false;
  }
}
