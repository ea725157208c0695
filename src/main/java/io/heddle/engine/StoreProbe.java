package io.heddle.engine;

import java.util.Map;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** What health asks of the engine, whichever it is. */
public interface StoreProbe {

  /** {@code redis} or {@code embedded}. */
  String name();

  /** Whether the engine has worked once; stays true in later outages. Never blocks. */
  boolean isReady();

  /** Looks at the store itself; an error when it does not answer. Any thread. */
  Mono<Look> look();

  /** How many sessions there are, those that are being built included; an error when unanswered. */
  Mono<Long> sessions();

  /**
   * What was seen.
   *
   * @param details numbers and strings, no secrets
   * @param fault what must be put right although the store answers, or null
   */
  record Look(Map<String, Object> details, @Nullable String fault) {}
}
