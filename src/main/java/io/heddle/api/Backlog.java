package io.heddle.api;

import java.util.ArrayDeque;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/**
 * What a client has asked over a socket and nobody has begun with yet, in its order. Who adds to it
 * reads no more once it is full, and goes on when it is low; so it holds little more than its
 * bounds. Confined to the socket's loop.
 */
final class Backlog {

  static final int MOST = 64;
  static final int MOST_BYTES = 256 << 10;

  private final Queue<byte[]> requests = new ArrayDeque<>(0);
  private long bytes;

  void add(byte[] request) {
    requests.add(request);
    bytes += request.length;
  }

  /** The next one, or null. */
  byte @Nullable [] poll() {
    byte[] next = requests.poll();
    bytes -= next == null ? 0 : next.length;
    return next;
  }

  void clear() {
    requests.clear();
    bytes = 0;
  }

  boolean isFull() {
    return requests.size() >= MOST || bytes >= MOST_BYTES;
  }

  boolean isLow() {
    return requests.size() < MOST / 2 && bytes < MOST_BYTES / 2;
  }
}
