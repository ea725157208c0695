package io.heddle.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.json.Json;
import io.heddle.session.LiveMessage.LockReleased;
import io.heddle.session.LiveMessage.PresenceAsked;
import io.heddle.session.LiveMessage.PresenceTold;
import io.heddle.session.LiveMessage.TurnCancelled;
import io.heddle.session.LiveMessage.TurnFlushed;
import io.heddle.session.LiveMessage.Typing;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LiveMessageTest {

  private static final TurnAttempt ATTEMPT = new TurnAttempt("trn_1", 2);

  /** Replicas of other releases, and scripts, write and read exactly these bytes. */
  private static void hasBytes(LiveMessage message, String bytes) {
    assertThat(message.toJson().toString()).isEqualTo(bytes);
    assertThat(LiveMessage.parse(bytes.getBytes(StandardCharsets.UTF_8))).isEqualTo(message);
  }

  @Test
  void eachMessageHasItsBytesAndIsReadFromThem() {
    hasBytes(
        new TurnFlushed(
            ATTEMPT, 7, List.of(Json.of("{\"text\":\"ä]}\"}"), Json.of("{\"a\":[{}]}"))),
        "{\"turn\":\"trn_1\",\"attempt\":2,\"seq\":7,"
            + "\"events\":[{\"text\":\"ä]}\"},{\"a\":[{}]}]}");
    hasBytes(new TurnCancelled("trn_1"), "{\"turn\":\"trn_1\",\"cancel\":true}");
    hasBytes(new LockReleased(), "{\"released\":true}");
    hasBytes(new Typing("ann \"\n\""), "{\"typing\":\"ann \\\"\\n\\\"\"}");
    hasBytes(new PresenceAsked("r1"), "{\"who\":\"r1\"}");
    hasBytes(
        new PresenceTold("r1", List.of("ann", "bob")),
        "{\"replica\":\"r1\",\"users\":[\"ann\",\"bob\"]}");
    hasBytes(new PresenceTold("r1", List.of()), "{\"replica\":\"r1\",\"users\":[]}");
  }

  @Test
  void anEnginePutsTheRestBehindThePrefix() {
    byte[] prefix = TurnFlushed.prefix(ATTEMPT);
    assertThat(new TurnFlushed(ATTEMPT, 7, List.of()).toJson().toString())
        .isEqualTo(new String(prefix, StandardCharsets.UTF_8) + "7,\"events\":[]}");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "1",
        "[]",
        "{}",
        "{\"seq\":",
        "{\"poll\":{\"typing\":\"x\"}}",
        "{\"typing\":\"\"}",
        "{\"who\":\"\"}",
        "{\"turn\":\"trn_1\"}",
        "{\"events\":[{}]}",
        "{\"cancel\":true}",
        "{\"turn\":\"trn_1\",\"events\":[{\"a\":"
      })
  void whatIsNoMessageIsNone(String text) {
    assertThat(LiveMessage.parse(text.getBytes(StandardCharsets.UTF_8))).isNull();
  }
}
