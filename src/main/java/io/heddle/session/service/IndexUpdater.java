package io.heddle.session.service;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.heddle.base.SessionKey;
import io.heddle.session.Outcome;
import io.heddle.session.PageRequest;
import io.heddle.session.ReadContext;
import io.heddle.session.SessionIndex;
import io.heddle.session.SessionReader;
import io.heddle.session.ThreadPage;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Keeps the index of users' sessions. It must hold every session a user has and may hold more:
 *
 * <ul>
 *   <li>a session is entered before it is created, and once more after, because a reader that just
 *       found the id empty may take the first entry out in between;
 *   <li>whoever takes an entry out looks at the session again afterwards, for the same reason;
 *   <li>later writes renew the time, seldom, and outside the request: a lost one costs only order.
 * </ul>
 */
final class IndexUpdater {

  private static final Logger log = LoggerFactory.getLogger(IndexUpdater.class);
  private static final int REMEMBERED = 100_000;
  private static final int CONCURRENCY = 8;

  private final SessionIndex index;
  private final SessionReader reader;
  private final Cache<SessionKey, Boolean> touched;
  private final LongAdder failures = new LongAdder();

  IndexUpdater(SessionIndex index, SessionReader reader, Duration every) {
    this.index = index;
    this.reader = reader;
    this.touched = Caffeine.newBuilder().maximumSize(REMEMBERED).expireAfterWrite(every).build();
  }

  /** Before a session is created; the session must not be created if this fails. */
  Mono<Void> creating(SessionKey key, @Nullable String user, Instant now) {
    return user == null ? Mono.empty() : index.touch(key, user, now);
  }

  void created(SessionKey key, Outcome.Applied applied) {
    String user = applied.user();
    if (user != null) {
      touched.put(key, true);
      touch(key, user, applied.head().updatedAt());
    }
  }

  void written(SessionKey key, Outcome.Applied applied) {
    String user = applied.user();
    if (user != null && touched.asMap().putIfAbsent(key, true) == null) {
      touch(key, user, applied.head().updatedAt());
    }
  }

  /** Takes sessions out that are not the user's any more. */
  void forget(List<SessionKey> keys, String user) {
    if (keys.isEmpty()) {
      return;
    }
    List<String> ids = keys.stream().map(SessionKey::id).toList();
    index
        .forget(keys.getFirst().tenant(), user, ids)
        .thenMany(Flux.fromIterable(keys))
        .flatMap(
            key ->
                reader
                    .load(key, ReadContext.ANY, PageRequest.NONE)
                    .map(ThreadPage::session)
                    .filter(session -> user.equals(session.description().user()))
                    .flatMap(session -> index.touch(key, user, session.head().updatedAt()))
                    .onErrorResume(error -> {
                      // The others were taken out, too, and must be looked at.
                      if (!WriteExecutor.isGone(error)) {
                        failed("forget", error);
                      }
                      return Mono.empty();
                    }),
            CONCURRENCY)
        .subscribe(null, error -> failed("forget", error));
  }

  /** How many writes of the index failed outside a request. */
  long failures() {
    return failures.sum();
  }

  private void touch(SessionKey key, String user, Instant active) {
    index
        .touch(key, user, active)
        .subscribe(
            null,
            error -> {
              touched.invalidate(key);
              failed("touch", error);
            });
  }

  private void failed(String what, Throwable error) {
    failures.increment();
    log.debug("index {} failed: {}", what, error.toString());
  }
}
