package io.heddle.testing;

import java.lang.StackWalker.StackFrame;
import java.util.concurrent.locks.ReentrantLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.stream.Stream;
import reactor.blockhound.BlockHound;
import reactor.blockhound.BlockingMethod;
import reactor.blockhound.BlockingOperationError;
import reactor.blockhound.integration.BlockHoundIntegration;

/**
 * Lets Lettuce and Redisson take their short locks on their event loops. When BlockHound throws out
 * of an acquisition, the thread that was refused stays in the lock's queue, is handed the lock, and
 * nobody ever gets it again: whole suites stood still.
 */
public final class DriverLocks implements BlockHoundIntegration {

  private static final String LETTUCE = "io.lettuce.core.";

  private static final String LETTUCES_LOCK = LETTUCE + "protocol.SharedLock";

  private static final String REDISSON = "org.redisson.";

  @Override
  public void applyTo(BlockHound.Builder builder) {
    builder
        .allowBlockingCallsInside(LETTUCES_LOCK, "incrementWriters")
        .allowBlockingCallsInside(LETTUCES_LOCK, "decrementWriters")
        .allowBlockingCallsInside(LETTUCES_LOCK, "doExclusive")
        .allowBlockingCallsInside(REDISSON + "misc.WrappedLock", "execute")
        // Redisson hands work from its event loop to its pool over this queue.
        .allowBlockingCallsInside("java.util.concurrent.LinkedBlockingQueue", "offer")
        .blockingMethodCallback(DriverLocks::refuse);
  }

  /** The other locks are taken in lambdas, whose names change with each version of the driver. */
  private static void refuse(BlockingMethod method) {
    if (!StackWalker.getInstance().walk(DriverLocks::isDriversLock)) {
      throw new BlockingOperationError(method);
    }
  }

  /**
   * Whether a driver takes the lock, or one of the JDK's collections for a driver: the size of the
   * queue that Lettuce bounds its commands with is read under that queue's lock.
   */
  private static boolean isDriversLock(Stream<StackFrame> stack) {
    return stack
        .dropWhile(frame -> !isLock(frame))
        .dropWhile(frame -> frame.getClassName().startsWith("java.util.concurrent."))
        .findFirst()
        .map(StackFrame::getClassName)
        .filter(name -> name.startsWith(LETTUCE) || name.startsWith(REDISSON))
        .isPresent();
  }

  private static boolean isLock(StackFrame frame) {
    String name = frame.getClassName();
    return frame.getMethodName().equals("lock")
        && (name.startsWith(ReentrantLock.class.getName())
            || name.startsWith(ReentrantReadWriteLock.class.getName()));
  }
}
