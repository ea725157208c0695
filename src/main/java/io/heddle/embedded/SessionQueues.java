package io.heddle.embedded;

import io.heddle.base.SessionKey;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** For each session that somebody wants to update, a line: first come, first served. */
final class SessionQueues {

  private final ConcurrentHashMap<SessionKey, Deque<Place>> lines = new ConcurrentHashMap<>();

  private enum State {
    WAITING,
    TURN,
    LEFT
  }

  /** One place in a line. */
  static final class Place {
    private final SessionKey key;
    private final Runnable onTurn;
    private final AtomicReference<State> state = new AtomicReference<>(State.WAITING);

    private Place(SessionKey key, Runnable onTurn) {
      this.key = key;
      this.onTurn = onTurn;
    }

    boolean isWaiting() {
      return state.get() == State.WAITING;
    }
  }

  /** Stands at the end of the session's line; {@link #start} lets the first of it have its turn. */
  Place enter(SessionKey key, Runnable onTurn) {
    Place place = new Place(key, onTurn);
    lines.compute(
        key,
        (_, line) -> {
          Deque<Place> longer = line == null ? new ArrayDeque<>(2) : line;
          longer.add(place);
          return longer;
        });
    return place;
  }

  /** Begins the turn of a place that stands first. Once: only whoever just entered calls it. */
  void start(Place place) {
    Place[] first = new Place[1];
    lines.computeIfPresent(
        place.key,
        (_, line) -> {
          first[0] = line.peek();
          return line;
        });
    if (first[0] == place) {
      begin(place);
    }
  }

  /** Leaves the line unless the turn has begun; whether it did. */
  boolean giveUp(Place place) {
    boolean waiting = place.state.compareAndSet(State.WAITING, State.LEFT);
    if (waiting) {
      remove(place);
    }
    return waiting;
  }

  /** Ends the turn; the next one's begins. Does nothing the second time. */
  void leave(Place place) {
    if (place.state.getAndSet(State.LEFT) != State.LEFT) {
      remove(place);
    }
  }

  /** Sessions that somebody updates or waits for. */
  int size() {
    return lines.size();
  }

  private void remove(Place place) {
    Place[] next = new Place[1];
    lines.computeIfPresent(
        place.key,
        (_, line) -> {
          line.remove(place);
          next[0] = line.peek();
          return line.isEmpty() ? null : line;
        });
    begin(next[0]);
  }

  private static void begin(@Nullable Place place) {
    // The compare makes sure that a turn begins once, and never after somebody gave up.
    if (place != null && place.state.compareAndSet(State.WAITING, State.TURN)) {
      place.onTurn.run();
    }
  }
}
