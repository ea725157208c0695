package io.heddle.redis;

import io.heddle.base.Json;
import io.heddle.base.Position;
import io.heddle.base.SessionKey;
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
 * and then all ids and bodies; or nothing when it was too long.
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
      body =
          bytes[at] == '+'
              ? appended(key, position, Long.parseLong(words[5]), Long.parseLong(words[9]))
              : new Json(Arrays.copyOfRange(bytes, at, bytes.length));
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
    int[] lengths = new int[2 * count];
    for (int i = 0; i < lengths.length; i++) {
      lengths[i] = Integer.parseInt(word());
    }
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
    // The script knows the bodies' bytes only; with seqs and times they may be too many after all.
    Json change = new Change.MessagesAppended(messages).toJson();
    if (change.length() > Change.MAX_PUBLISHED_BYTES) {
      return null;
    }
    appended = messages;
    return change;
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
