package io.heddle.openai;

import io.heddle.base.Json;
import io.heddle.base.ProblemCode;
import io.heddle.base.SessionKey;
import io.heddle.session.Conditions;
import io.heddle.session.Message;
import io.heddle.session.NewMessage;
import io.heddle.session.OnBusy;
import io.heddle.session.PageRequest;
import io.heddle.session.Request;
import io.heddle.session.Retry;
import io.heddle.session.SessionReader;
import io.heddle.session.Sessions;
import io.heddle.session.ThreadPage;
import io.heddle.session.Turn;
import io.heddle.session.WholePages;
import io.heddle.turn.Summary;
import io.heddle.turn.TurnOrder;
import io.heddle.turn.Turns;
import io.heddle.web.RetryKeys;
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
final class ResponseStarts {

  static final int MAX_INPUT = 500;

  private final Turns turns;
  private final Sessions sessions;
  private final SessionReader reader;
  private final Gate gate;
  private final ItemReferences items;
  private final Conversations conversations;
  private final Tries tries;
  private final ResponseRecords records;

  /** What this needs. */
  record Parts(
      Turns turns,
      Sessions sessions,
      SessionReader reader,
      Gate gate,
      ItemReferences items,
      Conversations conversations,
      Tries tries,
      ResponseRecords records) {}

  ResponseStarts(Parts parts) {
    turns = parts.turns();
    sessions = parts.sessions();
    reader = parts.reader();
    gate = parts.gate();
    items = parts.items();
    conversations = parts.conversations();
    tries = parts.tries();
    records = parts.records();
  }

  /** One request on its way to a turn. */
  private record Start(
      Call call,
      ResponseAsk ask,
      byte[] body,
      String fingerprint,
      Json notes,
      SocketMemory.@Nullable Past past) {}

  /**
   * @param past what the request's socket remembers of the previous response, or null
   */
  Mono<Turn> begin(
      Call call,
      ResponseAsk ask,
      byte[] body,
      String defaultModel,
      SocketMemory.@Nullable Past past) {
    if (ask.input().size() > MAX_INPUT) {
      throw Value.refuse("input", "has more than " + MAX_INPUT + " items");
    }
    Start start =
        new Start(call, ask, body, call.fingerprint(body), ask.notes(defaultModel).toJson(), past);
    if (ask.conversation() != null) {
      SessionKey key = Conversations.key(call, ask.conversation());
      return Conversations.named(
          key,
          tries
              .in(call, key, start.fingerprint())
              .switchIfEmpty(Mono.defer(() -> inConversation(start, key))));
    }
    return tries
        .anywhere(call, start.fingerprint())
        .switchIfEmpty(
            Mono.defer(() ->
                ask.previous() == null || past != null
                    ? inNew(start)
                    : after(start, ask.previous())));
  }

  // ---- where

  private Mono<Turn> inConversation(Start start, SessionKey key) {
    Call call = start.call();
    Request request = call.writing(key, start.body());
    return isRepeated(request)
        .flatMap(repeated ->
            input(start, items.in(call, key, Long.MAX_VALUE))
                .flatMap(input -> repeated ? Mono.just(input) : withoutRepeated(start, key, input))
                .flatMap(input -> begin(start, request, order(start, input, call.onBusy()))));
  }

  private Mono<Turn> inNew(Start start) {
    SocketMemory.Past past = start.past();
    if (start.ask().input().isEmpty() && past == null) {
      throw Value.missing("input");
    }
    Call call = start.call();
    SessionKey key = newKey(call);
    Request request = call.writing(key, start.body());
    return input(start, past == null ? ItemReferences.NEW : past.place())
        .map(input -> past == null ? OpenCalls.check(input) : past.stored(input))
        .flatMap(input -> {
          gateUnlessRepeated(call);
          return tries
              .remember(call, start.fingerprint(), key)
              .then(
                  sessions.put(
                      call.writing(key, Conditions.NONE),
                      conversations.description(call.caller(), Json.EMPTY_OBJECT),
                      List.of()))
              .then(
                  orNothing(
                      call,
                      key,
                      Mono.defer(
                          () -> begin(start, request, order(start, input, OnBusy.ENQUEUE)))));
        });
  }

  private Mono<Turn> after(Start start, String previous) {
    Call call = start.call();
    ResponseId id = ResponseId.parse(previous);
    SessionKey key = id == null ? null : call.key(id.session());
    if (id == null || key == null) {
      throw previousNotFound(previous);
    }
    return tries
        .in(call, key, start.fingerprint())
        .switchIfEmpty(Mono.defer(() -> repeated(start, key)))
        .switchIfEmpty(
            Mono.defer(() ->
                records
                    .point(call, key, id)
                    .switchIfEmpty(Mono.error(() -> previousNotFound(previous)))
                    .flatMap(point -> goOn(start, key, point))));
  }

