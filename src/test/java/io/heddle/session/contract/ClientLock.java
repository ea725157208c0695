package io.heddle.session.contract;

import io.heddle.base.SessionKey;
import io.heddle.session.SessionLocks;
import io.heddle.session.SessionLocks.Call;
import io.heddle.session.SessionLocks.Done;
import io.heddle.session.SessionLocks.Held;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** The calls of a client's lock, without an idempotency key. */
public record ClientLock(SessionLocks locks) {

  public Mono<Held> lock(
      SessionKey key, @Nullable String owner, Duration ttl, @Nullable String label) {
    return locks.apply(key, owner, new Call.Take(ttl, label), null).map(ClientLock::held);
  }

  public Mono<Held> renew(SessionKey key, @Nullable String owner, String token, Duration ttl) {
    return locks.apply(key, owner, new Call.Renew(token, ttl), null).map(ClientLock::held);
  }

  public Mono<Void> release(SessionKey key, @Nullable String owner, @Nullable String token) {
    return locks.apply(key, owner, new Call.Release(token), null).then();
  }

  private static Held held(Done done) {
    return Objects.requireNonNull(done.held());
  }
}
