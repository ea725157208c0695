package io.heddle.session.service;

import io.heddle.base.Detached;
import io.heddle.base.IdSource;
import io.heddle.base.Position;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.session.Head;
import io.heddle.session.IdempotentRequest;
import io.heddle.session.Message;
import io.heddle.session.MessagePlace;
import io.heddle.session.NewMessage;
import io.heddle.session.Outcome;
import io.heddle.session.PageRequest;
import io.heddle.session.Session;
import io.heddle.session.SessionAttributes;
import io.heddle.session.SessionAttributes.Status;
import io.heddle.session.SessionProperties;
import io.heddle.session.SessionReader;
import io.heddle.session.Storage;
import io.heddle.session.ThreadPage;
import io.heddle.session.Write.AppendToBuild;
import io.heddle.session.Write.Copied;
import io.heddle.session.Write.PublishBuild;
import io.heddle.session.Write.StartBuild;
import io.heddle.session.WriteContext;
import io.heddle.session.WritePreconditions;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Copies a thread into a new session.
 *
 * <p>The source is read without a lock, page by page, as it stood at the first page: what was
 * appended since is not taken, and when anything was deleted since the copy starts over. The target
 * is begun only when all was read, so that what can go wrong half way is the store and nothing
 * else. Then the target's id stays taken until it is swept, and the idempotency key in progress
 * until after that: whoever repeats the request is told to come back, and not that the id is taken.
 */
final class Forks {

  private static final int TRIES = 5;
  private static final Duration MARGIN = Duration.ofSeconds(30);
  private static final int PAGE = 200;
  private static final int CHUNK_MESSAGES = 200;
  private static final int CHUNK_BYTES = 1 << 20;

  private final SessionReader reader;
  private final WriteExecutor writes;
  private final IndexUpdater activity;
  private final IdSource ids;
  private final InstantSource clock;
  private final Duration timeout;
  private final Storage storage;

  Forks(
      SessionReader reader,
      WriteExecutor writes,
      IndexUpdater activity,
      IdSource ids,
      InstantSource clock,
      Duration timeout,
      Storage storage) {
    this.reader = reader;
    this.writes = writes;
    this.activity = activity;
    this.ids = ids;
    this.clock = clock;
    this.timeout = timeout;
    this.storage = storage;
  }

  /** Goes on when the subscriber has gone; {@link Outcome.Applied} is the target's. */
  Mono<Outcome> fork(WriteContext request, SessionKey target, @Nullable String after) {
    return writes.held(
        target,
        request.requested().retry(),
        timeout.plus(SessionProperties.BUILD_LIFE).plus(MARGIN),
        mark -> {
          mark.begin();
          AtomicBoolean built = new AtomicBoolean();
          return Detached.of(
              known(request)
                  .then(Mono.defer(() -> read(request, after)))
                  .flatMap(
                      copy -> withRoom(request, copy, build(target, copy, mark.retry(), built)))
                  .onErrorResume(error -> built.get() ? Mono.error(error) : mark.dropAfter(error)));
        });
  }

  private Mono<Void> known(WriteContext request) {
    Mono<Void> known =
        storage.known(request.key().tenant(), request.caller().owner(), 1, Long.MAX_VALUE / 2);
    return known == null ? Mono.empty() : known;
  }

  /**
   * The copy counts from its beginning: many that begin together would each find room that is there
   * once.
   */
  private Mono<Outcome> withRoom(WriteContext request, Copy copy, Mono<Outcome> build) {
    long bytes = copy.messages().stream().mapToLong(message -> message.body().length()).sum();
    String user = copy.description().user();
    return Mono.defer(() -> {
      Problem refusal = storage.refuses(request.key().tenant(), request.caller().owner(), 1, bytes);
      if (refusal != null) {
        return Mono.error(refusal.toException());
      }
      storage.changed(request.key().tenant(), user, 1, bytes, 0);
      return build.doFinally(_ -> storage.changed(request.key().tenant(), user, -1, -bytes, 0));
    });
  }

  private Mono<Outcome> build(
      SessionKey target, Copy copy, @Nullable IdempotentRequest retry, AtomicBoolean built) {
    String build = ids.tag() + ids.tag();
    AtomicBoolean opening = new AtomicBoolean();
    SessionAttributes description = copy.description();
    Mono<Outcome> filled =
        Flux.fromIterable(chunks(copy.messages()))
            .concatMap(chunk ->
                writes.once(target, new AppendToBuild(build, chunk), WritePreconditions.NONE))
            .then(
                Mono.defer(() -> {
                  opening.set(true);
                  return writes.once(
                      target, new PublishBuild(build), WritePreconditions.NONE.withRetry(retry));
                }))
            .timeout(timeout)
            .onErrorMap(
                TimeoutException.class,
                _ ->
                    Problem.of(
                            opening.get()
                                ? ProblemCode.OUTCOME_UNKNOWN
                                : ProblemCode.STORE_UNAVAILABLE,
                            "the fork took longer than " + timeout.toSeconds() + " s")
                        .toException());
    return activity
        .creating(target, description.user(), clock.instant())
        .then(
            Mono.defer(() ->
                writes.once(target, new StartBuild(build, description), WritePreconditions.NONE)))
        .doOnNext(_ -> built.set(true))
        .doOnError(
            error -> ProblemException.is(error, ProblemCode.OUTCOME_UNKNOWN), _ -> built.set(true))
        .then(filled)
        .onErrorMap(
            error -> !opening.get() && ProblemException.is(error, ProblemCode.OUTCOME_UNKNOWN),
            _ ->
                Problem.of(
                        ProblemCode.STORE_UNAVAILABLE,
                        "the store did not answer; no session was made")
                    .toException())
        .doOnNext(outcome -> {
          if (outcome instanceof Outcome.Applied applied) {
            activity.created(target, applied);
          }
        });
  }

