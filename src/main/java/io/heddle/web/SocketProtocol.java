package io.heddle.web;

/** What is spoken on a WebSocket; everything is called on the connection's loop. */
public interface SocketProtocol {

  void opened(Socket socket);

  /** A whole text message. It counts as kept until the socket is told that it was handled. */
  void received(byte[] text);

  /** There is room to write again. */
  void drained();

  void closed();
}
