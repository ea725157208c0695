package io.heddle.embedded;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.Seldom;
import org.h2.mvstore.MVStoreException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What is told of reads and writes that failed for no reason of their callers. */
final class Failures {

  private static final Logger LOG = LoggerFactory.getLogger(Failures.class);

  /** A broken row is met again whenever somebody asks for it. */
  private static final Seldom SEEN = new Seldom();

  private Failures() {}

  /**
   * @param unavailable what is told when it may be better soon; a row that cannot be read will not
   *     be
   */
  static ProblemException told(RuntimeException error, String unavailable) {
    if (SEEN.happened()) {
      LOG.error("The session store failed, {} times since the start", SEEN.count(), error);
    }
    return error instanceof MVStoreException
        ? StoreWriter.unavailable(unavailable, 1)
        : Problem.of(ProblemCode.INTERNAL, "The store failed").toException();
  }
}
