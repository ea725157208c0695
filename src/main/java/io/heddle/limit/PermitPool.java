package io.heddle.limit;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/**
 * One subject's permits under one set of rules. One question for a lease is under way at a time;
 * who comes meanwhile waits for it if one of its permits will be his, else is counted by himself.
 */
final class PermitPool {

  private static final long SECOND = Duration.ofSeconds(1).toNanos();

  private final Leases leases;
  private final Leases.Key key;
  private volatile @Nullable RunningLease grant;

  // Guarded by this.
  private final List<Waiting> waiting = new ArrayList<>();
  private boolean asking;
  private long asked;
  private long oneByOneUntil;
  private boolean oneByOne;
  private long second;
  private boolean counts;
  private long used;
  private long usedBefore;

  PermitPool(Leases leases, Leases.Key key) {
    this.leases = leases;
    this.key = key;
  }

  Subject subject() {
    return key.subject();
  }

  @Nullable List<Decision> use(long now) {
    RunningLease running = grant;
    if (running == null) {
      return null;
    }
    long left = running.use(now);
    return left == RunningLease.NONE ? null : running.decisions(left, now);
  }

  Mono<List<Decision>> ask(long now) {
    Waiting one;
    List<Refund> unused = List.of();
    long most;
    synchronized (this) {
      List<Decision> decisions = use(now);
      if (decisions != null) {
        return Mono.just(decisions);
      }
      roll(now);
      oneByOne = oneByOne && oneByOneUntil - now > 0;
      if (oneByOne || leases.isClosed() || (asking && waiting.size() >= asked)) {
        used++;
        return leases.one(key.subject(), key.rules());
      }
      one = new Waiting(now, Sinks.one());
      waiting.add(one);
      if (asking) {
        return one.answer.asMono();
      }
      RunningLease old = grant;
      if (old != null) {
        unused = old.permits(old.end(), now);
      }
      asking = true;
      most = Math.clamp(Math.max(used, usedBefore), 1, key.rules().mostLeased());
      asked = most;
    }
    leases.giveBack(key.subject(), unused).subscribe();
    leases.lease(key, most).subscribe(lease -> answered(lease, now), error -> failed(error));
    return one.answer.asMono();
  }

  /** Told once of each lease, when it has ended. */
  synchronized void ended(RunningLease ended, long permitsUsed) {
    leases.ended(ended);
    used += permitsUsed;
    if (grant == ended) {
      grant = null;
    }
  }

  private void answered(Lease lease, long askedAt) {
    List<Waiting> served;
    List<@Nullable List<Decision>> answers = new ArrayList<>();
    RunningLease next = new RunningLease(this, lease, askedAt);
    long now = leases.now();
    synchronized (this) {
      asking = false;
      served = List.copyOf(waiting);
      waiting.clear();
      for (Waiting one : served) {
        long left = answers.isEmpty() ? next.use() : next.use(now);
        answers.add(
            lease.permits() == 0
                ? RunningLease.since(lease.decisions(), 0, one.since - askedAt)
                : left == RunningLease.NONE ? null : next.decisions(left, one.since));
      }
      if (lease.permits() > 1) {
        grant = next;
        leases.started(next);
      }
      used += lease.permits() == 1 ? 1 : 0;
      noteHowFull(lease, askedAt);
    }
    if (lease.permits() > 1 && leases.isClosed()) {
      leases.end(next, now).subscribe();
    }
    for (int i = 0; i < served.size(); i++) {
      served.get(i).end(answers.get(i), this);
    }
  }

  private void failed(Throwable error) {
    List<Waiting> told;
    synchronized (this) {
      asking = false;
      told = List.copyOf(waiting);
      waiting.clear();
    }
    told.forEach(one -> one.answer.tryEmitError(error));
  }

  /** Where a counter is too full for leases, each is counted at once until its window ends. */
  private void noteHowFull(Lease lease, long askedAt) {
    for (Decision decision : lease.decisions()) {
      Rule rule = decision.rule();
      if (rule.limit() - decision.remaining() >= rule.leasable()) {
        oneByOne = true;
        oneByOneUntil = askedAt + decision.resetAfter().toNanos();
      }
    }
  }

  private void roll(long now) {
    if (counts && now - second < SECOND) {
      return;
    }
    usedBefore = counts && now - second < 2 * SECOND ? used : 0;
    used = 0;
    second = now;
    counts = true;
  }

  /**
   * @param since when it came
   */
  private record Waiting(long since, Sinks.One<List<Decision>> answer) {

    void end(@Nullable List<Decision> decisions, PermitPool of) {
      if (decisions != null) {
        answer.tryEmitValue(decisions);
      } else {
        of.leases
            .one(of.key.subject(), of.key.rules())
            .subscribe(answer::tryEmitValue, answer::tryEmitError);
      }
    }
  }
}
