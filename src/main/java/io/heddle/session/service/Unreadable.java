package io.heddle.session.service;

import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.Seldom;
import io.heddle.base.SessionKey;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;

/**
 * Sessions whose stored form nobody can read. Where many are read one of them is left out: it must
 * not hide the others. It is not forgotten, since another release may be able to read it.
 */
final class Unreadable {

  private static final Logger LOG = LoggerFactory.getLogger(Unreadable.class);

  private final Seldom found = new Seldom();

  /** The same, but empty when the session cannot be read. That the store is away is an error. */
  <T> Mono<T> leftOut(SessionKey key, Mono<T> read) {
    return read.onErrorResume(
        Unreadable::is,
        error -> {
          if (found.happened()) {
            LOG.warn(
                "{} cannot be read and is left out of a list; {} times since the start: {}",
                key,
                found.count(),
                error.toString());
          }
          return Mono.empty();
        });
  }

  private static boolean is(Throwable error) {
    return error instanceof ProblemException problem
        ? problem.problem().code() == ProblemCode.INTERNAL
        : error instanceof RuntimeException;
  }
}
