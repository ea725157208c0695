package io.heddle.openai;

import io.heddle.answercache.AnswerStore;
import io.heddle.base.Caller;
import io.heddle.base.SessionKey;
import io.heddle.json.Json;
import io.heddle.json.JsonValue;
import io.heddle.session.Message;
import io.heddle.session.NewMessage;
import io.heddle.web.IdempotencyHashes;
import io.heddle.web.RequestContext;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * The items of a request as messages. A reference stands for an item that the caller has stored in
 * any session: its id says in which ({@link ItemIds}); for an id that is the caller's own, a record
 * beside the session does. It becomes a copy of the item's message, once for all references to
 * items of that message. What is there already, where the items are to be added, is not added
 * again: clients send back items that they were given.
 */
final class ItemReferences {

  private static final String KEY = "openai/item/";
  private static final String TYPE = "text/plain";

  /** Of the record of an id that is a client's own. */
  private static final Duration REMEMBERED = Duration.ofDays(31);

  private static final int AT_ONCE = 8;

  private final ItemPages pages;
  private final RequestBodies bodies;
  private final AnswerStore answers;

  ItemReferences(ItemPages pages, RequestBodies bodies, AnswerStore answers) {
    this.pages = pages;
    this.bodies = bodies;
    this.answers = answers;
  }

  /** Where items are to be added. */
  interface Place {
    /** Whether the item, or a copy of its message, is there. */
    Mono<Boolean> has(String id);
  }

  /** A new session. */
  static final Place NEW = _ -> Mono.just(false);

  /**
   * A session.
   *
   * @param last the number of the last message of it that counts
   */
  Place in(RequestContext call, SessionKey key, long last) {
    return id ->
        pages
            .found(key, call.view(), id)
            .map(found -> found.message().seq() <= last)
            .filter(there -> there)
            .switchIfEmpty(Mono.defer(() -> copied(call, key, id)));
  }

  private Mono<Boolean> copied(RequestContext call, SessionKey key, String id) {
    ItemIds.Made made = ItemIds.made(id);
    return made == null || made.session() == null || made.session().equals(key.id())
        ? Mono.just(false)
        : pages.has(key, call.view(), ItemIds.copy(made.message()));
  }

  /** Messages that were read. */
  static Place among(List<Message> messages) {
    Set<String> ids = new LinkedHashSet<>();
    messages.forEach(message -> ids.add(message.id()));
    return id -> {
      ItemIds.Made made = ItemIds.made(id);
      return Mono.just(
          ItemIds.messages(id).stream().anyMatch(ids::contains)
              || (made != null && ids.contains(ItemIds.copy(made.message()))));
    };
  }

  /** What one item of the request is: a message of its own, or an item of a stored one. */
  private record Read(@Nullable NewMessage own, ItemPages.@Nullable Found stored, String origin) {}

  /** The messages that the items add. */
  Mono<List<NewMessage>> messages(RequestContext call, List<JsonValue> items, Place place) {
    List<JsonValue> once = once(items);
    return Flux.fromIterable(once)
        .flatMapSequential(item -> read(call, item, place), AT_ONCE)
        .collectList()
        .map(ItemReferences::joined);
  }

  /**
   * The messages that items add to a conversation. What references stand for is added once, however
   * often they are sent.
   *
   * @param made whether the conversation is made with them
   */
  Mono<List<NewMessage>> added(
      RequestContext call, SessionKey into, List<JsonValue> items, boolean made) {
    return Flux.fromIterable(items)
        .flatMapSequential(
            item ->
                ItemInput.type(item).equals(ItemInput.REFERENCE)
                    ? copied(call, into, item, made)
                    : Mono.fromCallable(() -> new Read(bodies.newItem(item), null, "")),
            AT_ONCE)
        .collectList()
        .map(ItemReferences::joined);
  }

  private Mono<Read> copied(RequestContext call, SessionKey into, JsonValue item, boolean made) {
    String id = item.object().required("id").text();
    return stored(call, id)
        .switchIfEmpty(Mono.error(() -> notFound(id, "items")))
        .filterWhen(read -> {
          if (read.origin().startsWith(into.id() + "/")) {
            return Mono.just(false);
          }
          String message = Objects.requireNonNull(read.stored()).message().id();
          return made
              ? Mono.just(true)
              : pages.has(into, call.view(), ItemIds.copy(message)).map(there -> !there);
        });
  }

  /** Without items that are sent twice, by reference or word for word. */
  private static List<JsonValue> once(List<JsonValue> items) {
    if (items.size() < 2) {
      return items;
    }
    Set<Object> seen = new LinkedHashSet<>();
    List<JsonValue> once = new ArrayList<>(items.size());
    for (JsonValue item : items) {
      String id = item.object().word("id");
      boolean reference = ItemInput.type(item).equals(ItemInput.REFERENCE);
      if (id.isEmpty() || seen.add(reference ? id : item.json())) {
        once.add(item);
      }
    }
    return once;
  }

