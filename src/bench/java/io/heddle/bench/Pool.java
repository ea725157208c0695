package io.heddle.bench;

import java.util.ArrayList;
import java.util.List;

/** The watchers of one server, and what they have been given. Numbers go on from run to run. */
final class Pool {

  static final int PUBLISHERS = 8;
  private static final int RING = 4_096;

  private final List<Watcher> watchers = new ArrayList<>();
  private final int[] next = new int[PUBLISHERS];
  private final int[][] delivered = new int[PUBLISHERS][RING];
  private final long[][] sentAt = new long[PUBLISHERS][RING];
  private Delays delays = new Delays();
  private int begun;
  private int mark;
  private long complete;
  private long frames;
  private long others;

  List<Watcher> watchers() {
    return watchers;
  }

  int begunWatchers() {
    return begun;
  }

  void begun() {
    begun++;
  }

  int[] next() {
    return next;
  }

  /** Where in a frame the last message began: the next one mostly begins there too. */
  int mark() {
    return mark;
  }

  void mark(int place) {
    mark = place;
  }

  void reset() {
    delays = new Delays();
    complete = 0;
    frames = 0;
    others = 0;
  }

  /** The number of this publisher's next message, which is sent now. */
  int send(int publisher) {
    int number = next[publisher]++;
    delivered[publisher][number % RING] = 0;
    sentAt[publisher][number % RING] = System.nanoTime();
    return number;
  }

  void delivered(int publisher, int number) {
    frames++;
    delays.add(System.nanoTime() - sentAt[publisher][number % RING]);
    if (++delivered[publisher][number % RING] == watchers.size()) {
      complete++;
    }
  }

  void other() {
    others++;
  }

  /** Messages that every watcher has. */
  long complete() {
    return complete;
  }

  long frames() {
    return frames;
  }

  long others() {
    return others;
  }

  Delays delays() {
    return delays;
  }
}
