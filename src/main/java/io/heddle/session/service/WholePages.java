package io.heddle.session.service;

import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.session.Message;
import io.heddle.session.PageRequest;
import io.heddle.session.ReadContext;
import io.heddle.session.SessionReader;
import io.heddle.session.ThreadPage;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Reads as many messages as are asked for, although one answer of the store is bounded in bytes: in
 * several answers, one after the other. The session is as the first one shows it, and what was
 * appended since is not among the messages; what was deleted meanwhile may be missing.
 */
public final class WholePages {

  private static final int TRIES = 3;

  private WholePages() {}

  public static Mono<ThreadPage> load(
      SessionReader reader, SessionKey key, ReadContext view, PageRequest request) {
    return Mono.defer(() -> reader.load(key, view, request))
        .flatMap(first -> rest(reader, key, new ReadContext(view.owner(), null), request, first))
        // Where a read went on from is not there any more: it begins anew.
        .retryWhen(
            reactor.util.retry.Retry.max(TRIES - 1)
                .filter(MovedOn.class::isInstance)
                .onRetryExhaustedThrow((_, last) -> last.failure()))
        .onErrorMap(MovedOn.class, moved -> moved.refusal);
  }

  private static Mono<ThreadPage> rest(
      SessionReader reader,
      SessionKey key,
      ReadContext view,
      PageRequest request,
      ThreadPage page) {
    int missing = request.limit() - page.messages().size();
    if (!page.hasMore() || missing <= 0 || page.messages().isEmpty()) {
      return Mono.just(page);
    }
    return reader
        .load(key, view, next(request, missing, page.messages()))
        .onErrorMap(
            error ->
                ProblemException.is(error, ProblemCode.INVALID_CURSOR)
                    || WriteExecutor.isGone(error),
            MovedOn::new)
        .flatMap(more -> rest(reader, key, view, request, joined(request, page, more)));
  }

  private static PageRequest next(PageRequest request, int missing, List<Message> messages) {
    boolean oldestFirst = request.fromEnd() != request.newestFirst();
    String last = (oldestFirst ? messages.getFirst() : messages.getLast()).id();
    @Nullable String after = request.fromEnd() ? request.after() : last;
    @Nullable String before = request.fromEnd() ? last : request.before();
    return new PageRequest(missing, after, before, request.fromEnd(), request.newestFirst());
  }

  private static ThreadPage joined(PageRequest request, ThreadPage page, ThreadPage more) {
    List<Message> messages = new ArrayList<>(page.messages().size() + more.messages().size());
    boolean oldestFirst = request.fromEnd() != request.newestFirst();
    messages.addAll(oldestFirst ? more.messages() : page.messages());
    messages.addAll(oldestFirst ? page.messages() : more.messages());
    return new ThreadPage(page.session(), messages, more.hasMore(), page.endsAt());
  }

  /** The thread is not what its first page showed any more. */
  private static final class MovedOn extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final Throwable refusal;

    MovedOn(Throwable refusal) {
      super(refusal.getMessage(), null, false, false);
      this.refusal = refusal;
    }
  }
}
