package io.heddle.openai;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.SessionKey;
import io.heddle.json.JsonValue;
import io.heddle.session.Appended;
import io.heddle.session.Message;
import io.heddle.session.NewMessage;
import io.heddle.session.PageRequest;
import io.heddle.session.WriteContext;
import io.heddle.web.BytesResponse;
import io.heddle.web.Query;
import io.heddle.web.RequestContext;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** The calls on the items of a conversation. */
final class ItemsHandler {

  private static final int DEFAULT_LIMIT = 20;
  private static final int MAX_LIMIT = 100;

  private final WireServices services;
  private final ItemRemoval removal;

  ItemsHandler(WireServices services) {
    this.services = services;
    this.removal = new ItemRemoval(services);
  }

  Mono<BytesResponse> create(RequestContext call) {
    SessionKey key = key(call);
    return services
        .bodies()
        .object(call)
        .flatMap(body -> {
          List<JsonValue> items = RequestBodies.items(body.fields().required("items"), 1);
          WriteContext request = call.writing(key, body.bytes());
          return Conversations.named(
              key,
              services
                  .references()
                  .added(call, key, items, false)
                  .flatMap(messages -> added(call, request, messages)));
        })
        .map(items -> BytesResponse.json(Item.list(items, false)));
  }

  private Mono<List<Item>> added(
      RequestContext call, WriteContext request, List<NewMessage> messages) {
    return messages.isEmpty()
        ? services
            .gate()
            .isRepeated(request)
            .flatMap(repeated -> {
              if (repeated) {
                return appended(call, request, messages);
              }
              // References to what is there already.
              services.gate().requireAllowed(call.admission());
              return Mono.just(List.of());
            })
        : appended(call, request, messages);
  }

  private Mono<List<Item>> appended(
      RequestContext call, WriteContext request, List<NewMessage> messages) {
    SessionKey key = request.key();
    return services
        .gate()
        .write(call, request, () -> services.threads().append(request, messages, null))
        .flatMap(services.references().remember(call, key, messages))
        .map(written -> ItemOutput.items(left(written.value()), key.id()));
  }

  /** Of a repeated call: what is still there. */
  private static List<Message> left(Appended appended) {
    return appended.ids().stream()
        .map(id -> appended.messages().get(id))
        .filter(Objects::nonNull)
        .toList();
  }

  Mono<BytesResponse> list(RequestContext call) {
    SessionKey key = key(call);
    Query query = call.anyQuery();
    int limit = limit(query);
    boolean desc = desc(query);
    return Conversations.named(
            key, services.pages().page(key, call.view(), limit, query.text("after"), desc))
        .map(page -> BytesResponse.json(Item.list(page.items(), page.hasMore())));
  }

  static int limit(Query query) {
    return OpenAiJson.integer(query, "limit", 1, MAX_LIMIT, DEFAULT_LIMIT);
  }

  /** Newest first, unless the caller says otherwise. */
  static boolean desc(Query query) {
    String order = query.text("order");
    if (order != null && !order.equals("asc") && !order.equals("desc")) {
      throw Query.refuse("order", "must be asc or desc");
    }
    return order == null || order.equals("desc");
  }

  Mono<BytesResponse> get(RequestContext call) {
    SessionKey key = key(call);
    String id = call.variable("item");
    return Conversations.named(key, services.pages().find(key, call.view(), id))
        .switchIfEmpty(Mono.error(() -> notFound(id, key)))
        .map(item -> BytesResponse.json(item.json()));
  }

  /** Answers the conversation. */
  Mono<BytesResponse> delete(RequestContext call) {
    SessionKey key = key(call);
    String id = call.variable("item");
    return Conversations.named(key, removal.remove(call, key, id))
        // Whoever asks again is not told that it is gone: that is what he wanted.
        .filter(there -> there || call.isRetry())
        .switchIfEmpty(Mono.error(() -> notFound(id, key)))
        .then(Mono.defer(() -> services.sessions().load(key, call.view(), PageRequest.NONE)))
        .map(page -> BytesResponse.json(Conversations.json(page.session())));
  }

  private static SessionKey key(RequestContext call) {
    return Conversations.key(call, call.variable("id"));
  }

  private static Throwable notFound(@Nullable String id, SessionKey key) {
    return Problem.of(
            ProblemCode.MESSAGE_NOT_FOUND,
            "Item with id '" + id + "' not found in conversation '" + key.id() + "'.")
        .toException();
  }
}
