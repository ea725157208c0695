package io.heddle.embedded;

import io.heddle.base.IdSource;
import io.heddle.base.Position;
import io.heddle.base.SessionKey;
import io.heddle.json.Json;
import io.heddle.session.Change;
import io.heddle.session.LiveMessage;
import io.heddle.session.Message;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One piece of work on the writer's thread. It reads the tables as they are and notes what to
 * write; nothing is written before the work is over, so work that fails has done nothing.
 */
final class Tx implements Rows {

  private final StoreFile store;
  private final SequenceAllocator numbers;
  private final IdSource ids;
  private final long now;
  private final List<Note<?>> notes = new ArrayList<>();
  private final List<Made> changes = new ArrayList<>(1);
  private final List<Told> told = new ArrayList<>(0);

  /** A change that is published when the work is committed. */
  record Made(
      SessionKey session,
      String previousTag,
      Position position,
      Change.Counters counters,
      Change change) {}

  /** What is told on a session's live channel when the work is committed. */
  record Told(SessionKey session, LiveMessage message) {}

  private record Note<V>(Table<V> table, byte[] key, @Nullable V value) {
    void write(StoreFile store) {
      if (value == null) {
        store.remove(table, key);
      } else {
        store.put(table, key, value);
      }
    }
  }

  Tx(StoreFile store, SequenceAllocator numbers, IdSource ids, long now) {
    this.store = store;
    this.numbers = numbers;
    this.ids = ids;
    this.now = now;
  }

  /** The store's clock, in milliseconds since 1970. */
  long now() {
    return now;
  }

  IdSource ids() {
    return ids;
  }

  /** A number no session and no thread ever had. */
  long newNumber() {
    return numbers.next();
  }

  /** As the table was before this work: what it noted itself is not seen. */
  @Override
  public <V> @Nullable V get(Table<V> table, byte[] key) {
    return store.get(table, key);
  }

  @Override
  public <V> Scan<V> scan(
      Table<V> table, byte @Nullable [] from, byte @Nullable [] to, boolean reverse) {
    return store.scan(table, from, to, reverse);
  }

  <V> void put(Table<V> table, byte[] key, V value) {
    notes.add(new Note<>(table, key, value));
  }

  void remove(Table<?> table, byte[] key) {
    notes.add(new Note<>(table, key, null));
  }

  void publish(
      SessionKey session,
      String previousTag,
      Position position,
      Change.Counters counters,
      Change change) {
    changes.add(new Made(session, previousTag, position, counters, change));
  }

  void tell(SessionKey session, LiveMessage message) {
    told.add(new Told(session, message));
  }

  /** {@link Change#toJson()}, or null when it is longer than what is published and kept. */
  static @Nullable Json bodyOf(Change change) {
    List<Message> messages =
        switch (change) {
          case Change.MessagesAppended appended -> appended.messages();
          case Change.OfTurn turns -> turns.messages();
          default -> List.of();
        };
    if (messages.stream().mapToLong(m -> m.body().length()).sum() > Change.MAX_PUBLISHED_BYTES) {
      return null;
    }
    Json body = change.toJson();
    return body.length() > Change.MAX_PUBLISHED_BYTES ? null : body;
  }

  /** How much was noted by some moment. */
  record Mark(int notes, int changes, int told) {}

  Mark mark() {
    return new Mark(notes.size(), changes.size(), told.size());
  }

  /** Forgets what was noted since then. */
  void backTo(Mark mark) {
    notes.subList(mark.notes, notes.size()).clear();
    changes.subList(mark.changes, changes.size()).clear();
    told.subList(mark.told, told.size()).clear();
  }

  boolean isEmpty() {
    return notes.isEmpty();
  }

  void write() {
    notes.forEach(note -> note.write(store));
  }

  List<Made> changes() {
    return changes;
  }

  List<Told> told() {
    return told;
  }
}
