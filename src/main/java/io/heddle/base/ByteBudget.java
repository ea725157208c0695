package io.heddle.base;

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * The bytes in flight of this process: request bodies, unfinished messages, answers that wait to be
 * written or counted. Each of them is bounded by itself, but their sum is what fills the heap, so
 * all of them count here, in one total and in a share for each caller and each address.
 *
 * <p>What would go over is refused and nothing is queued: the newest is told {@code overloaded},
 * what was begun goes on. A share never refuses the only thing that its holder has in flight, so a
 * request that is larger than a share still passes alone, within the total.
 *
 * <p>Lock-free: a hold costs an atomic addition each for the total, the caller and the address, and
 * callers without bytes in flight are forgotten.
 */
public final class ByteBudget {

  private static final int RETRY_SECONDS = 1;

  /** An account that was taken out of its map. */
  private static final long RETIRED = Long.MIN_VALUE;

  private final long total;
  private final long callerShare;
  private final long addressShare;
  private final AtomicLong used = new AtomicLong();
  private final ConcurrentMap<String, Account> callers = new ConcurrentHashMap<>();
  private final ConcurrentMap<String, Account> addresses = new ConcurrentHashMap<>();
  private final LongAdder refusedByTotal = new LongAdder();
  private final LongAdder refusedByCaller = new LongAdder();
  private final LongAdder refusedByAddress = new LongAdder();

  /** What a refusal ran into. */
  public enum Bound {
    TOTAL,
    CALLER,
    ADDRESS
  }

  /**
   * Whose bytes they are.
   *
   * @param caller the user's share; null for a caller without a user, which only its address and
   *     the total bind
   * @param address the address's share; null for a trusted proxy, which has none of its own
   */
  public record Holder(@Nullable String caller, @Nullable String address) {

    /** Nobody in particular: only the total binds. */
    public static final Holder NOBODY = new Holder(null, null);

    public static Holder of(Tenant tenant, @Nullable String user, @Nullable String address) {
      return new Holder(user == null ? null : tenant.name() + "/" + user, address);
    }
  }

  /**
   * @param total bytes in flight in the process
   * @param callerShare of one caller
   * @param addressShare of one address
   */
  public ByteBudget(long total, long callerShare, long addressShare) {
    if (callerShare <= 0 || addressShare <= 0 || Math.max(callerShare, addressShare) > total) {
      throw new IllegalArgumentException("shares are more than 0 and at most the total");
    }
    this.total = total;
    this.callerShare = callerShare;
    this.addressShare = addressShare;
  }

  /** A budget that never refuses. */
  public static ByteBudget unbounded() {
    long all = Long.MAX_VALUE / 2;
    return new ByteBudget(all, all, all);
  }

  /** A hold without bytes yet. It must be closed. */
  public Hold hold(Holder holder) {
    return new Hold(holder);
  }

  public long total() {
    return total;
  }

  /** Bytes in flight now. */
  public long used() {
    return used.get();
  }

  /** Callers and addresses that have bytes in flight now. */
  public int holders() {
    return callers.size() + addresses.size();
  }

  /** Refusals since the start. */
  public long refused(Bound bound) {
    return switch (bound) {
      case TOTAL -> refusedByTotal.sum();
      case CALLER -> refusedByCaller.sum();
      case ADDRESS -> refusedByAddress.sum();
    };
  }

  /** What whoever was refused is told. */
  public static ProblemException overloaded() {
    return Problem.of(
            ProblemCode.OVERLOADED,
            "This replica has as many bytes in flight as it may, for this caller or for all")
        .with("retryAfter", RETRY_SECONDS)
        .toException();
  }

  /**
   * Bytes of one holder. One thread at a time grows and shrinks it; any thread may close it, and
   * everything is given back once, however often it is closed. A closed hold takes nothing more.
   */
  public final class Hold implements AutoCloseable {
    private static final long CLOSED = -1;

    private final Holder holder;
    private final AtomicLong bytes = new AtomicLong();
    private @Nullable Account caller;
    private @Nullable Account address;

    private Hold(Holder holder) {
      this.holder = holder;
    }

    /** Bytes that it holds. */
    public long bytes() {
      return Math.max(0, bytes.get());
    }

    /** Takes more bytes, or none and false when they are over a bound or the hold is closed. */
    public boolean tryGrow(long more) {
      if (more <= 0) {
        return bytes.get() != CLOSED;
      }
      long mine = bytes.get();
      if (mine == CLOSED) {
        return false;
      }
      if (used.addAndGet(more) > total) {
        used.addAndGet(-more);
        refusedByTotal.increment();
        return false;
      }
      Account ofCaller = null;
      if (holder.caller != null) {
        ofCaller = take(callers, holder.caller, caller, mine, more, callerShare);
        if (ofCaller == null) {
          used.addAndGet(-more);
          refusedByCaller.increment();
          return false;
        }
      }
      Account ofAddress = null;
      if (holder.address != null) {
        ofAddress = take(addresses, holder.address, address, mine, more, addressShare);
        if (ofAddress == null) {
          ByteBudget.giveBack(callers, ofCaller, more);
          used.addAndGet(-more);
          refusedByAddress.increment();
          return false;
        }
      }
      caller = ofCaller;
      address = ofAddress;
      if (!bytes.compareAndSet(mine, mine + more)) {
        // Closed meanwhile by another thread, which has given the rest back.
        giveBack(more, ofCaller, ofAddress);
        return false;
      }
      return true;
    }

    /** Gives some of the bytes back. */
    public void shrink(long less) {
      long mine = bytes.get();
      long some = Math.min(less, mine);
      if (some > 0 && bytes.compareAndSet(mine, mine - some)) {
        giveBack(some, caller, address);
      }
    }

    /** Grows or shrinks to that size; false when it could not grow, and then it is as it was. */
    public boolean tryResize(long size) {
      long mine = bytes.get();
      if (mine == CLOSED) {
        return false;
      }
      if (size < mine) {
        shrink(mine - size);
        return true;
      }
      return tryGrow(size - mine);
    }

    @Override
    public void close() {
      long rest = bytes.getAndSet(CLOSED);
      if (rest > 0) {
        giveBack(rest, caller, address);
      }
    }

    private void giveBack(long less, @Nullable Account ofCaller, @Nullable Account ofAddress) {
      ByteBudget.giveBack(addresses, ofAddress, less);
      ByteBudget.giveBack(callers, ofCaller, less);
      used.addAndGet(-less);
    }
  }

  /**
   * @param known where the hold has bytes already, if {@code mine} is more than 0
   * @return null when the share is used up
   */
  private static @Nullable Account take(
      ConcurrentMap<String, Account> accounts,
      String name,
      @Nullable Account known,
      long mine,
      long more,
      long share) {
    Account account =
        known != null && mine > 0 ? known : accounts.computeIfAbsent(name, Account::new);
    while (true) {
      long held = account.get();
      if (held == RETIRED) {
        accounts.remove(name, account);
        account = accounts.computeIfAbsent(name, Account::new);
      } else if (held + more > share && held != mine) {
        return null;
      } else if (account.compareAndSet(held, held + more)) {
        return account;
      }
    }
  }

  private static void giveBack(
      ConcurrentMap<String, Account> accounts, @Nullable Account account, long less) {
    if (account != null && account.addAndGet(-less) == 0 && account.compareAndSet(0, RETIRED)) {
      accounts.remove(account.name, account);
    }
  }

  /** What one caller or address holds. An empty one is retired and never used again. */
  private static final class Account extends AtomicLong {
    private static final long serialVersionUID = 1L;

    private final String name;

    Account(String name) {
      this.name = name;
    }
  }
}
