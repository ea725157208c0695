package io.heddle.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.json.Json;
import io.heddle.session.SessionAttributes.Status;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;

class FilterTest {

  private static final SessionAttributes DESCRIPTION =
      new SessionAttributes(
          "ann",
          null,
          Json.of(
              "{\"deep\":{\"k\":\"no\"},\"k\":\"v\",\"n\":1.50,\"b\":true,\"z\":null,\"l\":[1]}"),
          null,
          null,
          Status.ACTIVE,
          Duration.ofHours(1));

  @Test
  void everyWantedMemberMustBeThere() {
    assertThat(matches(Map.of())).isTrue();
    assertThat(matches(Map.of("k", "v"))).isTrue();
    assertThat(matches(Map.of("k", "v", "n", "1.50", "b", "true", "z", "null"))).isTrue();
    assertThat(matches(Map.of("k", "no"))).isFalse();
    assertThat(matches(Map.of("k", "v", "other", "v"))).isFalse();
    assertThat(matches(Map.of("deep", "no"))).isFalse();
    assertThat(matches(Map.of("l", "1"))).isFalse();
  }

  @Test
  void theStatusMustBeTheWantedOne() {
    assertThat(new Filter(Status.ACTIVE, Map.of()).matches(DESCRIPTION)).isTrue();
    assertThat(new Filter(Status.COMPLETE, Map.of()).matches(DESCRIPTION)).isFalse();
  }

  private static boolean matches(Map<String, String> metadata) {
    return new Filter(null, metadata).matches(DESCRIPTION);
  }
}
