package io.heddle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.heddle.base.ProblemException;
import io.heddle.json.Json;
import io.heddle.settings.BadSettingException;
import io.heddle.testing.ModelScript;
import io.heddle.testing.ScriptedModel;
import io.heddle.turn.ModelCall;
import io.heddle.turn.ModelEvent;
import io.heddle.turn.Upstream;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The models as the server makes them from its settings. */
class ModelsApplicationIT {

  private static final Duration PATIENCE = Duration.ofSeconds(20);

  private static ModelCall call(String model) {
    return new ModelCall(
        model,
        null,
        List.of(Json.of("{\"role\":\"user\",\"content\":\"hello there\"}")),
        Json.EMPTY_OBJECT,
        "trn_1");
  }

  private static Server start(String... settings) {
    String[] all = Arrays.copyOf(settings, settings.length + 2);
    all[settings.length] = "heddle.engine=embedded";
    all[settings.length + 1] = "heddle.embedded.path=";
    return Server.start(all);
  }

  @Test
  void withoutSettingsThereIsEcho() {
    try (Server server = start("heddle.echo.pace=0ms")) {
      Upstream upstream = server.bean(Upstream.class);
      List<ModelEvent> pieces =
          upstream.call(call(null)).concatMapIterable(said -> said).collectList().block(PATIENCE);

      assertThat(pieces)
          .hasSize(3)
          .contains(new ModelEvent.Text("hello "), new ModelEvent.Text("there"));
      assertThat(server.get("/actuator/prometheus").body())
          .contains(
              "heddle_upstream_calls_seconds_count{outcome=\"finished\",upstream=\"echo\"} 1",
              "heddle_upstream_first_token_seconds_count{upstream=\"echo\"} 1",
              "heddle_upstream_running{upstream=\"echo\"} 0");
    }
  }

  @Test
  void aServerThatFailsIsSeenInMetersAndHealthAndNotInReadiness() {
    try (ScriptedModel model = ScriptedModel.start();
        Server server =
            start(
                "heddle.upstreams.big.base-url=" + model.baseUrl(),
                "heddle.upstreams.big.models=big-*",
                "heddle.upstreams.big.max-retries=1",
                "heddle.upstreams.big.api-key=very-secret",
                "heddle.upstreams.big.breaker.minimum-calls=3",
                "heddle.upstreams.big.breaker.open-for=1m")) {
      Upstream upstream = server.bean(Upstream.class);
      assertThat(upstream.call(call("big-1")).collectList().block(PATIENCE)).hasSize(3);
      assertThat(server.get("/actuator/health").body())
          .contains("\"upstream\":{\"details\":{\"big\":\"closed\"},\"status\":\"UP\"}");

      model.answer(ModelScript.error(503, "busy"));
      assertThatThrownBy(() -> upstream.call(call("big-1")).blockLast(PATIENCE))
          .isInstanceOf(ProblemException.class)
          .hasMessageContaining("model-unavailable");

      assertThat(server.get("/actuator/health").body())
          .contains("\"big\":\"open\"", "nothing is sent to big for now");
      assertThat(server.get("/actuator/health/readiness").statusCode()).isEqualTo(200);
      assertThat(server.get("/actuator/health/liveness").statusCode()).isEqualTo(200);
      assertThat(server.get("/actuator/prometheus").body())
          .contains(
              "heddle_upstream_breaker{upstream=\"big\"} 2",
              "heddle_upstream_calls_seconds_count{outcome=\"unavailable\",upstream=\"big\"} 1",
              "heddle_upstream_retries_total{upstream=\"big\"} 1")
          .doesNotContain("very-secret");
    }
  }

  @Test
  void settingsThatCannotBeMeantStopTheStart() {
    assertThatThrownBy(() -> start("heddle.upstreams.a.base-url=nowhere"))
        .hasRootCauseMessage(
            "heddle.upstreams.a.base-url must be an http or https URL without a user");
    assertThatThrownBy(() ->
            start(
                "heddle.upstreams.a.base-url=http://localhost:1",
                "heddle.upstreams.a.models=x",
                "heddle.default-model=y"))
        .hasRootCauseInstanceOf(BadSettingException.class)
        .hasRootCauseMessage("heddle.default-model: no upstream has the model y");
    assertThatThrownBy(() ->
            start(
                "heddle.upstreams.a.base-url=http://localhost:1",
                "heddle.upstreams.a.api-key-file=/nowhere/key"))
        .hasRootCauseInstanceOf(BadSettingException.class);
  }
}
