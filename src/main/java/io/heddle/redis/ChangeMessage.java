package io.heddle.redis;

import io.heddle.base.Position;
import io.heddle.base.SessionKey;
import io.heddle.json.Json;
import io.heddle.session.Change;
import io.heddle.session.Message;
import io.heddle.session.MessagePlace;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads what the scripts publish: {@code seq prevTag tag tenant/id version lastSeq messageCount
 * bytes expiresAt updatedAt}, a space, and the change: JSON; or {@code +n} and, unless the appended
 * messages are too long, the bytes of each one's id and body as {@code ' ' id ' ' body}, a space,
 * and then all ids and bodies; or, of a turn, {@code *n}, the bytes of the change's head, the same
 * of the messages that it tells, a space, the head, and all ids and bodies; or nothing when it was
 * too long.
 */
final class ChangeMessage {

  private final WordReader in;
  private List<Message> appended = List.of();

  private ChangeMessage(byte[] bytes) {
    this.in = new WordReader(bytes);
  }

  static Change.Published parse(byte[] bytes) {
    return new ChangeMessage(bytes).read();
  }

  private Change.Published read() {
    long seq = in.number();
    String previous = in.word();
    String tag = in.word();
    SessionKey key = SessionKey.ofPath(in.word());
    Position position = new Position(in.number(), tag);
    long lastSeq = in.number();
    long messageCount = in.number();
    long bytes = in.number();
    Instant expiresAt = Instant.ofEpochMilli(in.number());
    Instant updatedAt = Instant.ofEpochMilli(in.number());
    Json body = null;
    if (!in.isAtEnd()) {
      body =
          switch (in.peek()) {
            case '+' -> appended(key, position, lastSeq, updatedAt);
            case '*' -> ofTurn(key, position, lastSeq, updatedAt);
            default -> new Json(in.rest());
          };
    }
    return new Change.Published(
        key,
        seq,
        previous.equals("-") ? "" : previous,
        position,
        new Change.Counters(lastSeq, messageCount, bytes, updatedAt, expiresAt),
        body,
        appended);
  }

  private @Nullable Json appended(SessionKey key, Position position, long lastSeq, Instant time) {
    int count = Integer.parseInt(in.word().substring(1));
    if (in.isAtEnd()) {
      return null;
    }
    List<Message> messages = messages(key, position, lastSeq, time, lengths(count));
    // The script knows the bodies' bytes only; with seqs and times they may be too many after all.
    Json change = new Change.MessagesAppended(messages).toJson();
    if (change.length() > Change.MAX_PUBLISHED_BYTES) {
      return null;
    }
    appended = messages;
    return change;
  }

  private @Nullable Json ofTurn(SessionKey key, Position position, long lastSeq, Instant time) {
    int count = Integer.parseInt(in.word().substring(1));
    int headBytes = (int) in.number();
    int[] lengths = lengths(count);
    Json head = new Json(in.bytes(headBytes));
    Json change = Change.OfTurn.withMessages(head, messages(key, position, lastSeq, time, lengths));
    return change.length() > Change.MAX_PUBLISHED_BYTES ? null : change;
  }

  private int[] lengths(int count) {
    int[] lengths = new int[2 * count];
    for (int i = 0; i < lengths.length; i++) {
      lengths[i] = (int) in.number();
    }
    return lengths;
  }

  private List<Message> messages(
      SessionKey key, Position position, long lastSeq, Instant time, int[] lengths) {
    int count = lengths.length / 2;
    List<Message> messages = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      String id = in.text(lengths[2 * i]);
      Json body = new Json(in.bytes(lengths[2 * i + 1]));
      messages.add(
          new Message(
              id.isEmpty() ? MessagePlace.of(key, position, i).id() : id,
              lastSeq - count + 1 + i,
              time,
              body));
    }
    return messages;
  }
}