  /** With an idempotency key: the turn may have been begun in the session or in a fork of it. */
  private Mono<Turn> repeated(Start start, SessionKey key) {
    Call call = start.call();
    if (call.idempotencyKey() == null) {
      return Mono.empty();
    }
    return Flux.just(newKey(call), key)
        .concatMap(at -> {
          Request request = call.writing(at, start.body());
          return isRepeated(request)
              .filter(repeated -> repeated)
              .flatMap(_ -> begin(start, request, order(start, List.of(), OnBusy.REJECT)));
        })
        .next();
  }

  private Mono<Turn> goOn(Start start, SessionKey key, ResponseRecords.Point point) {
    Call call = start.call();
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
    return WholePages.load(reader, key, call.view(), PageRequest.last(OpenCalls.WINDOW))
        .flatMap(page -> {
          boolean atEnd =
              point.last().equals(lastSaid(page)) && page.session().head().activeTurn() == null;
          return seq(call, key, point.last(), atEnd)
              .flatMap(last -> input(start, items.in(call, key, last)))
              .flatMap(input -> {
                // With the summaries behind it.
                String until = atEnd ? page.messages().getLast().id() : point.last();
                if (!atEnd || point.conversation()) {
                  return forked(start, key, until, input);
                }
                List<NewMessage> added = OpenCalls.check(page, input);
                Conditions here =
                    call.writing(key, start.body())
                        .conditions()
                        .withPositions(List.of(page.session().position()));
                return begin(start, call.writing(key, here), order(start, added, OnBusy.REJECT))
                    // Somebody else went on from there at the same time.
                    .onErrorResume(ResponseStarts::isTaken, _ -> forked(start, key, until, input));
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
  private Mono<Long> seq(Call call, SessionKey key, String message, boolean atEnd) {
    return atEnd
        ? Mono.just(Long.MAX_VALUE)
        : reader
            .message(key, call.view(), message)
            .map(page -> page.messages().getFirst().seq())
            .onErrorResume(
                error -> Conversations.code(error) == ProblemCode.MESSAGE_NOT_FOUND,
                _ -> Mono.just(Long.MAX_VALUE));
  }

  /** A session of its own that begins with the thread up to the previous response. */
  private Mono<Turn> forked(Start start, SessionKey key, String until, List<NewMessage> input) {
    Call call = start.call();
    SessionKey target = newKey(call);
    Request request = call.writing(target, start.body());
    Retry retry = request.conditions().retry();
    // The fork has a record of its own, or the turn in it would be taken for its repetition.
    Retry forkOnly = retry == null ? null : new Retry(hash(retry.key() + "/fork"), retry.body());
    gateUnlessRepeated(call);
    return tries
        .remember(call, start.fingerprint(), target)
        .then(sessions.fork(call.writing(key, Conditions.NONE.withRetry(forkOnly)), target, until))
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
  private Mono<Turn> orNothing(Call call, SessionKey made, Mono<Turn> begun) {
    return call.idempotencyKey() != null
        ? begun
        : begun.onErrorResume(
            ResponseStarts::isRefusal,
            error ->
                sessions
                    .delete(call.writing(made, Conditions.NONE))
                    .onErrorComplete()
                    .then(Mono.error(error)));
  }

  private static boolean isRefusal(Throwable error) {
    ProblemCode code = Conversations.code(error);
    return error instanceof WireException || (code != null && code != ProblemCode.OUTCOME_UNKNOWN);
  }

  // ---- how

  private Mono<Turn> begin(Start start, Request request, TurnOrder order) {
    return gate.write(start.call(), request, () -> turns.begin(request, order))
        .map(written -> written.value())
        .flatMap(items.remember(start.call(), request.key(), order.input()));
  }

  private static TurnOrder order(Start start, List<NewMessage> input, OnBusy onBusy) {
    ResponseAsk ask = start.ask();
    return new TurnOrder(
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
    return items.messages(start.call(), start.ask().input(), place);
  }

  /** The input without outputs that the session has; what it cannot take is refused. */
  private Mono<List<NewMessage>> withoutRepeated(
      Start start, SessionKey key, List<NewMessage> input) {
    PageRequest last = PageRequest.last(OpenCalls.WINDOW);
    return WholePages.load(reader, key, start.call().view(), last)
        .map(page -> OpenCalls.check(page, input));
  }

  private Mono<Boolean> isRepeated(Request request) {
    Retry retry = request.conditions().retry();
    return retry == null ? Mono.just(false) : sessions.isRecorded(request.key(), retry);
  }

  /** Sessions are made for calls only that are within their limits. */
  private void gateUnlessRepeated(Call call) {
    if (call.idempotencyKey() == null) {
      gate.once(call);
    }
  }

  /** Of a session that this request makes; with an idempotency key always the same. */
  private SessionKey newKey(Call call) {
    byte[] hash = call.keyHash();
    return new SessionKey(call.caller().tenant(), conversations.ownId(hash));
  }

  private static String hash(String text) {
    return HexFormat.of()
        .formatHex(RetryKeys.sha256().digest(text.getBytes(StandardCharsets.US_ASCII)));
  }

  private static boolean isTaken(Throwable error) {
    ProblemCode code = Conversations.code(error);
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
