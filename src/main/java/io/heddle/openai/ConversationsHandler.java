package io.heddle.openai;

import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.json.Json;
import io.heddle.json.JsonValue;
import io.heddle.json.JsonWriter;
import io.heddle.session.Filter;
import io.heddle.session.PageRequest;
import io.heddle.session.Session;
import io.heddle.session.SessionAttributes;
import io.heddle.session.WriteContext;
import io.heddle.web.BytesResponse;
import io.heddle.web.Query;
import io.heddle.web.RequestContext;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** The calls on conversations as a whole. */
final class ConversationsHandler {

  /** Pages of sessions that are looked at for one of conversations. */
  private static final int LOOKS = 20;

  private static final int MAX_LIMIT = 100;

  private final WireServices services;

  ConversationsHandler(WireServices services) {
    this.services = services;
  }

  Mono<BytesResponse> create(RequestContext call) {
    return services
        .bodies()
        .objectOrNothing(call)
        .flatMap(body -> {
          JsonValue asked = body.fields();
          SessionAttributes description =
              services
                  .conversations()
                  .description(call.caller(), Metadata.read(asked.get("metadata")));
          List<JsonValue> items = RequestBodies.items(asked.get("items"), 0);
          SessionKey key = Conversations.key(call, services.conversations().newId(call));
          WriteContext request = call.writing(key, body.bytes());
          return services
              .references()
              .added(call, key, items, true)
              .flatMap(messages ->
                  services
                      .gate()
                      .write(
                          call,
                          request,
                          () -> services.sessions().create(request, description, messages))
                      .flatMap(services.references().remember(call, key, messages)));
        })
        .map(written -> BytesResponse.json(Conversations.json(written.value())));
  }

  Mono<BytesResponse> get(RequestContext call) {
    SessionKey key = Conversations.key(call, call.variable("id"));
    return Conversations.named(key, services.reader().load(key, call.view(), PageRequest.NONE))
        .map(page -> BytesResponse.json(Conversations.json(page.session())));
  }

  /** Replaces the metadata. */
  Mono<BytesResponse> update(RequestContext call) {
    SessionKey key = Conversations.key(call, call.variable("id"));
    return services
        .bodies()
        .object(call)
        .flatMap(body -> {
          Json metadata = Metadata.read(body.fields().required("metadata"));
          WriteContext request = call.writing(key, body.bytes());
          return Conversations.named(
              key,
              services
                  .gate()
                  .write(
                      call,
                      request,
                      () ->
                          services
                              .sessions()
                              .patch(
                                  request,
                                  was ->
                                      new SessionAttributes(
                                          was.user(),
                                          was.title(),
                                          metadata,
                                          was.systemPrompt(),
                                          was.model(),
                                          was.status(),
                                          was.ttl()))));
        })
        .map(written -> BytesResponse.json(Conversations.json(written.value())));
  }

  /** Deletes the conversation with its items. */
  Mono<BytesResponse> delete(RequestContext call) {
    SessionKey key = Conversations.key(call, call.variable("id"));
    WriteContext request = call.writing(key);
    return Conversations.named(
            key, services.gate().write(call, request, () -> services.sessions().delete(request)))
        .map(_ ->
            BytesResponse.json(
                JsonWriter.object(192)
                    .string("id", key.id())
                    .string("object", "conversation.deleted")
                    .bool("deleted", true)
                    .done()));
  }

  /**
   * The caller's conversations by last activity, newest first: a call that OpenAI does not have.
   * {@code after} takes the {@code last_id} of the page before, which is a cursor.
   */
  Mono<BytesResponse> list(RequestContext call) {
    Query query = call.anyQuery();
    int limit = OpenAiJson.integer(query, "limit", 1, MAX_LIMIT, 20);
    String after = query.text("after");
    String order = query.text("order");
    if (order != null && !order.equals("desc")) {
      throw WireError.unsupported("order", "Conversations are listed by activity, order=desc.")
          .toException();
    }
    Filter filter = new Filter(null, metadata(query));
    String user = query.text("user");
    Mono<Page> page =
        after == null || after.isEmpty()
            ? page(call, user, filter, limit, null, LOOKS)
            : page(call, user, filter, limit, after, LOOKS)
                .onErrorResume(
                    error -> ProblemException.is(error, ProblemCode.INVALID_CURSOR),
                    _ -> after(call, user, filter, limit, after, null, LOOKS));
    return page.map(listed -> BytesResponse.json(list(listed)));
  }

