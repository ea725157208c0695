package io.heddle.limit;

import io.heddle.base.Caller;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.Tenant;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/**
 * How much of everything one user may have at once.
 *
 * <p>Asking costs nothing: it looks at what this replica knows. What changes is gathered and told
 * to the store every {@link #EVERY}, for all users who changed more than a 64th of a quota, which
 * also tells what other replicas have added; less is told within a minute. Whoever is about to add
 * more than such a part waits for what is known to be at most 5 s old. So a user may go over a
 * quota by what he adds in 5 s, and a 64th of the quota, on each replica. A count that is wrong,
 * because a replica died with what it had not told or a session ended by itself, is made right when
 * it would refuse somebody: then all sessions of the user are counted, a page at a time, at most
 * once in {@link #COUNT_EVERY}.
 */
public final class Quotas implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(Quotas.class);

  static final Duration EVERY = Duration.ofSeconds(2);
  static final Duration COUNT_EVERY = Duration.ofSeconds(30);

  private static final int AT_ONCE = 32;

  /** What is known of so many users; of more only what they change until it is told. */
  private static final int REMEMBERED = 100_000;

  /** State document and checkpoints of one session. */
  private static final long DOCUMENTS = 16L << 20;

  static final Subject ALL = new Subject(Tenant.DEFAULT, "");

  /** What there is a quota of. */
  public enum Kind {
    RUNNING_TURNS("running-turns", true),
    WAITING_TURNS("waiting-turns", true),
    CONNECTIONS("connections", true),
    SESSIONS("sessions", false),
    STORED_BYTES("stored-bytes", false),
    CACHED_BYTES("cached-bytes", false),
    ALL_CACHED_BYTES("all-cached-bytes", false);

    private final String text;
    private final boolean passing;

    Kind(String text, boolean passing) {
      this.text = text;
      this.passing = passing;
    }

    public String text() {
      return text;
    }
  }

  /**
   * One quota of a caller.
   *
   * @param limit 0 for none
   */
  public record Quota(Kind kind, long limit, long used) {}

  /** What is known already. */
  public static final Mono<Void> KNOWN = Mono.empty();

  /** Less than this part of a quota is told when there is time, and added without a question. */
  private static final int PART = 64;

  private final @Nullable UsageStore store;
  private final QuotaProperties properties;
  private final Function<Subject, Mono<Usage.Counted>> count;
  private final String replica;
  private final LongSupplier nanoTime;
  private final LongSupplier millis;
  private final Disposable.Swap ticker = Disposables.swap();
  private final Map<Subject, UserAccount> accounts = new ConcurrentHashMap<>();
  private final Map<Kind, LongAdder> refused = new EnumMap<>(Kind.class);

  /**
   * @param replica names this one, unlike all others
   * @param count counts the sessions of a user, and their bytes, one by one
   */
  public Quotas(
      UsageStore store,
      QuotaProperties properties,
      String replica,
      Function<Subject, Mono<Usage.Counted>> count) {
    this(store, properties, replica, count, System::nanoTime, System::currentTimeMillis);
    ticker.update(
        Schedulers.parallel().schedulePeriodically(this::tick, 1000, 1000, TimeUnit.MILLISECONDS));
  }

  /** Without a ticker of its own. */
  Quotas(
      @Nullable UsageStore store,
      QuotaProperties properties,
      String replica,
      Function<Subject, Mono<Usage.Counted>> count,
      LongSupplier nanoTime,
      LongSupplier millis) {
    this.store = store;
    this.properties = properties;
    this.replica = replica;
    this.count = count;
    this.nanoTime = nanoTime;
    this.millis = millis;
    for (Kind kind : Kind.values()) {
      refused.put(kind, new LongAdder());
    }
  }

  /** Without any. */
  public static Quotas unbounded() {
    return new Quotas(
        null,
        QuotaProperties.NONE,
        "",
        _ -> Mono.empty(),
        System::nanoTime,
        System::currentTimeMillis);
  }

  /** Tells the store what it was not told yet, and waits a little for that. */
  @Override
  public void close() {
    ticker.dispose();
    if (store != null) {
      accounts.values().forEach(UserAccount::stop);
      try {
        flush(accounts.values().stream().filter(UserAccount::hasNews).toList())
            .toFuture()
            .get(2, TimeUnit.SECONDS);
      } catch (InterruptedException _) {
        Thread.currentThread().interrupt();
      } catch (java.util.concurrent.ExecutionException | java.util.concurrent.TimeoutException e) {
        log.debug("what users have was not told at the end: {}", e.toString());
      }
    }
  }

  // ---- what is stored

  /**
   * Whether a user may have more sessions and bytes of them; null when he may.
   *
   * @param user null for a backend, which may
   */
  public @Nullable Problem refusesStored(
      Tenant tenant, @Nullable String user, int sessions, long bytes) {
    UserAccount account = of(tenant, user);
    if (account == null) {
      return null;
    }
    account.use();
    Problem refusal =
        sessions == 0
            ? null
            : refusal(Kind.SESSIONS, properties.sessions(), account.sessions(), sessions);
    if (refusal == null) {
      refusal =
          refusal(Kind.STORED_BYTES, properties.storedBytes().toBytes(), account.stored(), bytes);
    }
    return refusal == null ? null : countedAgain(account, refusal);
  }

  /** Something was stored, or went. */
  public void stored(
      Tenant tenant, @Nullable String user, int sessions, long threadBytes, long documentBytes) {
    UserAccount account = of(tenant, user);
    if (account != null) {
      account.add(sessions, threadBytes, documentBytes);
    }
  }

  /**
   * Completes when what the user has is known here well enough for so much more; {@link #KNOWN}
   * when it is. Never an error.
   */
  public Mono<Void> known(Tenant tenant, @Nullable String user, int sessions, long bytes) {
    UserAccount account = of(tenant, user);
    return account == null
            || !(isPart(sessions, properties.sessions())
                || isPart(bytes, properties.storedBytes().toBytes()))
        ? KNOWN
        : fresh(account);
  }

  /** The same for a turn. */
  public Mono<Void> turnsKnown(Caller caller) {
    UserAccount account = of(caller.tenant(), caller.user());
    return account == null
            || !(isPart(1, properties.runningTurns()) || isPart(1, properties.waitingTurns()))
        ? KNOWN
        : fresh(account);
  }

  private Mono<Void> fresh(UserAccount account) {
    return account.isFresh()
        ? KNOWN
        : Mono.defer(() -> flush(List.of(account))).timeout(Duration.ofSeconds(1), Mono.empty());
  }

  static boolean isPart(long amount, long limit) {
    return limit > 0 && Math.abs(amount) >= (limit + PART - 1) / PART;
  }

  // ---- what is cached

  /** The same for answers. */
  public @Nullable Problem refusesCached(Tenant tenant, @Nullable String user, long bytes) {
    UserAccount account = of(tenant, user);
    if (account != null) {
      account.use();
      Problem refusal =
          refusal(Kind.CACHED_BYTES, properties.cachedBytes().toBytes(), account.cached(), bytes);
      if (refusal != null) {
        return refusal;
      }
    }
    if (store == null || properties.allCachedBytes().toBytes() == 0) {
      return null;
    }
    UserAccount all = accounts.computeIfAbsent(ALL, this::account);
    all.use();
    return refusal(
        Kind.ALL_CACHED_BYTES, properties.allCachedBytes().toBytes(), all.cached(), bytes);
  }

  /** The same for an answer. */
  public Mono<Void> cachedKnown(Tenant tenant, @Nullable String user, long bytes) {
    UserAccount account = of(tenant, user);
    Mono<Void> own =
        account != null && isPart(bytes, properties.cachedBytes().toBytes())
            ? fresh(account)
            : KNOWN;
    if (store == null || !isPart(bytes, properties.allCachedBytes().toBytes())) {
      return own;
    }
    return own.then(fresh(accounts.computeIfAbsent(ALL, this::account)));
  }

  /**
   * An answer was kept, or went.
   *
   * @param bytes less than 0 when it went
   * @param endMillis when its time is over
   */
  public void cached(Tenant tenant, @Nullable String user, long bytes, long endMillis) {
    if (store == null || bytes == 0) {
      return;
    }
    UserAccount account = of(tenant, user);
    if (account != null) {
      account.addCached(bytes, endMillis);
    }
    accounts.computeIfAbsent(ALL, this::account).addCached(bytes, endMillis);
  }

  // ---- what goes on

  /** Whether a user may order a turn; null when he may. */
  public @Nullable Problem refusesTurn(Caller caller) {
    UserAccount account = of(caller.tenant(), caller.user());
    if (account == null) {
      return null;
    }
    account.use();
    Problem refusal =
        refusal(Kind.RUNNING_TURNS, properties.runningTurns(), account.allRunning(), 1);
    return refusal != null
        ? refusal
        : refusal(Kind.WAITING_TURNS, properties.waitingTurns(), account.allWaiting(), 1);
  }

  /** A turn of his began to run here, or ended (-1). */
  public void running(Tenant tenant, @Nullable String user, int more) {
    UserAccount account = of(tenant, user);
    if (account != null) {
      account.running(more);
    }
  }

  /** A turn of his that was ordered here began to wait, or waits no longer (-1). */
  public void waiting(Tenant tenant, @Nullable String user, int more) {
    UserAccount account = of(tenant, user);
    if (account != null) {
      account.waiting(more);
    }
  }

  /** Whether a user may open another connection to this replica; null when he may. */
  public @Nullable Problem refusesConnection(Caller caller) {
    UserAccount account = of(caller.tenant(), caller.user());
    return account == null
        ? null
        : refusal(Kind.CONNECTIONS, properties.connections(), account.connections(), 1);
  }

  /** As long as it lasts, the work is a connection of the caller's. */
  public <T> Mono<T> connected(Caller caller, Mono<T> connection) {
    UserAccount account = of(caller.tenant(), caller.user());
    if (account == null) {
      return connection;
    }
    return Mono.defer(() -> {
      account.connect(1);
      return connection.doFinally(_ -> account.connect(-1));
    });
  }

  // ---- told

  /** What bounds a caller, and how much of it he has; nothing for a backend. */
  public Mono<List<Quota>> look(Caller caller) {
    UserAccount account = of(caller.tenant(), caller.user());
    if (account == null) {
      return Mono.just(List.of());
    }
    account.use();
    return fresh(account)
        .then(
            Mono.fromSupplier(() -> {
              List<Quota> quotas = new ArrayList<>();
              quotas.add(
                  new Quota(Kind.RUNNING_TURNS, properties.runningTurns(), account.allRunning()));
              quotas.add(
                  new Quota(Kind.WAITING_TURNS, properties.waitingTurns(), account.allWaiting()));
              quotas.add(
                  new Quota(Kind.CONNECTIONS, properties.connections(), account.connections()));
              quotas.add(new Quota(Kind.SESSIONS, properties.sessions(), account.sessions()));
              quotas.add(
                  new Quota(
                      Kind.STORED_BYTES, properties.storedBytes().toBytes(), account.stored()));
              quotas.add(
                  new Quota(
                      Kind.CACHED_BYTES, properties.cachedBytes().toBytes(), account.cached()));
              return quotas.stream().filter(quota -> quota.limit() > 0).toList();
            }));
  }

  /** How often a caller was refused because of this quota, since the start. */
  public long refused(Kind kind) {
    LongAdder count = refused.get(kind);
    return count == null ? 0 : count.sum();
  }

  // ---- within

  private UserAccount account(Subject subject) {
    return new UserAccount(subject, properties, nanoTime, millis);
  }

  private @Nullable UserAccount of(Tenant tenant, @Nullable String user) {
    return store == null || user == null
        ? null
        : accounts.computeIfAbsent(new Subject(tenant, user), this::account);
  }

  private @Nullable Problem refusal(Kind kind, long limit, long used, long more) {
    if (limit == 0 || more <= 0 || used + more <= limit) {
      return null;
    }
    LongAdder count = refused.get(kind);
    if (count != null) {
      count.increment();
    }
    String who = kind == Kind.ALL_CACHED_BYTES ? "all callers together have " : "the user has ";
    Problem problem =
        Problem.of(
                ProblemCode.QUOTA_EXCEEDED,
                who + used + " of the quota \"" + kind.text() + "\", which is " + limit)
            .with("quota", kind.text())
            .with("limit", limit)
            .with("used", used);
    return kind.passing ? problem.with("retryAfter", 1) : problem;
  }

  /** What is about to be refused for what is stored is found out once more, for the next time. */
  private Problem countedAgain(UserAccount account, Problem refusal) {
    return recount(account) ? refusal.with("retryAfter", 2) : refusal;
  }

  private boolean recount(UserAccount account) {
    UsageStore kept = store;
    if (kept == null || !account.beginCount()) {
      return false;
    }
    count
        .apply(account.subject)
        .filter(_ -> account.counted())
        .flatMap(counted ->
            kept.put(account.subject, counted, DOCUMENTS * Math.max(1, counted.sessions())))
        .doFinally(_ -> account.endCount())
        .subscribe(
            usage -> account.recounted(usage),
            error -> log.debug("{} was not counted: {}", account.subject, error.toString()));
    return true;
  }

  /** Tells the store what is new, and asks it for those whose callers came back. */
  void tick() {
    long now = nanoTime.getAsLong();
    List<UserAccount> due = new ArrayList<>();
    boolean crowded = accounts.size() > REMEMBERED;
    for (UserAccount account : accounts.values()) {
      if (account.isDue(now)) {
        due.add(account);
      } else if (account.isIdle(now, crowded)) {
        accounts.remove(account.subject, account);
      }
    }
    flush(due).subscribe();
  }

  private Mono<Void> flush(List<UserAccount> due) {
    UsageStore kept = store;
    if (kept == null) {
      return Mono.empty();
    }
    return Flux.fromIterable(due)
        .flatMap(
            account -> {
              Usage.Change change = account.take();
              return change == null
                  ? Mono.<Usage>empty()
                  : kept.add(account.subject, replica, change)
                      .doOnNext(account::told)
                      .doOnNext(usage -> {
                        if (!usage.counted() && !account.subject.equals(ALL)) {
                          recount(account);
                        }
                      })
                      .onErrorResume(error -> {
                        account.untold();
                        log.debug("what users have was not told: {}", error.toString());
                        return Mono.empty();
                      });
            },
            AT_ONCE)
        .then();
  }
}
