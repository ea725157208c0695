package io.heddle.openai;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.SessionKey;
import io.heddle.session.Appended;
import io.heddle.session.IdempotentRequest;
import io.heddle.session.Message;
import io.heddle.session.NewMessage;
import io.heddle.session.PageRequest;
import io.heddle.session.SessionReader;
import io.heddle.session.WriteContext;
import io.heddle.session.service.SessionServices;
import io.heddle.web.BytesResponse;
import io.heddle.web.Query;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** The calls on the items of a conversation. */
final class ItemsHandler {

  private static final int DEFAULT_LIMIT = 20;
  private static final int MAX_LIMIT = 100;

  private final SessionServices services;
  private final AdmissionGate gate;
  private final RequestBodies bodies;
  private final ItemReferences references;
  private final ItemPages pages;
  private final ItemRemoval removal;

  /**
   * @param reader the store's: clients of this wire send no position, and expect to be shown what
   *     they have just written through another replica
   */
  ItemsHandler(
      SessionServices services,
      SessionReader reader,
      AdmissionGate gate,
      RequestBodies bodies,
      ItemReferences references,
      ItemPages pages) {
    this.services = services;
    this.gate = gate;
    this.bodies = bodies;
    this.references = references;
    this.pages = pages;
    this.removal = new ItemRemoval(services, reader, gate, pages);
  }

  Mono<BytesResponse> create(RequestContext call) {
    SessionKey key = key(call);
    return bodies
        .object(call)
        .flatMap(body -> {
          List<Value> items = RequestBodies.items(body.fields().required("items"), 1);
          WriteContext request = call.writing(key, body.bytes());
          return Conversations.named(
              key,
              references
                  .added(call, key, items, false)
                  .flatMap(messages -> added(call, request, messages)));
        })
        .map(items -> ConversationsHandler.json(Item.list(items, false)));
  }

  private Mono<List<Item>> added(
      RequestContext call, WriteContext request, List<NewMessage> messages) {
    return messages.isEmpty()
        ? repeated(request)
            .flatMap(repeated -> {
              if (repeated) {
                return appended(call, request, messages);
              }
              // References to what is there already.
              gate.once(call);
              return Mono.just(List.of());
            })
        : appended(call, request, messages);
  }

  /** Whether it was what brought them here that they stand for. */
  private Mono<Boolean> repeated(WriteContext request) {
    IdempotentRequest retry = request.requested().retry();
    return retry == null ? Mono.just(false) : services.sessions().isRecorded(request.key(), retry);
  }

  private Mono<List<Item>> appended(
      RequestContext call, WriteContext request, List<NewMessage> messages) {
    SessionKey key = request.key();
    return gate.write(call, request, () -> services.threads().append(request, messages, null))
        .flatMap(references.remember(call, key, messages))
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
    Query query = call.query();
    int limit = limit(query);
    boolean desc = desc(query);
    return Conversations.named(key, pages.page(key, call.view(), limit, query.text("after"), desc))
        .map(page -> ConversationsHandler.json(Item.list(page.items(), page.hasMore())));
  }

  static int limit(Query query) {
    return Value.integer(query, "limit", 1, MAX_LIMIT, DEFAULT_LIMIT);
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
    return Conversations.named(key, pages.find(key, call.view(), id))
        .switchIfEmpty(Mono.error(() -> notFound(id, key)))
        .map(item -> ConversationsHandler.json(item.json()));
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
        .map(page -> ConversationsHandler.json(Conversations.json(page.session())));
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
