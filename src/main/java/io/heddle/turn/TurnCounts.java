package io.heddle.turn;

import io.heddle.base.Seldom;
import io.heddle.session.Turn;
import java.util.Arrays;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongConsumer;
import java.util.function.Supplier;
import java.util.stream.Stream;

/** What the turns of this replica came to, since the start. */
public final class TurnCounts {

  final LongAdder started = new LongAdder();
  final LongAdder retaken = new LongAdder();
  final LongAdder reaped = new LongAdder();
  final LongAdder lost = new LongAdder();
  final LongAdder cached = new LongAdder();
  final LongAdder compacted = new LongAdder();
  final LongAdder uncompacted = new LongAdder();
  final LongAdder flushRetries = new LongAdder();
  final LongAdder followers = new LongAdder();
  final Seldom lookFailures = new Seldom();
  final Times firstToken = new Times();
  final Times flush = new Times();

  private final LongAdder[] ended =
      Stream.generate((Supplier<LongAdder>) LongAdder::new)
          .limit(Turn.Status.values().length)
          .toArray(LongAdder[]::new);

  /** How often something happened, and how long it took in all. */
  public static final class Times {
    private final LongAdder count = new LongAdder();
    private final LongAdder nanos = new LongAdder();
    private volatile LongConsumer observer = _ -> {};

    void add(long took) {
      count.increment();
      nanos.add(took);
      observer.accept(took);
    }

    /** Each one, in nanoseconds, from now on: for whoever wants more than the sum. */
    public void observe(LongConsumer each) {
      observer = each;
    }

    public long count() {
      return count.sum();
    }

    public long totalNanos() {
      return nanos.sum();
    }
  }

  void countEnd(Turn.Status status) {
    ended[status.ordinal()].increment();
  }

  /** Model calls begun here. */
  public long started() {
    return started.sum();
  }

  /** Turns that were ended here, their own and those of dead replicas. */
  public long ended(Turn.Status status) {
    return ended[status.ordinal()].sum();
  }

  public long ended() {
    return Arrays.stream(ended).mapToLong(LongAdder::sum).sum();
  }

  /** Turns of dead replicas that were begun again here. */
  public long retaken() {
    return retaken.sum();
  }

  /** Turns of dead replicas that were ended here. */
  public long reaped() {
    return reaped.sum();
  }

  /** Turns that this replica ran and lost to another one. */
  public long lost() {
    return lost.sum();
  }

  /** Turns that were answered without a model. */
  public long cached() {
    return cached.sum();
  }

  /** Summaries that were added to threads here. */
  public long compacted() {
    return compacted.sum();
  }

  /** Turns that went on without the summary that they should have had. */
  public long uncompacted() {
    return uncompacted.sum();
  }

  /** Writes of the log that had to be sent again. */
  public long flushRetries() {
    return flushRetries.sum();
  }

  /** Sessions whose dead or waiting turns could not be looked after. */
  public long lookFailures() {
    return lookFailures.count();
  }

  /** Followers now. */
  public long followers() {
    return followers.sum();
  }

  /** From the start of an attempt here to the model's first piece. */
  public Times firstToken() {
    return firstToken;
  }

  /** Writes of the log. */
  public Times flush() {
    return flush;
  }
}
