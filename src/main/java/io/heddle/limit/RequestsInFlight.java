package io.heddle.limit;

import java.util.concurrent.ConcurrentHashMap;

/**
 * How many requests of each user are being worked on here. Of callers without one it is not asked:
 * a backend has as many as it has users.
 */
final class RequestsInFlight {

  /** Of so many at once it may be themselves that make the limiter late. */
  static final int MANY = 8;

  private final ConcurrentHashMap<Subject, Integer> open = new ConcurrentHashMap<>();

  void begin(Subject subject) {
    open.merge(subject, 1, Integer::sum);
  }

  void end(Subject subject) {
    open.computeIfPresent(subject, (_, count) -> count == 1 ? null : count - 1);
  }

  int of(Subject subject) {
    Integer count = open.get(subject);
    return count == null ? 0 : count;
  }

  boolean hasMany(Subject subject) {
    return of(subject) >= MANY;
  }
}
