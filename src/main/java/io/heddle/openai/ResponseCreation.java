package io.heddle.openai;

import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.json.Json;
import io.heddle.session.IdempotentRequest;
import io.heddle.session.Message;
import io.heddle.session.NewMessage;
import io.heddle.session.OnBusy;
import io.heddle.session.ThreadPage;
import io.heddle.session.Turn;
import io.heddle.session.WriteContext;
import io.heddle.session.WritePreconditions;
import io.heddle.turn.Summary;
import io.heddle.turn.TurnSpec;
import io.heddle.web.IdempotencyHashes;
import io.heddle.web.RequestContext;
import io.heddle.web.RequestHeaders;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Begins the turn that a response is: in the conversation that the request names; after a previous
 * response, in its session while nothing came after it, else in a fork from there; or in a new
 * session of its own.
 */
final class ResponseCreation {

  static final int MAX_INPUT = 500;

  private final WireServices services;

  ResponseCreation(WireServices services) {
    this.services = services;
  }

  /** One request on its way to a turn. */
  private record Start(
      RequestContext call,
      ResponseRequest ask,
      byte[] body,
      String fingerprint,
      Json notes,
      SocketMemory.@Nullable Past past) {}

  /**
   * @param past what the request's socket remembers of the previous response, or null
   */
  Mono<Turn> begin(
      RequestContext call,
      ResponseRequest ask,
      byte[] body,
      String defaultModel,
      SocketMemory.@Nullable Past past) {
    if (ask.input().size() > MAX_INPUT) {
      throw OpenAiJson.refuse("input", "has more than " + MAX_INPUT + " items");
    }
    Start start =
        new Start(call, ask, body, call.fingerprint(body), ask.notes(defaultModel).toJson(), past);
    if (ask.conversation() != null) {
      SessionKey key = Conversations.key(call, ask.conversation());
      return Conversations.named(
          key,
          services
              .tries()
              .in(call, key, start.fingerprint())
              .switchIfEmpty(Mono.defer(() -> inConversation(start, key))));
    }
    return services
        .tries()
        .anywhere(call, start.fingerprint())
        .switchIfEmpty(
            Mono.defer(() ->
                ask.previous() == null || past != null
                    ? inNew(start)
                    : after(start, ask.previous())));
  }

  // ---- where

  private Mono<Turn> inConversation(Start start, SessionKey key) {
    RequestContext call = start.call();
    WriteContext request = call.writing(key, start.body());
    return services
        .gate()
        .isRepeated(request)
        .flatMap(repeated ->
            input(start, services.references().in(call, key, Long.MAX_VALUE))
                .flatMap(input -> repeated ? Mono.just(input) : withoutRepeated(start, key, input))
                .flatMap(input ->
                    begin(
                        start,
                        request,
                        order(start, input, RequestHeaders.onBusy(call.headers())))));
  }

  private Mono<Turn> inNew(Start start) {
    SocketMemory.Past past = start.past();
    if (start.ask().input().isEmpty() && past == null) {
      throw OpenAiJson.missing("input");
    }
    RequestContext call = start.call();
    SessionKey key = newKey(call);
    WriteContext request = call.writing(key, start.body());
    return input(start, past == null ? ItemReferences.NEW : past.place())
        .map(input -> past == null ? PendingToolCalls.check(input) : past.stored(input))
        .flatMap(input -> {
          services.requireAllowedUnlessRepeated(call);
          return services
              .tries()
              .remember(call, start.fingerprint(), key)
              .then(services.make(call, key))
              .then(
                  orNothing(
                      call,
                      key,
                      Mono.defer(
                          () -> begin(start, request, order(start, input, OnBusy.ENQUEUE)))));
        });
  }

  private Mono<Turn> after(Start start, String previous) {
    RequestContext call = start.call();
    ResponseId id = ResponseId.parse(previous);
    SessionKey key = id == null ? null : call.keyOrNull(id.session());
    if (id == null || key == null) {
      throw previousNotFound(previous);
    }
    return services
        .tries()
        .in(call, key, start.fingerprint())
        .switchIfEmpty(Mono.defer(() -> repeated(start, key)))
        .switchIfEmpty(
            Mono.defer(() ->
                services
                    .records()
                    .point(call, key, id)
                    .switchIfEmpty(Mono.error(() -> previousNotFound(previous)))
                    .flatMap(point -> goOn(start, key, point))));
  }

  /** With an idempotency key: the turn may have been begun in the session or in a fork of it. */
  private Mono<Turn> repeated(Start start, SessionKey key) {
    RequestContext call = start.call();
    if (call.idempotencyKey() == null) {
      return Mono.empty();
    }
    return Flux.just(newKey(call), key)
        .concatMap(at -> {
          WriteContext request = call.writing(at, start.body());
          return services
              .gate()
              .isRepeated(request)
              .filter(repeated -> repeated)
              .flatMap(_ -> begin(start, request, order(start, List.of(), OnBusy.REJECT)));
        })
        .next();
  }

