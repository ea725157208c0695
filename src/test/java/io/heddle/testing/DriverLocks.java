package io.heddle.testing;

import reactor.blockhound.BlockHound;
import reactor.blockhound.integration.BlockHoundIntegration;

/**
 * Lets Lettuce and Redisson take their short locks on their event loops. When BlockHound throws out
 * of an acquisition, the thread that was refused stays in the lock's queue, is handed the lock, and
 * nobody ever gets it again: whole suites stood still.
 */
public final class DriverLocks implements BlockHoundIntegration {

  private static final String LETTUCE = "io.lettuce.core.protocol.SharedLock";

  @Override
  public void applyTo(BlockHound.Builder builder) {
    builder
        .allowBlockingCallsInside(LETTUCE, "incrementWriters")
        .allowBlockingCallsInside(LETTUCE, "decrementWriters")
        .allowBlockingCallsInside(LETTUCE, "doExclusive")
        .allowBlockingCallsInside("org.redisson.misc.WrappedLock", "execute")
        // Redisson hands work from its event loop to its pool over this queue.
        .allowBlockingCallsInside("java.util.concurrent.LinkedBlockingQueue", "offer");
  }
}
