package io.heddle.embedded;

import io.heddle.base.Seldom;
import java.util.function.ToIntBiFunction;
import org.h2.mvstore.MVStoreException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Steps of upkeep that must not hinder each other. A row that nobody can read would otherwise end
 * all upkeep, and with it the store, each time that it is met.
 */
final class Apart {

  private static final Logger LOG = LoggerFactory.getLogger(Apart.class);

  private final Seldom failures = new Seldom();

  /**
   * Does one step for each row that a scan finds, as long as any may still be seen to. A step that
   * fails leaves nothing behind and costs nothing of what is left to do: it is met again in each
   * run, and must not keep the others from theirs.
   *
   * @param rows that may be seen to
   * @param step from a row's key and the rows that are left to those that are left after it
   * @return how many may still be seen to
   */
  int forEach(Tx tx, String what, Scan<?> scan, int rows, ToIntBiFunction<byte[], Integer> step) {
    int left = rows;
    while (left > 0 && scan.hasNext()) {
      byte[] at = scan.next();
      Tx.Mark mark = tx.mark();
      try {
        left = step.applyAsInt(at, left);
      } catch (MVStoreException e) {
        // The file itself is broken, and not a row in it.
        throw e;
      } catch (RuntimeException e) {
        tx.backTo(mark);
        failed(what, e);
      }
    }
    return left;
  }

  void failed(String what, RuntimeException error) {
    if (failures.happened()) {
      LOG.warn(
          "A row of {} cannot be seen to and stays; {} failures since the start: {}",
          what,
          failures.count(),
          error.toString());
    }
  }
}
