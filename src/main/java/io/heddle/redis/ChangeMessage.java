package io.heddle.redis;

import io.heddle.base.Position;
import io.heddle.base.SessionKey;
import io.heddle.json.Json;
import io.heddle.session.Change;
import io.heddle.session.Message;
import io.heddle.session.MessagePlace;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
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

  private static final int WORDS = 10;

  private final byte[] bytes;
  private int at;
  private List<Message> appended = List.of();

  private ChangeMessage(byte[] bytes) {
    this.bytes = bytes;
  }

  static Change.Published parse(byte[] bytes) {
    return new ChangeMessage(bytes).read();
  }

  private Change.Published read() {
    String[] words = new String[WORDS];
    for (int i = 0; i < WORDS; i++) {
      words[i] = word();
    }
    SessionKey key = SessionKey.ofPath(words[3]);
    Position position = new Position(Long.parseLong(words[4]), words[2]);
    Json body = null;
    if (at < bytes.length) {
      long lastSeq = Long.parseLong(words[5]);
      long millis = Long.parseLong(words[9]);
      body =
          switch (bytes[at]) {
            case '+' -> appended(key, position, lastSeq, millis);
            case '*' -> ofTurn(key, position, lastSeq, millis);
            default -> new Json(Arrays.copyOfRange(bytes, at, bytes.length));
          };
    }
    String previous = words[1].equals("-") ? "" : words[1];
    Change.Counters counters =
        new Change.Counters(
            Long.parseLong(words[5]),
            Long.parseLong(words[6]),
            Long.parseLong(words[7]),
            Instant.ofEpochMilli(Long.parseLong(words[9])),
            Instant.ofEpochMilli(Long.parseLong(words[8])));
    return new Change.Published(
        key, Long.parseLong(words[0]), previous, position, counters, body, appended);
  }

  private @Nullable Json appended(SessionKey key, Position position, long lastSeq, long millis) {
    int count = Integer.parseInt(word().substring(1));
    if (at >= bytes.length) {
      return null;
    }
    List<Message> messages = messages(key, position, lastSeq, millis, lengths(count));
    // The script knows the bodies' bytes only; with seqs and times they may be too many after all.
    Json change = new Change.MessagesAppended(messages).toJson();
    if (change.length() > Change.MAX_PUBLISHED_BYTES) {
      return null;
    }
    appended = messages;
    return change;
  }

  private @Nullable Json ofTurn(SessionKey key, Position position, long lastSeq, long millis) {
    int count = Integer.parseInt(word().substring(1));
    int headBytes = Integer.parseInt(word());
    int[] lengths = lengths(count);
    Json head = new Json(Arrays.copyOfRange(bytes, at, at + headBytes));
    at += headBytes;
    Json change =
        Change.OfTurn.withMessages(head, messages(key, position, lastSeq, millis, lengths));
    return change.length() > Change.MAX_PUBLISHED_BYTES ? null : change;
  }

  private int[] lengths(int count) {
    int[] lengths = new int[2 * count];
    for (int i = 0; i < lengths.length; i++) {
      lengths[i] = Integer.parseInt(word());
    }
    return lengths;
  }

  private List<Message> messages(
      SessionKey key, Position position, long lastSeq, long millis, int[] lengths) {
    int count = lengths.length / 2;
    Instant time = Instant.ofEpochMilli(millis);
    List<Message> messages = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      int bodyAt = at + lengths[2 * i];
      String id = text(at, bodyAt);
      at = bodyAt + lengths[2 * i + 1];
      Json body = new Json(Arrays.copyOfRange(bytes, bodyAt, at));
      messages.add(
          new Message(
              id.isEmpty() ? MessagePlace.of(key, position, i).id() : id,
              lastSeq - count + 1 + i,
              time,
              body));
    }
    return messages;
  }

  /** The next word; the space after it is passed over. */
  private String word() {
    int from = at;
    while (at < bytes.length && bytes[at] != ' ') {
      at++;
    }
    String word = text(from, at);
    at++;
    return word;
  }

  private String text(int from, int to) {
    return new String(bytes, from, to - from, StandardCharsets.UTF_8);
  }
}
