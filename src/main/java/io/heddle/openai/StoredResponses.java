package io.heddle.openai;

import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.json.Json;
import io.heddle.json.JsonWriter;
import io.heddle.session.Turn;
import io.heddle.session.WriteContext;
import io.heddle.web.BytesResponse;
import io.heddle.web.Query;
import io.heddle.web.RequestContext;
import java.time.Duration;
import java.util.List;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** The calls on responses that are there. */
final class StoredResponses {

  /** How long a cancel waits for the end it has asked for. */
  private static final Duration CANCELLED_WITHIN = Duration.ofSeconds(10);

  private static final int READS_AT_ONCE = 8;

  private final WireServices services;
  private final ResponsesHandler responses;
  private final StatelessResponses alone;

  StoredResponses(WireServices services, ResponsesHandler responses, StatelessResponses alone) {
    this.services = services;
    this.responses = responses;
    this.alone = alone;
  }

  /** The response, or with {@code stream=true} its events after {@code starting_after}. */
  Mono<ServerResponse> get(RequestContext call) {
    Query query = call.anyQuery();
    boolean stream = query.flag("stream");
    long after = OpenAiJson.integer(query, "starting_after", 0, 999_999_999, -1);
    if (!stream && after >= 0) {
      throw Query.refuse("starting_after", "needs stream=true");
    }
    if (stream) {
      services.requireRoom(call);
    }
    return find(call)
        .flatMap(turn ->
            stream
                ? Mono.just(responses.stream(call, turn, after))
                : now(call, turn).map(BytesResponse::json));
  }

  private Mono<Json> now(RequestContext call, Turn turn) {
    return turn.status().isEnd()
        ? responses.whole(call, turn)
        : Mono.just(ResponsesHandler.unfinished(turn));
  }

  /** Ends it, whether it was asked for in the background or not; again when it has ended. */
  Mono<BytesResponse> cancel(RequestContext call) {
    return find(call)
        .flatMap(turn -> {
          if (turn.status().isEnd()) {
            return responses.whole(call, turn);
          }
          services.gate().requireAllowed(call.admission());
          WriteContext request = call.writing(turn.session());
          return services
              .turns()
              .cancel(request, turn.id())
              .onErrorResume(
                  error -> ProblemException.is(error, ProblemCode.TURN_ENDED), _ -> Mono.just(turn))
              .then(responses.whole(call, turn))
              .timeout(
                  CANCELLED_WITHIN,
                  services
                      .turns()
                      .get(turn.session(), call.view(), turn.id())
                      .flatMap(now -> now(call, now)));
        })
        .map(BytesResponse::json);
  }

  /**
   * Its items stay in the conversation. A session that was made for this response alone goes with
   * it.
   */
  Mono<BytesResponse> delete(RequestContext call) {
    ResponseId id = id(call);
    return services
        .records()
        .find(call, id)
        .flatMap(turn -> {
          services.gate().requireAllowed(call.admission());
          return services
              .records()
              .delete(call, id)
              // A full store has no room for the mark; a response with a session of its own goes
              // with that, and needs none.
              .onErrorResume(
                  error ->
                      ProblemException.is(error, ProblemCode.STORE_FULL)
                          && !ResponseNotes.of(turn).conversation(),
                  _ -> Mono.empty())
              .then(Mono.defer(() -> deleteSession(call, turn)))
              .thenReturn(id);
        })
        // What has no record any more can still be gone on from, until that is forbidden.
        .switchIfEmpty(
            Mono.defer(() -> services.records().answer(call, id))
                .flatMap(_ -> {
                  services.gate().requireAllowed(call.admission());
                  return services.records().delete(call, id).thenReturn(id);
                }))
        .switchIfEmpty(Mono.error(() -> notFound(id.toString())))
        .then(
            Mono.fromSupplier(() ->
                BytesResponse.json(
                    JsonWriter.object(192)
                        .string("id", id.toString())
                        .string("object", "response")
                        .bool("deleted", true)
                        .done())));
  }

  private Mono<Void> deleteSession(RequestContext call, Turn turn) {
    if (ResponseNotes.of(turn).conversation()) {
      return Mono.empty();
    }
    SessionKey key = turn.session();
    return services
        .turns()
        .list(key, call.view(), null)
        .filter(all -> all.size() == 1)
        .flatMap(_ -> services.sessions().delete(call.writing(key)))
        .onErrorResume(Conversations::isGone, _ -> Mono.empty())
        .then();
  }

  /** The messages that its turn added, as items. */
  Mono<BytesResponse> inputItems(RequestContext call) {
    Query query = call.anyQuery();
    int limit = ItemsHandler.limit(query);
    boolean desc = ItemsHandler.desc(query);
    String after = query.text("after");
    return find(call)
        .flatMap(turn ->
            Flux.fromIterable(turn.input())
                .flatMapSequential(
                    message ->
                        services
                            .pages()
                            .message(turn.session(), call.view(), message)
                            .map(page -> ItemOutput.items(page.messages(), turn.session().id())),
                    READS_AT_ONCE)
                .concatMapIterable(items -> items)
                .collectList())
        .map(all -> page(desc ? all.reversed() : all, after, limit));
  }

  private static BytesResponse page(
      List<Item> all, @org.jspecify.annotations.Nullable String after, int limit) {
    int from = 0;
    if (after != null && !after.isEmpty()) {
      while (from < all.size() && !ItemIds.same(all.get(from).id(), after)) {
        from++;
      }
      if (from == all.size()) {
        throw WireError.invalid("after", "Item with id '" + after + "' not found.").toException();
      }
      from++;
    }
    int to = Math.min(all.size(), from + limit);
    return BytesResponse.json(Item.list(all.subList(from, to), to < all.size()));
  }

  /** {@code POST /responses/input_tokens}: what a model would be told, by Heddle's own count. */
  Mono<BytesResponse> inputTokens(RequestContext call) {
    services.gate().requireAllowed(call.admission());
    return services
        .bodies()
        .object(call)
        .flatMap(body -> alone.count(call, responses.ask(body.fields())))
        .map(tokens ->
            BytesResponse.json(
                JsonWriter.object(96)
                    .string("object", "response.input_tokens")
                    .number("input_tokens", tokens)
                    .done()));
  }

  private Mono<Turn> find(RequestContext call) {
    ResponseId id = id(call);
    return services
        .records()
        .find(call, id)
        .switchIfEmpty(
            Mono.defer(() -> services.records().answer(call, id))
                .flatMap(item -> Mono.<Turn>error(notKept(id, item)))
                .switchIfEmpty(Mono.error(() -> notFound(id.toString()))));
  }

  private static ResponseId id(RequestContext call) {
    String text = call.variable("id");
    ResponseId id = ResponseId.parse(text);
    if (id == null) {
      throw notFound(text);
    }
    return id;
  }

  /** What it said outlives its record, and a client that is told where need not ask again. */
  private static WireException notKept(ResponseId id, String item) {
    return WireError.notFound(
            "Response with id '%s' is not kept; its answer is item '%s' of '%s'."
                .formatted(id, item, id.session()))
        .toException();
  }

  private static WireException notFound(String id) {
    return WireError.notFound("Response with id '" + id + "' not found.").toException();
  }
}