  private Mono<Turn> goOn(Start start, SessionKey key, ResponseRecords.Point point) {
    RequestContext call = start.call();
    if (point.running()) {
      return Mono.error(
          new WireError(
                  400,
                  "Previous response with id '" + start.ask().previous() + "' has not ended.",
                  WireError.INVALID,
                  "previous_response_id",
                  "previous_response_in_progress",
                  true,
                  WireError.LOCKED_MILLIS)
              .toException());
    }
    return services
        .end(call, key)
        .flatMap(page -> {
          boolean atEnd =
              point.last().equals(lastSaid(page)) && page.session().head().activeTurn() == null;
          return seq(call, key, point.last(), atEnd)
              .flatMap(last -> input(start, services.references().in(call, key, last)))
              .flatMap(input -> {
                // With the summaries behind it.
                String until = atEnd ? page.messages().getLast().id() : point.last();
                if (!atEnd || point.conversation()) {
                  return forked(start, key, until, input);
                }
                List<NewMessage> added = PendingToolCalls.check(page, input);
                WritePreconditions here =
                    call.writing(key, start.body())
                        .requested()
                        .withPositions(List.of(page.session().position()));
                return begin(start, call.writing(key, here), order(start, added, OnBusy.REJECT))
                    // Somebody else went on from there at the same time.
                    .onErrorResume(
                        ResponseCreation::isTaken, _ -> forked(start, key, until, input));
              });
        });
  }

  /** The id of the last message that is no summary, or null. */
  private static @Nullable String lastSaid(ThreadPage page) {
    for (Message message : page.messages().reversed()) {
      if (Summary.of(message.body()) == null) {
        return message.id();
      }
    }
    return null;
  }

  /** Up to where the session's messages are before those of the request. */
  private Mono<Long> seq(RequestContext call, SessionKey key, String message, boolean atEnd) {
    return atEnd
        ? Mono.just(Long.MAX_VALUE)
        : services
            .pages()
            .message(key, call.view(), message)
            .map(page -> page.messages().getFirst().seq())
            .defaultIfEmpty(Long.MAX_VALUE);
  }

  /** A session of its own that begins with the thread up to the previous response. */
  private Mono<Turn> forked(Start start, SessionKey key, String until, List<NewMessage> input) {
    RequestContext call = start.call();
    SessionKey target = newKey(call);
    WriteContext request = call.writing(target, start.body());
    IdempotentRequest retry = request.requested().retry();
    // The fork has a record of its own, or the turn in it would be taken for its repetition.
    IdempotentRequest forkOnly =
        retry == null ? null : new IdempotentRequest(hash(retry.key() + "/fork"), retry.body());
    services.requireAllowedUnlessRepeated(call);
    return services
        .tries()
        .remember(call, start.fingerprint(), target)
        .then(
            services
                .sessions()
                .fork(
                    call.writing(key, WritePreconditions.NONE.withRetry(forkOnly)), target, until))
        .then(
            orNothing(
                call,
                target,
                Mono.defer(() -> withoutRepeated(start, target, input))
                    .flatMap(added -> begin(start, request, order(start, added, OnBusy.ENQUEUE)))));
  }

  /**
   * Takes away the session that was made for a turn which is refused: nobody could find it, and
   * each try over a limit would leave one. Under an idempotency key it stays for the next try.
   */
  private Mono<Turn> orNothing(RequestContext call, SessionKey made, Mono<Turn> begun) {
    return call.idempotencyKey() != null
        ? begun
        : begun.onErrorResume(
            ResponseCreation::isRefusal,
            error ->
                services
                    .sessions()
                    .delete(call.writing(made, WritePreconditions.NONE))
                    .onErrorComplete()
                    .then(Mono.error(error)));
  }

  private static boolean isRefusal(Throwable error) {
    ProblemCode code = ProblemException.codeOf(error);
    return error instanceof WireException || (code != null && code != ProblemCode.OUTCOME_UNKNOWN);
  }

  // ---- how

  private Mono<Turn> begin(Start start, WriteContext request, TurnSpec order) {
    return services
        .gate()
        .write(start.call(), request, () -> services.turns().begin(request, order))
        .map(written -> written.value())
        .flatMap(services.references().remember(start.call(), request.key(), order.input()));
  }

  private static TurnSpec order(Start start, List<NewMessage> input, OnBusy onBusy) {
    ResponseRequest ask = start.ask();
    return new TurnSpec(
        input,
        ask.model(),
        ask.instructions(),
        ask.parameters(),
        onBusy,
        null,
        start.notes(),
        start.fingerprint(),
        List.of(),
        ask.compactAt());
  }

  private Mono<List<NewMessage>> input(Start start, ItemReferences.Place place) {
    return services.references().messages(start.call(), start.ask().input(), place);
  }

  /** The input without outputs that the session has; what it cannot take is refused. */
  private Mono<List<NewMessage>> withoutRepeated(
      Start start, SessionKey key, List<NewMessage> input) {
    return services.end(start.call(), key).map(page -> PendingToolCalls.check(page, input));
  }

  /** Of a session that this request makes; with an idempotency key always the same. */
  private SessionKey newKey(RequestContext call) {
    byte[] hash = call.keyHash();
    return new SessionKey(call.caller().tenant(), services.conversations().ownId(hash));
  }

  private static String hash(String text) {
    return HexFormat.of()
        .formatHex(IdempotencyHashes.sha256().digest(text.getBytes(StandardCharsets.US_ASCII)));
  }

  private static boolean isTaken(Throwable error) {
    ProblemCode code = ProblemException.codeOf(error);
    return code == ProblemCode.VERSION_CONFLICT
        || code == ProblemCode.TURN_RUNNING
        || code == ProblemCode.TURN_QUEUE_FULL;
  }

  static WireException previousNotFound(String id) {
    return WireError.invalid(
            "previous_response_id",
            "previous_response_not_found",
            "Previous response with id '" + id + "' not found.")
        .toException();
  }
}