  /** The source as it was at one position. */
  private Mono<Copy> read(WriteContext request, @Nullable String after) {
    Mono<Long> last =
        after == null
            ? Mono.just(Long.MAX_VALUE)
            : reader
                .message(request.key(), request.view(), after)
                .map(page -> page.messages().getFirst().seq());
    return last.flatMap(seq ->
            reader
                .load(request.key(), request.view(), PageRequest.forward(PAGE, null))
                .flatMap(first -> {
                  Position at = first.session().position();
                  if (!request.requested().allow(at)) {
                    return Mono.error(WriteExecutor.conflict(at));
                  }
                  // Before the rest of it is read: of a whole copy it is known what it takes.
                  Problem refusal =
                      storage.refuses(
                          request.key().tenant(),
                          request.caller().owner(),
                          1,
                          after == null ? first.session().head().bytes() : 1);
                  if (refusal != null) {
                    return Mono.error(refusal.toException());
                  }
                  long to = Math.min(seq, first.session().head().lastSeq());
                  return pages(request, first, to)
                      .flatMap(messages -> copy(first.session(), messages, after));
                }))
        .retryWhen(
            reactor.util.retry.Retry.max(TRIES - 1)
                .filter(Forks::hasMoved)
                .onRetryExhaustedThrow((_, _) -> restless()))
        .timeout(timeout)
        .onErrorMap(
            TimeoutException.class,
            _ ->
                Problem.of(
                        ProblemCode.STORE_UNAVAILABLE,
                        "reading the session took longer than " + timeout.toSeconds() + " s")
                    .toException());
  }

  private Mono<List<Message>> pages(WriteContext request, ThreadPage first, long to) {
    List<Message> messages = new ArrayList<>();
    return Mono.just(first)
        .expand(page -> {
          if (!sameButLonger(first.session(), page.session())) {
            return Mono.error(new SourceMoved());
          }
          for (Message message : page.messages()) {
            if (message.seq() <= to) {
              messages.add(message);
            }
          }
          if (!page.hasMore() || page.messages().getLast().seq() >= to) {
            return Mono.empty();
          }
          String from = page.messages().getLast().id();
          return reader
              .load(request.key(), request.view(), PageRequest.forward(PAGE, from))
              // The cursor's own session was deleted and made again since.
              .onErrorMap(
                  e -> ProblemException.is(e, ProblemCode.INVALID_CURSOR), _ -> new SourceMoved());
        })
        .then(Mono.fromSupplier(() -> messages));
  }

  /**
   * Whether nothing but appends, or nothing that touches messages, happened in between: the number
   * of messages that were ever deleted only grows.
   */
  private static boolean sameButLonger(Session then, Session now) {
    Head a = then.head();
    Head b = now.head();
    return a.createdAt().equals(b.createdAt())
        && a.lastSeq() <= b.lastSeq()
        && a.deleted() == b.deleted();
  }

  private static Mono<Copy> copy(Session source, List<Message> messages, @Nullable String after) {
    if (after != null && (messages.isEmpty() || !messages.getLast().id().equals(after))) {
      return Mono.error(new SourceMoved());
    }
    SessionAttributes d = source.description();
    return Mono.just(
        new Copy(
            new SessionAttributes(
                d.user(),
                d.title(),
                d.metadata(),
                d.systemPrompt(),
                d.model(),
                Status.ACTIVE,
                d.ttl()),
            messages));
  }

  private static List<List<Copied>> chunks(List<Message> messages) {
    List<List<Copied>> chunks = new ArrayList<>();
    List<Copied> chunk = new ArrayList<>();
    int bytes = 0;
    for (Message message : messages) {
      if (chunk.size() == CHUNK_MESSAGES
          || (!chunk.isEmpty() && bytes + message.body().length() > CHUNK_BYTES)) {
        chunks.add(chunk);
        chunk = new ArrayList<>();
        bytes = 0;
      }
      // An id of Heddle's says where the message stands, and it will stand elsewhere.
      String id = MessagePlace.parse(message.id()) == null ? message.id() : null;
      chunk.add(new Copied(new NewMessage(id, message.body()), message.createdAt()));
      bytes += message.body().length();
    }
    if (!chunk.isEmpty()) {
      chunks.add(chunk);
    }
    return chunks;
  }

  private static boolean hasMoved(Throwable error) {
    return error instanceof SourceMoved;
  }

  private static ProblemException restless() {
    return Problem.of(
            ProblemCode.SESSION_LOCKED, "messages kept being deleted while the thread was copied")
        .with("retryAfter", 1)
        .toException();
  }

  private record Copy(SessionAttributes description, List<Message> messages) {}

  /** The source is not what its first page showed any more. */
  private static final class SourceMoved extends RuntimeException {
    private static final long serialVersionUID = 1L;

    SourceMoved() {
      super("the source moved", null, false, false);
    }
  }
}
