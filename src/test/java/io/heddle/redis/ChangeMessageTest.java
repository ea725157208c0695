package io.heddle.redis;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Position;
import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.json.Json;
import io.heddle.session.Change;
import io.heddle.session.Message;
import io.heddle.session.MessagePlace;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

class ChangeMessageTest {

  private static final SessionKey KEY = new SessionKey(Tenant.DEFAULT, "s:1");
  private static final Position POSITION = new Position(7, "tagtag07");
  private static final Instant TIME = Instant.ofEpochMilli(1_764_000_000_123L);
  private static final String LINE =
      "12 tagtag06 tagtag07 " + KEY.path() + " 7 5 4 300 1764000060123 1764000000123";
  private static final String TURN = "trn_0123456789abcdef_s:1";

  @Test
  void readsWhatEveryChangeSays() {
    Change.Published change = parse(LINE + " {\"type\":\"state.saved\"}");
    assertThat(change.session()).isEqualTo(KEY);
    assertThat(change.partitionSeq()).isEqualTo(12);
    assertThat(change.previousTag()).isEqualTo("tagtag06");
    assertThat(change.position()).isEqualTo(POSITION);
    assertThat(change.counters())
        .isEqualTo(new Change.Counters(5, 4, 300, TIME, TIME.plusSeconds(60)));
    assertThat(change.body()).isEqualTo(new Change.StateSaved().toJson());
    assertThat(change.appended()).isEmpty();
    assertThat(parse(LINE.replace("tagtag06", "-") + " {}").previousTag()).isEmpty();
  }

  @Test
  void splicesTheMessagesOfAnAppend() {
    String first = "{\"role\":\"user\",\"content\":\"\u00e4 {} +1\"}";
    String second = "{\"a\":[]}";
    Change.Published change =
        parse(
            LINE
                + " +2 0 "
                + length(first)
                + " 3 "
                + length(second)
                + " "
                + first
                + "own"
                + second);
    List<Message> messages = List.of(message(placed(0), 4, first), message("own", 5, second));
    assertThat(change.body()).isEqualTo(new Change.MessagesAppended(messages).toJson());
    assertThat(change.appended()).isEqualTo(messages);
  }

  @Test
  void splicesTheMessagesOfATurnsChange() {
    String head = new Change.TurnStarted(TURN, List.of()).head().toString();
    String first = "{\"role\":\"user\",\"content\":\"\u00e4 *2\"}";
    String second = "{\"a\":[]}";
    Change.Published change =
        parse(
            LINE
                + " *2 "
                + length(head)
                + " 3 "
                + length(first)
                + " 0 "
                + length(second)
                + " "
                + head
                + "own"
                + first
                + second);
    List<Message> messages = List.of(message("own", 4, first), message(placed(1), 5, second));
    assertThat(change.body()).isEqualTo(new Change.TurnStarted(TURN, messages).toJson());
    assertThat(change.appended()).as("a page is not patched with them").isEmpty();
  }

  @Test
  void aTurnsChangeNeedsNoMessages() {
    String head = new Change.TurnStarted(TURN, List.of()).head().toString();
    assertThat(parse(LINE + " *0 " + length(head) + " " + head).body())
        .isEqualTo(new Change.TurnStarted(TURN, List.of()).toJson());
  }

  /** With seqs, times and ids it may be longer than the script could know. */
  @Test
  void whatIsTooLongHasNoBody() {
    String head = new Change.TurnStarted(TURN, List.of()).head().toString();
    String body = "{\"a\":\"" + "x".repeat(2048 - head.length() - 8) + "\"}";
    assertThat(head.length() + body.length()).isEqualTo(Change.MAX_PUBLISHED_BYTES);
    assertThat(
            parse(LINE + " *1 " + length(head) + " 0 " + length(body) + " " + head + body).body())
        .isNull();
    assertThat(parse(LINE + " ").body()).isNull();
    assertThat(parse(LINE + " +3").body()).isNull();
  }

  private static Message message(String id, long seq, String body) {
    return new Message(id, seq, TIME, Json.of(body));
  }

  private static String placed(int index) {
    return MessagePlace.of(KEY, POSITION, index).id();
  }

  private static int length(String text) {
    return text.getBytes(StandardCharsets.UTF_8).length;
  }

  private static Change.Published parse(String text) {
    return ChangeMessage.parse(text.getBytes(StandardCharsets.UTF_8));
  }
}
