package io.heddle.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Position;
import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.json.Json;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StoredFormsTest {

  private static final SessionKey KEY = new SessionKey(Tenant.DEFAULT, "s1");

  @Test
  void descriptionsAreReadBack() {
    SessionAttributes full =
        new SessionAttributes(
            "ann",
            "a \"title\" \u00e9",
            Json.of("{\"n\":12345678901234567890,\"f\":1.10,\"o\":{\"a\":[]}}"),
            "be kind",
            "m",
            SessionAttributes.Status.COMPLETE,
            Duration.ofDays(3650));
    assertThat(SessionAttributes.parse(full.toJson().utf8())).isEqualTo(full);
    SessionAttributes bare =
        new SessionAttributes(
            null,
            null,
            Json.EMPTY_OBJECT,
            null,
            null,
            SessionAttributes.Status.ACTIVE,
            Duration.ofSeconds(1));
    assertThat(SessionAttributes.parse(bare.toJson().utf8())).isEqualTo(bare);
  }

  /** A rolling upgrade: the newer replica has written a member that this one does not know. */
  @Test
  void aNewerDescriptionIsReadByAnOlderHeddle() {
    String stored =
        "{\"user\":\"ann\",\"later\":{\"a\":[1,{\"b\":2}]},\"title\":null,\"more\":[1],"
            + "\"status\":\"active\",\"metadata\":{\"a\":1},\"x\":\"y\",\"ttlSeconds\":60}";
    SessionAttributes read = SessionAttributes.parse(stored.getBytes(StandardCharsets.UTF_8));
    assertThat(read.user()).isEqualTo("ann");
    assertThat(read.metadata()).isEqualTo(Json.of("{\"a\":1}"));
    assertThat(read.ttl()).isEqualTo(Duration.ofMinutes(1));
  }

  @Test
  void placesAreReadBack() {
    MessagePlace place = MessagePlace.of(KEY, new Position(12, "k3jd82ma"), 99);
    assertThat(place.id()).isEqualTo("msg_12-99_k3jd82ma" + KEY.mark());
    assertThat(MessagePlace.parse(place.id())).isEqualTo(place);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "msg_",
        "msg_1-0",
        "msg_1-0_k3jd82ma",
        "msg_1_k3jd82maabcd",
        "msg_-0_k3jd82maabcd",
        "msg_1-_k3jd82maabcd",
        "msg_0-0_k3jd82maabcd",
        "msg_1-0_K3jd82maabcd",
        "msg_1-99999999999_k3jd82maabcd",
        "msg_99999999999999999-0_k3jd82maabcd",
        "abc_1-0_k3jd82maabcd"
      })
  void whatIsNoPlaceIsAClientsId(String id) {
    assertThat(MessagePlace.parse(id)).isNull();
  }

  @Test
  void checkpointIds() {
    Position saved = new Position(3, "abcd1234");
    assertThat(Checkpoint.parseId(Checkpoint.idOf(saved))).isEqualTo(saved);
    assertThat(Checkpoint.parseId("latest")).isNull();
    assertThat(Checkpoint.parseId("cp_3")).isNull();
  }
}
