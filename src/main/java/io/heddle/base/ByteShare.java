package io.heddle.base;

import io.heddle.base.ByteBudget.Hold;
import io.heddle.base.ByteBudget.Holder;
import reactor.util.context.Context;
import reactor.util.context.ContextView;

/**
 * Whose share of the bytes in flight a piece of work is. It travels in the subscriber's context to
 * where bytes pile up, past interfaces that need not know of it.
 */
public record ByteShare(ByteBudget budget, Holder holder) {

  private static final ByteShare NOBODYS = new ByteShare(ByteBudget.unbounded(), Holder.NOBODY);

  /** The share that a subscriber has brought along; without one, nothing is refused. */
  public static ByteShare of(ContextView context) {
    ByteShare brought = context.getOrDefault(ByteShare.class, NOBODYS);
    return brought == null ? NOBODYS : brought;
  }

  public Context in(Context context) {
    return context.put(ByteShare.class, this);
  }

  /** A hold without bytes yet. It must be closed. */
  public Hold hold() {
    return budget.hold(holder);
  }
}
