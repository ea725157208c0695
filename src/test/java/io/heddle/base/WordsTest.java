package io.heddle.base;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.heddle.json.Json;
import io.heddle.json.JsonWriter;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashSet;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WordsTest {

  @Test
  void positionsAreReadBack() {
    Position position = new Position(7, "k3jd82ma");
    assertThat(Position.parse(position.toString())).isEqualTo(position);
    assertThat(Position.parse("9007199254740991-00000000")).isNotNull();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "7",
        "-",
        "7-",
        "-k3jd82ma",
        "7-k3jd82m",
        "7-k3jd82maa",
        "7-K3jd82ma",
        "07-k3jd82ma",
        "0-k3jd82ma",
        "+7-k3jd82ma",
        "7 -k3jd82ma",
        "99999999999999999-k3jd82ma",
        "\u0667-k3jd82ma"
      })
  void whatIsNoPositionIsNone(String text) {
    assertThat(Position.parse(text)).isNull();
  }

  @ParameterizedTest
  @ValueSource(strings = {"a", "cli_20251108_145739", "A:b@c-d.e_f", "...", ".a"})
  void sessionIds(String id) {
    assertThat(SessionKey.isId(id)).isTrue();
    SessionKey key = new SessionKey(Tenant.DEFAULT, id);
    assertThat(SessionKey.ofPath(key.path())).isEqualTo(key);
    assertThat(key.mark()).matches("[0-9a-z]{4}");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", ".", "..", "a b", "a/b", "{a}", "a\n", "\u00e9", "a%20"})
  void whatIsNoSessionId(String id) {
    assertThat(SessionKey.isId(id)).isFalse();
    assertThatThrownBy(() -> new SessionKey(Tenant.DEFAULT, id))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aSessionIdHasAtMost128Characters() {
    assertThat(SessionKey.isId("a".repeat(128))).isTrue();
    assertThat(SessionKey.isId("a".repeat(129))).isFalse();
  }

  @Test
  void idsAreUniqueAndTellWhenTheyWereMade() {
    Instant now = Instant.parse("2026-11-20T11:00:00.123Z");
    RandomIds ids = new RandomIds(InstantSource.fixed(now));
    Set<String> seen = new HashSet<>();
    for (int i = 0; i < 10_000; i++) {
      assertThat(seen.add(ids.tag())).isTrue();
      assertThat(seen.add(ids.token())).isTrue();
      assertThat(seen.add(ids.sessionId())).isTrue();
    }
    String id = ids.sessionId();
    assertThat(SessionKey.isId(id)).isTrue();
    UUID uuid = UUID.fromString(id.substring("ses_".length()));
    assertThat(uuid.version()).isEqualTo(7);
    assertThat(uuid.variant()).isEqualTo(2);
    assertThat(uuid.getMostSignificantBits() >>> 16).isEqualTo(now.toEpochMilli());
  }

  @Test
  void jsonIsSplicedAndStringsAreEscaped() {
    JsonWriter out = new JsonWriter(1);
    out.ascii("{\"a\":").string("\"\\\n\u00e9\ud83d\ude00").ascii(",\"b\":").string(null);
    out.ascii(",\"c\":").raw(Json.of("[1]")).ascii(",\"d\":").time(Instant.EPOCH).ascii("}");
    assertThat(out)
        .hasToString(
            "{\"a\":\"\\\"\\\\\\n\u00e9\ud83d\ude00\",\"b\":null,\"c\":[1],"
                + "\"d\":\"1970-01-01T00:00:00.000Z\"}");
    assertThat(out.toJson().length()).isEqualTo(out.length());
  }

  @Test
  void anExpectedRefusalHasNoStackTrace() {
    ProblemException refusal = Problem.field(ProblemCode.INVALID_REQUEST, "id", "x").toException();
    assertThat(refusal.getStackTrace()).isEmpty();
    assertThat(refusal).hasMessage("invalid-request: x");
    assertThat(refusal.problem().members()).containsEntry("field", "id");
  }
}
