package io.heddle.web;

import io.heddle.base.ByteBudget;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.live.LiveProperties;
import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * The WebSockets and event streams that are open. Each event loop looks at its own once a second:
 * one timer a connection would cost more than the connection.
 */
public final class Connections {

  private static final int TICK_MILLIS = 1000;
  private static final int RETRY_SECONDS = 2;

  /** How long a client may take to answer a close. */
  private static final Duration GOODBYE = Duration.ofSeconds(2);

  private final LiveProperties properties;
  private final ByteBudget budget;
  private final LoopMembers<LiveConnection> connections = new LoopMembers<>(TICK_MILLIS);
  private final AtomicInteger open = new AtomicInteger();
  private final LongAdder tooSlow = new LongAdder();
  private volatile boolean draining;

  /**
   * @param budget that unfinished messages count against
   */
  public Connections(LiveProperties properties, ByteBudget budget) {
    this.properties = properties;
    this.budget = budget;
  }

  /** What unfinished messages count against. */
  public ByteBudget budget() {
    return budget;
  }

  LiveProperties properties() {
    return properties;
  }

  /** Whether this replica sends its connections away and takes no others. */
  public boolean isDraining() {
    return draining;
  }

  /** Whether there is no room for another one. */
  public boolean isFull() {
    int most = properties.maxConnections();
    return most > 0 && open.get() >= most;
  }

  /** Refuses another connection while this replica stops, or has no room for it. */
  public void requireRoom() {
    refuseWhenDraining("connections");
    refuseWhenFull();
  }

  public void refuseWhenDraining(String what) {
    if (draining) {
      throw refusal(ProblemCode.RESTARTING, "This replica takes no more " + what);
    }
  }

  public void refuseWhenFull() {
    if (isFull()) {
      throw refusal(ProblemCode.RATE_LIMITED, "this replica has too many connections");
    }
  }

  private static ProblemException refusal(ProblemCode code, String detail) {
    return Problem.of(code, detail).with("retryAfter", RETRY_SECONDS).toException();
  }

  public int open() {
    return open.get();
  }

  /** Connections that were closed because they took too little, since the start. */
  public long tooSlow() {
    return tooSlow.sum();
  }

  /** Only on the connection's loop. */
  void add(LiveConnection connection) {
    open.incrementAndGet();
    connections.add(connection, connection.loop());
    if (draining) {
      sendAway(connection);
    }
  }

  /** Only on the connection's loop. */
  void remove(LiveConnection connection) {
    connections.remove(connection, connection.loop());
    open.decrementAndGet();
  }

  void countTooSlow() {
    tooSlow.increment();
  }

  /** Takes no more, sends away those that are open, and completes when the last one has gone. */
  public Mono<Void> drain() {
    draining = true;
    connections.forEach(this::sendAway);
    return Flux.interval(Duration.ZERO, Duration.ofMillis(50))
        .takeUntil(_ -> open.get() == 0)
        .take(properties.drain().plus(GOODBYE).plusSeconds(1))
        .then();
  }

  private void sendAway(LiveConnection connection) {
    long spread = properties.drain().toMillis();
    long when = spread == 0 ? 0 : ThreadLocalRandom.current().nextLong(spread);
    connection.loop().schedule(connection::sendAway, when, TimeUnit.MILLISECONDS);
  }
}
