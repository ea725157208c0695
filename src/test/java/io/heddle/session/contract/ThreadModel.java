package io.heddle.session.contract;

import io.heddle.base.Position;
import io.heddle.base.SessionKey;
import io.heddle.session.MessagePlace;
import io.heddle.session.NewMessage;
import io.heddle.session.PageRequest;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A thread as simple as it can be written down, to compare every page of an engine with. */
final class ThreadModel {

  private final SessionKey key;
  private final List<Entry> alive = new ArrayList<>();

  /** Every place there ever was, by the id that Heddle gives it. */
  private final Map<String, Entry> places = new HashMap<>();

  /** The latest place of each client's id since the thread was last cleared. */
  private final Map<String, Entry> clientIds = new HashMap<>();

  private long seq;
  private long order;

  ThreadModel(SessionKey key) {
    this.key = key;
  }

  void append(Position position, List<NewMessage> messages) {
    for (int i = 0; i < messages.size(); i++) {
      NewMessage message = messages.get(i);
      String placeId = MessagePlace.of(key, position, i).id();
      String id = message.id() == null ? placeId : message.id();
      Entry entry = new Entry(id, ++order, ++seq, message.body().toString(), body(message));
      alive.add(entry);
      places.put(placeId, entry);
      if (message.id() != null) {
        clientIds.put(id, entry);
      }
    }
  }

  void delete(String id) {
    alive.removeIf(entry -> entry.id.equals(id));
  }

  void cut(String after) {
    int at = aliveIds().indexOf(after);
    alive.subList(at + 1, alive.size()).clear();
  }

  void clear() {
    alive.clear();
    clientIds.clear();
  }

  long lastSeq() {
    return seq;
  }

  long bytes() {
    return alive.stream().mapToLong(Entry::bytes).sum();
  }

  List<String> aliveIds() {
    return alive.stream().map(Entry::id).toList();
  }

  /** Ids that a client may have seen and not yet used again. */
  List<String> freeClientIds() {
    List<String> live = aliveIds();
    return clientIds.keySet().stream().filter(id -> !live.contains(id)).sorted().toList();
  }

  /** Everything that is a cursor of this thread, there or gone. */
  List<String> cursors() {
    List<String> all = new ArrayList<>(places.keySet());
    all.addAll(clientIds.keySet());
    Collections.sort(all);
    return all;
  }

  Expected page(PageRequest request) {
    long after = request.after() == null ? 0 : place(request.after()).order;
    long before = request.before() == null ? Long.MAX_VALUE : place(request.before()).order;
    List<Entry> stretch =
        alive.stream().filter(entry -> entry.order > after && entry.order < before).toList();
    int size = Math.min(request.limit(), stretch.size());
    List<Entry> taken =
        new ArrayList<>(
            request.fromEnd()
                ? stretch.subList(stretch.size() - size, stretch.size())
                : stretch.subList(0, size));
    if (request.newestFirst()) {
      Collections.reverse(taken);
    }
    return new Expected(
        taken.stream().map(entry -> entry.seq + " " + entry.id + " " + entry.text).toList(),
        stretch.size() > size);
  }

  private Entry place(String cursor) {
    Entry entry = clientIds.get(cursor);
    if (entry == null) {
      entry = places.get(cursor);
    }
    if (entry == null) {
      throw new IllegalArgumentException("no cursor of this thread: " + cursor);
    }
    return entry;
  }

  private static long body(NewMessage message) {
    return message.bytes();
  }

  /**
   * @param messages each as {@code seq id body}
   */
  record Expected(List<String> messages, boolean hasMore) {}

  private record Entry(String id, long order, long seq, String text, long bytes) {}

  static PageRequest request(
      int limit, @Nullable String after, @Nullable String before, int direction) {
    return new PageRequest(limit, after, before, (direction & 1) != 0, (direction & 2) != 0);
  }
}