  /**
   * @param next the cursor behind its last conversation; null when that is known by its id only
   */
  private record Page(List<Session> sessions, @Nullable String next, boolean hasMore) {}

  /** The page after a conversation, which is looked for from the beginning of the list. */
  private Mono<Page> after(
      RequestContext call,
      @Nullable String user,
      Filter filter,
      int limit,
      String id,
      @Nullable String cursor,
      int looks) {
    return services
        .sessions()
        .list(call.caller(), user, filter, MAX_LIMIT, cursor)
        .flatMap(listing -> {
          List<Session> all = listing.sessions();
          String next = listing.next();
          int at = 0;
          while (at < all.size() && !all.get(at).key().id().equals(id)) {
            at++;
          }
          if (at == all.size()) {
            return next == null || looks == 1
                ? Mono.error(
                    WireError.invalid(
                            "after",
                            "invalid_value",
                            "'after' must be the last_id of a page of this list, or the id of a"
                                + " conversation in it.")
                        .toException())
                : after(call, user, filter, limit, id, next, looks - 1);
          }
          List<Session> rest =
              all.subList(at + 1, all.size()).stream()
                  .filter(session -> Conversations.isOne(session.key()))
                  .toList();
          if (rest.size() > limit || next == null) {
            List<Session> shown = rest.subList(0, Math.min(limit, rest.size()));
            return Mono.just(new Page(shown, null, rest.size() > limit));
          }
          return rest.size() == limit
              ? Mono.just(new Page(rest, next, true))
              : page(call, user, filter, limit - rest.size(), next, LOOKS)
                  .map(more -> joined(rest, more));
        });
  }

  private static Page joined(List<Session> first, Page more) {
    List<Session> both = new ArrayList<>(first);
    both.addAll(more.sessions());
    return new Page(both, more.next(), more.hasMore());
  }

  /**
   * A page from which the sessions that responses have made for themselves are left out. Before it
   * is answered short the list is looked at further, some pages: a client may take an empty page
   * for the last one.
   */
  private Mono<Page> page(
      RequestContext call,
      @Nullable String user,
      Filter filter,
      int limit,
      @Nullable String cursor,
      int looks) {
    return services
        .sessions()
        .list(call.caller(), user, filter, limit, cursor)
        .flatMap(listing -> {
          List<Session> here =
              listing.sessions().stream()
                  .filter(session -> Conversations.isOne(session.key()))
                  .toList();
          String next = listing.next();
          if (here.size() >= limit || next == null || looks == 1) {
            return Mono.just(new Page(here, next, next != null));
          }
          return page(call, user, filter, limit - here.size(), next, looks - 1)
              .map(more -> joined(here, more));
        });
  }

  /** Clients go on from {@code last_id}, some also after the last page. */
  private static Json list(Page page) {
    List<Session> shown = page.sessions();
    String last = shown.isEmpty() ? "" : shown.getLast().key().id();
    return Item.list(
        shown.stream().map(Conversations::json).toList(),
        shown.isEmpty() ? "" : shown.getFirst().key().id(),
        Objects.requireNonNullElse(page.next(), last),
        page.hasMore());
  }

  /** {@code metadata[key]=value}. */
  private static Map<String, String> metadata(Query query) {
    Map<String, String> wanted = new LinkedHashMap<>();
    query
        .startingWith("metadata[")
        .forEach((name, value) -> {
          if (name.endsWith("]")) {
            wanted.put(name.substring(0, name.length() - 1), value);
          }
        });
    return wanted;
  }
}
