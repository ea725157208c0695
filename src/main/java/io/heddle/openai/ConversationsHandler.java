package io.heddle.openai;

import io.heddle.base.Json;
import io.heddle.base.JsonBuffer;
import io.heddle.base.ProblemCode;
import io.heddle.base.SessionKey;
import io.heddle.session.Description;
import io.heddle.session.Filter;
import io.heddle.session.Listing;
import io.heddle.session.NewMessage;
import io.heddle.session.PageRequest;
import io.heddle.session.Request;
import io.heddle.session.Session;
import io.heddle.session.SessionReader;
import io.heddle.session.Sessions;
import io.heddle.web.Answer;
import io.heddle.web.Query;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** The calls on conversations as a whole. */
final class ConversationsHandler {

  /** Pages of sessions that are looked at for one of conversations. */
  private static final int LOOKS = 20;

  private final Sessions sessions;
  private final SessionReader reader;
  private final Gate gate;
  private final Bodies bodies;
  private final ItemReferences references;
  private final Conversations conversations;

  /**
   * @param reader the store's, as {@link ItemsHandler} needs it
   */
  ConversationsHandler(
      Sessions sessions,
      SessionReader reader,
      Gate gate,
      Bodies bodies,
      ItemReferences references,
      Conversations conversations) {
    this.sessions = sessions;
    this.reader = reader;
    this.gate = gate;
    this.bodies = bodies;
    this.references = references;
    this.conversations = conversations;
  }

  Mono<Answer> create(Call call) {
    return bodies
        .objectOrNothing(call)
        .flatMap(body -> {
          Fields asked = body.fields();
          Description description =
              conversations.description(call.caller(), Metadata.read(asked.get("metadata")));
          List<NewMessage> messages = bodies.newItems(asked.get("items"), 0);
          SessionKey key = Conversations.key(call, conversations.newId(call));
          Request request = call.writing(key, body.bytes());
          return gate.write(call, request, () -> sessions.create(request, description, messages))
              .flatMap(references.remember(call, key, messages));
        })
        .map(written -> json(Conversations.json(written.value())));
  }

  Mono<Answer> get(Call call) {
    SessionKey key = Conversations.key(call, call.variable("id"));
    return Conversations.named(key, reader.load(key, call.view(), PageRequest.NONE))
        .map(page -> json(Conversations.json(page.session())));
  }

  /** Replaces the metadata. */
  Mono<Answer> update(Call call) {
    SessionKey key = Conversations.key(call, call.variable("id"));
    return bodies
        .object(call)
        .flatMap(body -> {
          Json metadata = Metadata.read(body.fields().required("metadata"));
          Request request = call.writing(key, body.bytes());
          return Conversations.named(
              key,
              gate.write(
                  call,
                  request,
                  () ->
                      sessions.patch(
                          request,
                          was ->
                              new Description(
                                  was.user(),
                                  was.title(),
                                  metadata,
                                  was.systemPrompt(),
                                  was.model(),
                                  was.status(),
                                  was.ttl()))));
        })
        .map(written -> json(Conversations.json(written.value())));
  }

  /** Deletes the conversation with its items. */
  Mono<Answer> delete(Call call) {
    SessionKey key = Conversations.key(call, call.variable("id"));
    Request request = call.writing(key, new byte[0]);
    return Conversations.named(key, gate.write(call, request, () -> sessions.delete(request)))
        .map(_ ->
            json(
                new JsonObject(192)
                    .string("id", key.id())
                    .string("object", "conversation.deleted")
                    .bool("deleted", true)
                    .toJson()));
  }

  /**
   * The caller's conversations by last activity, newest first: a call that OpenAI does not have.
   * {@code after} takes the {@code last_id} of the page before, which is a cursor.
   */
  Mono<Answer> list(Call call) {
    Query query = call.query();
    int limit = query.integer("limit", 1, 100, 20);
    String after = query.text("after");
    String order = query.text("order");
    if (order != null && !order.equals("desc")) {
      throw WireError.unsupported("order", "Conversations are listed by activity, order=desc.")
          .toException();
    }
    Filter filter = new Filter(null, metadata(query));
    String cursor = after == null || after.isEmpty() ? null : after;
    return page(call, query.text("user"), filter, limit, cursor, LOOKS)
        .map(listing -> json(list(listing)))
        .onErrorMap(
            error -> Conversations.code(error) == ProblemCode.INVALID_CURSOR,
            _ ->
                WireError.invalid("after", "'after' must be the last_id of a page of this list.")
                    .toException());
  }

  /**
   * A page from which the sessions that responses have made for themselves are left out. Before it
   * is answered short the list is looked at further, some pages: a client may take an empty page
   * for the last one.
   */
  private Mono<Listing> page(
      Call call,
      @Nullable String user,
      Filter filter,
      int limit,
      @Nullable String cursor,
      int looks) {
    return sessions
        .list(call.caller(), user, filter, limit, cursor)
        .flatMap(listing -> {
          List<Session> here =
              listing.sessions().stream()
                  .filter(session -> Conversations.isOne(session.key()))
                  .toList();
          String next = listing.next();
          if (here.size() >= limit || next == null || looks == 1) {
            return Mono.just(new Listing(here, next));
          }
          return page(call, user, filter, limit - here.size(), next, looks - 1)
              .map(more -> {
                List<Session> both = new ArrayList<>(here);
                both.addAll(more.sessions());
                return new Listing(both, more.next());
              });
        });
  }

  private static Json list(Listing listing) {
    List<Session> sessions = listing.sessions();
    JsonBuffer data = new JsonBuffer(256 * sessions.size() + 64).ascii("[");
    String comma = "";
    for (Session session : sessions) {
      data.ascii(comma).raw(Conversations.json(session));
      comma = ",";
    }
    String next = listing.next();
    return new JsonObject(data.length() + 192)
        .string("object", "list")
        .raw("data", data.ascii("]").toJson())
        .string("first_id", sessions.isEmpty() ? "" : sessions.getFirst().key().id())
        .string("last_id", next == null ? "" : next)
        .bool("has_more", next != null)
        .toJson();
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

  static Answer json(Json body) {
    return Answer.json(200, body.utf8());
  }
}
