package io.heddle.turn;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.session.Message;
import io.heddle.session.ReadContext;
import io.heddle.session.Session;
import io.heddle.session.SessionReader;
import io.heddle.session.ThreadPage;
import java.time.Instant;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Finds the last summary of a thread that is longer than what is read of it. Summaries are numbered
 * by their ids, so the last one is found in a few reads however long the thread is. Some numbers
 * may be missing, where messages were deleted or a client has given such an id to its own: a few in
 * a row are passed over. That a thread has no summary is remembered: who never compacts pays one
 * read for each long thread.
 */
final class Summaries {

  private static final int REMEMBERED = 20_000;

  /** So many numbers in a row are looked for where some may be missing. */
  private static final int NUMBERS = 4;

  private final SessionReader reader;
  private final Cache<SessionKey, Nowhere> none =
      Caffeine.newBuilder().maximumSize(REMEMBERED).build();

  /** No message of that session up to this number is a summary. */
  private record Nowhere(Instant createdAt, long seq) {}

  /**
   * @param reader the store's, not the near cache
   */
  Summaries(SessionReader reader) {
    this.reader = reader;
  }

  /** Whether a summary may stand before the page that stands for what lies before the page. */
  boolean mayStandBefore(ThreadPage page) {
    if (!page.hasMore() || page.messages().isEmpty() || Summary.last(page.messages()) >= 0) {
      return false;
    }
    Nowhere known = none.getIfPresent(page.session().key());
    if (known == null
        || !known.createdAt().equals(page.session().head().createdAt())
        || known.seq() + 1 < page.messages().getFirst().seq()) {
      return true;
    }
    remember(page);
    return false;
  }

  /** The last summary before the page, or empty. */
  Mono<Message> before(ThreadPage page) {
    long first = page.messages().getFirst().seq();
    return latest(page.session())
        .switchIfEmpty(
            Mono.defer(() -> {
              remember(page);
              return Mono.empty();
            }))
        .filter(message -> message.seq() < first);
  }

  /** The summary with the highest number, or empty. */
  Mono<Message> latest(Session session) {
    return from(session, 1).flatMap(first -> after(session, 1, first, 2));
  }

  /** Looks twice as far each time, and then between the last that was there and the first not. */
  private Mono<Message> after(Session session, int number, Message found, int next) {
    return from(session, next)
        .flatMap(more -> after(session, next, more, 2 * next))
        .switchIfEmpty(Mono.defer(() -> between(session, number, found, next)));
  }

  private Mono<Message> between(Session session, int number, Message found, int absent) {
    if (absent - number <= 1) {
      return Mono.just(found);
    }
    int middle = (number + absent) >>> 1;
    return from(session, middle)
        .flatMap(more -> between(session, middle, more, absent))
        .switchIfEmpty(Mono.defer(() -> between(session, number, found, middle)));
  }

  /** The one with that number, or with one of the next where that one may be missing. */
  private Mono<Message> from(Session session, int number) {
    if (session.head().deleted() > 0) {
      return anyFrom(session.key(), number);
    }
    return at(session.key(), number)
        .flatMap(found -> isSummary(found) ? Mono.just(found) : anyFrom(session.key(), number + 1));
  }

  private Mono<Message> anyFrom(SessionKey key, int number) {
    return Flux.range(number, NUMBERS)
        .flatMapSequential(each -> at(key, each))
        .filter(Summaries::isSummary)
        .next();
  }

  private static boolean isSummary(Message message) {
    return Summary.of(message.body()) != null;
  }

  private Mono<Message> at(SessionKey key, int number) {
    return reader
        .message(key, ReadContext.ANY, Summary.id(number))
        .map(page -> page.messages().getFirst())
        .onErrorResume(
            error -> ProblemException.is(error, ProblemCode.MESSAGE_NOT_FOUND), _ -> Mono.empty());
  }

  private void remember(ThreadPage page) {
    none.put(
        page.session().key(),
        new Nowhere(page.session().head().createdAt(), page.messages().getLast().seq()));
  }
}
