package io.heddle.web;

/** What is spoken on a WebSocket; everything is called on the connection's loop. */
public interface SocketProtocol {

  void opened(Socket socket);

  /** A whole text message. It counts as kept until the socket is told that it was handled. */
  void received(byte[] text);

  /** There is room to write again. */
  void drained();

  void closed();

  /**
   * This replica stops, so nothing more is begun. Called again each second.
   *
   * @return whether something runs on this socket that its client would lose with it; the socket is
   *     closed once nothing does
   */
  default boolean drain() {
    return false;
  }

  /** Said when the client takes too little of what it is sent. */
  default CloseCode tooSlow() {
    return CloseCode.TOO_SLOW;
  }
}
