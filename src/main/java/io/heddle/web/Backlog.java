package io.heddle.web;

import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.Queue;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * What a client has asked over a socket and nobody has begun with yet, in its order. Who adds to it
 * reads no more once it is full, and goes on when it is low; so it holds little more than its
 * bounds. Confined to the socket's loop.
 */
public final class Backlog<T> {

  public static final int MOST = 64;
  public static final int MOST_BYTES = 256 << 10;

  private final Queue<Entry<T>> requests = new ArrayDeque<>(0);
  private long bytes;

  private record Entry<T>(T request, int bytes) {}

  /**
   * @param bytes that the request's message has
   */
  public void add(T request, int bytes) {
    requests.add(new Entry<>(request, bytes));
    this.bytes += bytes;
  }

  /** The next one, or null. */
  public @Nullable T poll() {
    return poll(_ -> true);
  }

  /** The first one that may be begun with, or null. */
  public @Nullable T poll(Predicate<T> may) {
    for (Iterator<Entry<T>> all = requests.iterator(); all.hasNext(); ) {
      Entry<T> next = all.next();
      if (may.test(next.request())) {
        all.remove();
        bytes -= next.bytes();
        return next.request();
      }
    }
    return null;
  }

  public void clear() {
    requests.clear();
    bytes = 0;
  }

  public boolean isFull() {
    return requests.size() >= MOST || bytes >= MOST_BYTES;
  }

  public boolean isLow() {
    return requests.size() < MOST / 2 && bytes < MOST_BYTES / 2;
  }
}