  private Mono<Read> read(RequestContext call, JsonValue item, Place place) {
    boolean reference = ItemInput.type(item).equals(ItemInput.REFERENCE);
    JsonValue fields = item.object();
    String id = reference ? fields.required("id").text() : fields.text("id");
    if (id == null || id.isEmpty()) {
      if (reference) {
        throw OpenAiJson.refuse(fields.pathOf("id"), "is empty");
      }
      return Mono.fromCallable(() -> new Read(bodies.newItem(item), null, ""));
    }
    return place
        .has(id)
        .flatMap(there -> {
          if (there) {
            return Mono.empty();
          }
          return reference
              ? stored(call, id).switchIfEmpty(Mono.error(() -> notFound(id, "input")))
              : Mono.fromCallable(() -> new Read(bodies.newItem(item), null, ""));
        });
  }

  private Mono<Read> stored(RequestContext call, String id) {
    ItemIds.Made made = ItemIds.made(id);
    String session = made == null ? null : made.session();
    Mono<SessionKey> where =
        session == null ? recorded(call, id) : Mono.justOrEmpty(call.keyOrNull(session));
    return where.flatMap(key ->
        pages
            .found(key, call.view(), id)
            .onErrorResume(Conversations::isGone, _ -> Mono.empty())
            .map(found -> new Read(null, found, key.id() + "/" + found.message().id())));
  }

  /** Several items of one message are that message again, where the first of them stands. */
  private static List<NewMessage> joined(List<Read> all) {
    Map<Object, List<Read>> groups = new LinkedHashMap<>();
    for (Read read : all) {
      // What a client says itself is a message each time, the same words twice too.
      Object group = read.stored() == null ? new Object() : read.origin();
      groups.computeIfAbsent(group, _ -> new ArrayList<>()).add(read);
    }
    List<NewMessage> messages = new ArrayList<>(groups.size());
    for (List<Read> group : groups.values()) {
      Read first = group.getFirst();
      ItemPages.Found stored = first.stored();
      if (stored == null) {
        messages.add(Objects.requireNonNull(first.own()));
        continue;
      }
      Set<String> wanted = new LinkedHashSet<>();
      for (Read read : group) {
        wanted.add(Objects.requireNonNull(read.stored()).item().id());
      }
      Json body = ItemOutput.only(stored.message().body(), stored.all(), wanted);
      messages.add(new NewMessage(ItemIds.copy(stored.message().id()), body));
    }
    return messages;
  }

  // ---- ids that are clients' own

  /** Where the caller's item of that id was last stored. */
  private Mono<SessionKey> recorded(RequestContext call, String id) {
    return answers
        .get(call.caller().tenant(), key(call.caller(), id))
        .mapNotNull(answer -> call.keyOrNull(new String(answer.body(), StandardCharsets.US_ASCII)));
  }

  /**
   * Says where items with ids of the caller's own are. That it fails is no reason to refuse them:
   * they are found in their session all the same.
   */
  <T> Function<T, Mono<T>> remember(
      RequestContext call, SessionKey key, List<NewMessage> messages) {
    List<String> own =
        messages.stream()
            .filter(ItemReferences::isNamedByClient)
            .map(message -> Objects.requireNonNull(message.id()))
            .toList();
    if (own.isEmpty()) {
      return Mono::just;
    }
    byte[] session = key.id().getBytes(StandardCharsets.US_ASCII);
    return done ->
        Flux.fromIterable(own)
            .flatMap(
                id ->
                    answers
                        .put(
                            call.caller().tenant(),
                            key(call.caller(), id),
                            TYPE,
                            session,
                            REMEMBERED)
                        .onErrorComplete(),
                AT_ONCE)
            .then(Mono.just(done));
  }

  /** And not a copy that a reference stands for. */
  private static boolean isNamedByClient(NewMessage message) {
    String id = message.id();
    return id != null && !ItemIds.isCopy(id) && !OpenAiJson.object(message.body()).has("turn");
  }

  private static String key(Caller caller, String id) {
    String user = caller.user();
    String whose = (user == null ? "" : user) + "\n" + id;
    return KEY
        + HexFormat.of()
            .formatHex(IdempotencyHashes.sha256().digest(whose.getBytes(StandardCharsets.UTF_8)));
  }

  /** The same for an item that is somebody else's. */
  private static WireException notFound(String id, String param) {
    return new WireError(
            404, "Item with id '" + id + "' not found.", WireError.INVALID, param, null, null, 0)
        .toException();
  }
}
