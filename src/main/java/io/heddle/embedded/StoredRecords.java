package io.heddle.embedded;

import io.heddle.base.Position;
import io.heddle.json.Json;
import io.heddle.session.LoggedChanges;
import io.heddle.session.NewMessage;
import io.heddle.session.Turn;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The small values of the tables. Times are milliseconds since 1970. */
final class StoredRecords {

  private StoredRecords() {}

  /**
   * @param tag of the write that appended it
   * @param name the client's own id, or null
   */
  record Row(long seq, long created, String tag, @Nullable String name, Json body) {}

  /** Where the message of a client's id stands, or stood. */
  record Place(long version, int index) {
    boolean isAfter(Place other) {
      return version > other.version || (version == other.version && index > other.index);
    }
  }

  /**
   * Where the message of a client's id stood that was taken away.
   *
   * @param count how many went before it since the thread began
   */
  record Gone(String name, Place place, long count) {}

  record Saved(String tag, long time, Json document) {}

  /**
   * @param body the change, or null when it is too long to be kept; of a turn's change its head
   * @param messages how many of the thread's messages belong to it, or {@link LoggedChanges#NONE}
   */
  record Made(String tag, @Nullable Json body, int messages) {}

  /** What one flush added to a turn's log. */
  record Events(List<Json> events) {}

  /**
   * What a turn was begun with.
   *
   * @param keep how long after its end its record is kept
   * @param begun where the session was when it was begun
   */
  record Order(
      String id, @Nullable String model, long created, long keep, Json request, Position begun) {}

  /**
   * A turn's record.
   *
   * @param started 0 while it has not
   * @param ended 0 while it has not
   * @param place in the queue, while it waits
   * @param asked its input, while it waits
   * @param finished where the session was when it ended, or null
   * @param last seq of the last event in its log; known when it has ended
   */
  record Ordered(
      Order order,
      Turn.Status status,
      int attempt,
      long started,
      long ended,
      long place,
      List<NewMessage> asked,
      List<String> input,
      List<String> output,
      @Nullable Json end,
      @Nullable Position finished,
      long last) {

    /** A turn that waits, or is about to start. */
    static Ordered queued(Order order, List<NewMessage> input) {
      return new Ordered(
          order, Turn.Status.QUEUED, 0, 0, 0, 0, input, List.of(), List.of(), null, null, 0);
    }

    String id() {
      return order.id();
    }

    boolean isForgotten(long now) {
      return status.isEnd() && ended + order.keep() <= now;
    }

    Ordered at(long queuePlace) {
      return new Ordered(
          order,
          status,
          attempt,
          started,
          ended,
          queuePlace,
          asked,
          input,
          output,
          end,
          finished,
          last);
    }

    Ordered asStarted(long now, List<String> added) {
      return new Ordered(
          order, Turn.Status.RUNNING, 1, now, 0, 0, List.of(), added, output, null, null, 0);
    }

    Ordered asAttempt(int next) {
      return new Ordered(
          order, status, next, started, ended, place, asked, input, output, end, finished, last);
    }

    Ordered asEnded(
        Turn.Status how, long now, List<String> added, Json told, Position where, long lastSeq) {
      return new Ordered(
          order, how, attempt, started, now, 0, List.of(), input, added, told, where, lastSeq);
    }
  }

  /**
   * An idempotency record.
   *
   * @param operation who holds the key while its call runs, or null when it is done
   * @param until when the record ends
   * @param position of the write, or null while the call runs
   * @param messages the ids it appended
   */
  record Kept(
      String body,
      @Nullable String operation,
      long until,
      @Nullable Position position,
      List<String> messages) {}

  /** An answer of a model or a tool. */
  record Cached(String contentType, long storedAt, long expiresAt, byte[] body) {}
}
