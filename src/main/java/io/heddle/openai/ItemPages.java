package io.heddle.openai;

import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.session.Message;
import io.heddle.session.MessagePlace;
import io.heddle.session.PageRequest;
import io.heddle.session.ReadContext;
import io.heddle.session.SessionReader;
import io.heddle.session.ThreadPage;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** Finds items in threads. A message may be several items, so a page of them may end inside one. */
final class ItemPages {

  private final SessionReader reader;

  ItemPages(SessionReader reader) {
    this.reader = reader;
  }

  /** A page and whether the list goes on after it. */
  record Page(List<Item> items, boolean hasMore) {}

  /** One item, or empty. */
  Mono<Item> find(SessionKey key, ReadContext view, String id) {
    return found(key, view, id).map(Found::item);
  }

  /** The message of an item, or empty. */
  Mono<Found> found(SessionKey key, ReadContext view, String id) {
    return found(key, view, id, ItemIds.messages(id), 0);
  }

  /** Whether the session has the message of that id. */
  Mono<Boolean> has(SessionKey key, ReadContext view, String message) {
    return message(key, view, message).hasElement();
  }

  /** The page of one message, or empty. */
  Mono<ThreadPage> message(SessionKey key, ReadContext view, String message) {
    return reader
        .message(key, view, message)
        .onErrorResume(
            error -> ProblemException.is(error, ProblemCode.MESSAGE_NOT_FOUND), _ -> Mono.empty());
  }

  /** An item and its message. */
  record Found(Message message, List<Item> all, Item item) {}

  /**
   * @param after an item's id, excluded, in the order of the answer
   */
  Mono<Page> page(
      SessionKey key, ReadContext view, int limit, @Nullable String after, boolean desc) {
    if (after == null || after.isEmpty()) {
      return page(key, view, limit, List.of(), null, desc);
    }
    return found(key, view, after)
        .flatMap(found -> {
          List<Item> rest = new ArrayList<>(ordered(found.all(), desc));
          int at = rest.indexOf(found.item());
          return page(
              key, view, limit, rest.subList(at + 1, rest.size()), found.message().id(), desc);
        })
        .switchIfEmpty(Mono.defer(() -> afterGone(key, view, limit, after, desc)));
  }

  /** The id of a message that is gone still says where it stood, if Heddle made it. */
  private Mono<Page> afterGone(
      SessionKey key, ReadContext view, int limit, String after, boolean desc) {
    for (String message : ItemIds.messages(after)) {
      MessagePlace place = MessagePlace.parse(message);
      if (place != null && place.mark().equals(key.mark())) {
        return page(key, view, limit, List.of(), message, desc);
      }
    }
    return Mono.error(
        WireError.invalid("after", "Item with id '" + after + "' not found in this conversation.")
            .toException());
  }

  private Mono<Page> page(
      SessionKey key,
      ReadContext view,
      int limit,
      List<Item> first,
      @Nullable String message,
      boolean desc) {
    if (first.size() > limit) {
      return Mono.just(new Page(List.copyOf(first.subList(0, limit)), true));
    }
    // One more than is wanted, to know whether there is more.
    int messages = limit - first.size() + 1;
    PageRequest request =
        desc ? PageRequest.backward(messages, message) : PageRequest.forward(messages, message);
    return reader
        .load(key, view, request)
        .flatMap(page -> {
          List<Item> items = new ArrayList<>(first);
          for (Message next : page.messages()) {
            items.addAll(ordered(ItemOutput.items(next, key.id()), desc));
          }
          if (items.isEmpty() && page.hasMore()) {
            // A page of the thread may end early, and not every message is an item. The clients'
            // pagers take an empty page for the end.
            return page(key, view, limit, first, page.messages().getLast().id(), desc);
          }
          boolean more = items.size() > limit || page.hasMore();
          return Mono.just(
              new Page(List.copyOf(items.subList(0, Math.min(limit, items.size()))), more));
        });
  }

  private Mono<Found> found(
      SessionKey key, ReadContext view, String id, List<String> candidates, int at) {
    if (at == candidates.size()) {
      return Mono.empty();
    }
    String candidate = candidates.get(at);
    Mono<Found> next = Mono.defer(() -> found(key, view, id, candidates, at + 1));
    if (!SessionKey.isId(candidate)) {
      return next;
    }
    return message(key, view, candidate)
        .mapNotNull(page -> {
          Message message = page.messages().getFirst();
          List<Item> items = ItemOutput.items(message, key.id());
          return items.stream()
              .filter(item -> ItemIds.same(item.id(), id))
              .findFirst()
              .map(item -> new Found(message, items, item))
              .orElse(null);
        })
        .switchIfEmpty(next);
  }

  private static List<Item> ordered(List<Item> items, boolean desc) {
    return desc ? items.reversed() : items;
  }
}
