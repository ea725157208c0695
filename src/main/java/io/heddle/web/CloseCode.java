package io.heddle.web;

/** Why Heddle closes a WebSocket, and so what its client should do. */
public enum CloseCode {
  /** The client closes; nothing is wrong. */
  NORMAL(1000),
  /** A message is larger than one may be: a client that is not mended should not come back. */
  TOO_LARGE(1009),
  /** This replica stops: come back after the delay that the reason names. */
  RESTARTING(1012),
  /** This replica has as many bytes in flight as it may: come back later. */
  OVERLOADED(1013),
  /** What was sent is no JSON object: a client that is not mended should not come back. */
  NOT_UNDERSTOOD(4400),
  /** The page's origin is not allowed. */
  ORIGIN(4403),
  /** The client takes too little of what it is sent: come back from the last position. */
  TOO_SLOW(4408),
  /** There are too many connections: come back later. */
  TOO_MANY(4429);

  private final int number;

  CloseCode(int number) {
    this.number = number;
  }

  public int number() {
    return number;
  }
}
