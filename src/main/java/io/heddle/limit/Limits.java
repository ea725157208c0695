package io.heddle.limit;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Expiry;
import io.heddle.base.Caller;
import io.heddle.base.Problem;
import io.heddle.limit.Rule.Kind;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;

/**
 * Asks the rules that are for a request, all of them in one call.
 *
 * <p>Whoever has used up a limit of kind {@code requests} is refused here until that window ends,
 * without asking: a client in a loop must not cost the store anything. Reads and calls of models
 * use permits that were counted ahead, where there are some ({@link Leases}); other writes ask the
 * store, which they do anyway.
 */
public final class Limits implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(Limits.class);
  private static final int REMEMBERED = 10_000;

  private final List<Rule> rules;
  private final Duration timeout;
  private final LongSupplier nanoTime;
  private final RuleSet.Finder finder;
  private final LimiterCalls calls;
  private final Leases leases;
  private final Quotas quotas;
  private final ResendBudget tries;
  private final RequestsInFlight atWork = new RequestsInFlight();
  private final Cache<Counter, Long> exhausted;

  public Limits(RateLimiter limiter, LimitProperties properties) {
    this(limiter, properties, Quotas.unbounded());
  }

  public Limits(RateLimiter limiter, LimitProperties properties, Quotas quotas) {
    this(limiter, properties, quotas, System::nanoTime);
    calls.startTicking(this::tick);
  }

  /** Without a ticker of its own. */
  Limits(RateLimiter limiter, LimitProperties properties, LongSupplier nanoTime) {
    this(limiter, properties, Quotas.unbounded(), nanoTime);
  }

  private Limits(
      RateLimiter limiter, LimitProperties properties, Quotas quotas, LongSupplier nanoTime) {
    this.quotas = quotas;
    this.rules = properties.active();
    this.timeout = properties.timeout();
    this.nanoTime = nanoTime;
    this.finder = new RuleSet.Finder(rules);
    this.calls = new LimiterCalls("requests", timeout, nanoTime);
    this.leases = new Leases(limiter, calls.deadlines(), nanoTime, calls::failedUnseen);
    this.tries = new ResendBudget(nanoTime);
    this.exhausted =
        Caffeine.newBuilder()
            .maximumSize(REMEMBERED)
            .ticker(nanoTime::getAsLong)
            .expireAfter(
                Expiry.<Counter, Long>creating(
                    (_, end) -> Duration.ofNanos(Math.max(1, end - nanoTime.getAsLong()))))
            .build();
  }

  /** What the ticker does: ends questions that are late, and leases. */
  void tick() {
    calls.deadlines().tick();
    leases.tick();
  }

  /** Gives back what was counted ahead, and waits for that as long as for a question. */
  @Override
  public void close() {
    try {
      leases.close().toFuture().get(timeout.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException | TimeoutException e) {
      log.warn("Not every unused permit was given back ({})", e.toString());
    } finally {
      calls.close();
    }
  }

  /**
   * Counts a request, at once: a read that needs nobody is admitted when this returns. Never an
   * error: a refusal is part of the answer. When the store does not answer in time, {@code
   * on-failure} of the rules decides, and one {@code deny} is enough. For a user of whom much is
   * being worked on here it is always {@code deny}: the store may be late because of that, and
   * nobody opens his own limit.
   *
   * @param write whether it writes
   * @param path as the route that was matched has it, with its variables filled in
   */
  public Mono<Admission> admit(Caller caller, boolean write, String path) {
    return admit(caller, write, () -> path);
  }

  /** The same, with the path made only when a rule looks at paths. */
  public Mono<Admission> admit(Caller caller, boolean write, Supplier<String> path) {
    return admit(caller, write, !write, path);
  }

  /**
   * Counts a call of a model: as a write, but by a permit that was counted ahead where there is
   * one. To ask the store would cost more than all that such a call takes here, and its answer
   * comes on another thread.
   */
  public Mono<Admission> admitCall(Caller caller, Supplier<String> path) {
    return admit(caller, true, true, path);
  }

  /**
   * @param ahead whether a permit that was counted ahead will do
   */
  private Mono<Admission> admit(
      Caller caller, boolean write, boolean ahead, Supplier<String> path) {
    Subject subject = Subject.of(caller);
    long now = nanoTime.getAsLong();
    RuleSet asked = finder.find(write, path);
    if (asked.rules().isEmpty()) {
      return Mono.just(new Admission(subject, List.of(), null, null, now));
    }
    if (ahead) {
      List<Decision> leased = leases.use(subject, asked, now);
      if (leased != null) {
        return Mono.just(new Admission(subject, leased, null, asked.policy(), now));
      }
    }
    List<Decision> known = exhausted(subject, asked.rules(), now);
    if (!known.isEmpty()) {
      return Mono.just(admission(subject, asked, known, now));
    }
    Mono<List<Decision>> decisions =
        ahead ? leases.ask(subject, asked, now) : leases.one(subject, asked);
    return decisions
        .map(said -> {
          calls.answered();
          remember(subject, said, now);
          return admission(subject, asked, said, now);
        })
        .onErrorResume(error -> Mono.just(unanswered(subject, asked.rules(), error, now)));
  }

  /**
   * Takes back what an allowed request was counted as, because it turned out to be a replay. Does
   * nothing to windows that have ended; a failure is only counted.
   */
  public Mono<Void> giveBack(Admission admission) {
    return Mono.defer(() -> {
      if (!admission.allowed() || admission.isGivenBack()) {
        return Mono.empty();
      }
      Duration passed = Duration.ofNanos(nanoTime.getAsLong() - admission.askedAt());
      List<Refund> permits = new ArrayList<>();
      for (Decision decision : admission.decisions()) {
        Duration left = decision.resetAfter().minus(passed);
        if (left.toMillis() > 0) {
          permits.add(new Refund(decision.rule(), left));
        }
      }
      admission.giveBack();
      return permits.isEmpty() ? Mono.empty() : leases.giveBack(admission.subject(), permits);
    });
  }

  /**
   * Work that a request begins, and that counts as its caller's until it ends. Of which callers
   * without a user are not asked.
   */
  public <T> Mono<T> working(Caller caller, Mono<T> work) {
    if (caller.user() == null) {
      return work;
    }
    Subject subject = Subject.of(caller);
    return Mono.defer(() -> {
      atWork.begin(subject);
      return work.doFinally(_ -> atWork.end(subject));
    });
  }

  /** Whether so much of the user's is being worked on here that he must not be let off. */
  boolean worksMuch(Subject subject) {
    return atWork.hasMany(subject);
  }

  /**
   * Whether the store may be asked if a refused request was sent before. Not without end: each
   * question is the store's work.
   */
  public boolean mayLookUp(Admission refused) {
    return tries.look(refused.subject());
  }

  /**
   * Whether a refused request may be read because it may be one that was sent before.
   *
   * @param bytes of its body
   */
  public boolean mayBeRead(Admission refused, long bytes) {
    return tries.read(refused.subject(), bytes);
  }

  /** How much a user may have at once, beside how often he may call. */
  public Quotas quotas() {
    return quotas;
  }

  /** Every rule that is on. */
  public List<Rule> rules() {
    return rules;
  }

  /** How many requests were refused as over a limit, since the start. */
  public long refused() {
    return calls.refused();
  }

  /** How many of them by this rule. */
  public long refused(Rule rule) {
    return calls.refused(rule);
  }

  /** How many requests could not be counted in time, since the start. */
  public long failures() {
    return calls.failures();
  }

  private List<Decision> exhausted(Subject subject, List<Rule> asked, long now) {
    List<Decision> known = List.of();
    for (Rule rule : asked) {
      if (rule.kind() == Kind.REQUESTS) {
        Long end = exhausted.getIfPresent(new Counter(subject, rule.name()));
        if (end != null && end - now > 0) {
          known = known.isEmpty() ? new ArrayList<>() : known;
          known.add(new Decision(rule, false, 0, Duration.ofNanos(end - now)));
        }
      }
    }
    return known;
  }

  /** The end is reckoned from before the question, so that nobody is refused here for too long. */
  private void remember(Subject subject, List<Decision> decisions, long askedAt) {
    for (Decision decision : decisions) {
      if (!decision.allowed() && decision.rule().kind() == Kind.REQUESTS) {
        exhausted.put(
            new Counter(subject, decision.rule().name()),
            askedAt + decision.resetAfter().toNanos());
      }
    }
  }

  private Admission admission(
      Subject subject, RuleSet asked, List<Decision> decisions, long askedAt) {
    return new Admission(
        subject, List.copyOf(decisions), refusal(decisions), asked.policy(), askedAt);
  }

  private @Nullable Problem refusal(List<Decision> decisions) {
    return decisions.stream()
        .filter(decision -> !decision.allowed())
        .max(Comparator.comparing(Decision::resetAfter))
        .map(decision ->
            calls
                .refuse(decision.rule(), "", "")
                .with("retryAfter", Admission.seconds(decision.resetAfter())))
        .orElse(null);
  }

  private Admission unanswered(Subject subject, List<Rule> asked, Throwable error, long askedAt) {
    calls.failed(error);
    Problem refusal = calls.unanswered(asked, worksMuch(subject));
    return new Admission(subject, List.of(), refusal, null, askedAt);
  }

  private record Counter(Subject subject, String rule) {

    // By hand, see Tenant.

    @Override
    public boolean equals(@Nullable Object other) {
      return other instanceof Counter counter
          && rule.equals(counter.rule)
          && subject.equals(counter.subject);
    }

    @Override
    public int hashCode() {
      return 31 * subject.hashCode() + rule.hashCode();
    }
  }
}
