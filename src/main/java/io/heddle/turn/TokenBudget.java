package io.heddle.turn;

import io.heddle.base.Caller;
import io.heddle.base.Json;
import reactor.core.publisher.Mono;

/**
 * Tokens as a limit: taken before a turn, by an estimate, and settled after it by what it used. A
 * reservation travels with the turn's record, so whoever ends the turn can settle it.
 */
public interface TokenBudget {

  /** For when no tokens are limited. */
  TokenBudget UNLIMITED =
      new TokenBudget() {
        @Override
        public boolean limits(Caller caller) {
          return false;
        }

        @Override
        public Mono<Json> reserve(Caller caller, long tokens) {
          return Mono.empty();
        }

        @Override
        public Mono<Void> settle(Json reservation, long used) {
          return Mono.empty();
        }
      };

  /** Whether any rule counts this caller's tokens; if not, nobody has to estimate any. */
  boolean limits(Caller caller);

  /**
   * Takes them from the caller's limits; {@code rate-limited} when they are not left. Empty when
   * nothing had to be taken.
   */
  Mono<Json> reserve(Caller caller, long tokens);

  /** Gives back what was reserved and not used, or takes what was used beside. */
  Mono<Void> settle(Json reservation, long used);
}
