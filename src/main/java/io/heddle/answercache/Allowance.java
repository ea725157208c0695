package io.heddle.answercache;

import io.heddle.base.Problem;
import java.time.Instant;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * How many bytes of answers may be kept, for one user and for all. It is asked before an answer is
 * kept and told after, and knows what other replicas keep some seconds later.
 */
public interface Allowance {

  /** Any number. */
  Allowance UNBOUNDED =
      new Allowance() {
        @Override
        public Mono<Void> known(AnswerKey key, long bytes) {
          return Mono.empty();
        }

        @Override
        public @Nullable Problem refuses(AnswerKey key, long bytes) {
          return null;
        }

        @Override
        public void changed(AnswerKey key, long bytes, Instant end) {}
      };

  /** Completes when what is kept is known here well enough, or cannot be found out. */
  Mono<Void> known(AnswerKey key, long bytes);

  /** Why so much more may not be kept; null when it may. */
  @Nullable Problem refuses(AnswerKey key, long bytes);

  /**
   * An answer is kept, or not any more.
   *
   * @param bytes less than 0 when it has gone
   * @param end when its time is over
   */
  void changed(AnswerKey key, long bytes, Instant end);
}
