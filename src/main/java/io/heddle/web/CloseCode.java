package io.heddle.web;

/** Why Heddle closes a WebSocket, and so what its client should do. */
public enum CloseCode {
  /** The client closes; nothing is wrong. */
  NORMAL(1000),
  /** The connection is as old as one may be: come back at once. */
  TOO_OLD(1001),
  /** A frame breaks RFC 6455: a client that is not mended should not come back. */
  PROTOCOL(1002),
  /** A message is binary: a client that is not mended should not come back. */
  UNSUPPORTED(1003),
  /** A text or a close's reason is not UTF-8: a client that is not mended should not come back. */
  NOT_UTF8(1007),
  /** A message is larger than one may be: a client that is not mended should not come back. */
  TOO_LARGE(1009),
  /** This replica stops: come back after the delay that the reason names. */
  RESTARTING(1012),
  /** This replica has no memory left for the message: come back after the reason's delay. */
  OVERLOADED(1013),
  /** What was sent is no JSON object: a client that is not mended should not come back. */
  NOT_UNDERSTOOD(4400),
  /** The page's origin is not allowed. */
  ORIGIN(4403),
  /**
   * The client takes too little of what it is sent, or a message that it began does not come to its
   * end: come back from the last position.
   */
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

  /** A reason that names a delay, another one for each. */
  static String comeBack() {
    return comeBack(RetryDelay.millis());
  }

  static String comeBack(long delayMillis) {
    return "{\"retryAfterMillis\":" + delayMillis + "}";
  }
}
