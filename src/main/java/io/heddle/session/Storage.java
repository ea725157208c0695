package io.heddle.session;

import io.heddle.base.Problem;
import io.heddle.base.Tenant;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * What each user has stored. It is asked before a write that adds something and told after one, and
 * costs neither a request to the store. What it knows may be some seconds old.
 */
public interface Storage {

  /** Of a service without quotas. */
  Storage UNBOUNDED =
      new Storage() {
        @Override
        public @Nullable Problem refuses(
            Tenant tenant, @Nullable String user, int sessions, long bytes) {
          return null;
        }

        @Override
        public @Nullable Mono<Void> known(
            Tenant tenant, @Nullable String user, int sessions, long bytes) {
          return null;
        }

        @Override
        public void changed(
            Tenant tenant,
            @Nullable String user,
            int sessions,
            long threadBytes,
            long documentBytes) {}
      };

  /**
   * Why a caller may not add so much, or null when he may.
   *
   * @param user the caller's; null for a backend, which always may
   */
  @Nullable Problem refuses(Tenant tenant, @Nullable String user, int sessions, long bytes);

  /**
   * Completes when what the user has is known here well enough for so much more, or cannot be found
   * out; null when it is, as it is for all that is small.
   */
  @Nullable Mono<Void> known(Tenant tenant, @Nullable String user, int sessions, long bytes);

  /**
   * So much was added to what a user has, or went.
   *
   * @param user whose the session is
   */
  void changed(
      Tenant tenant, @Nullable String user, int sessions, long threadBytes, long documentBytes);
}
