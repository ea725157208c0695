package io.heddle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.heddle.base.Caller;
import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.embedded.EmbeddedFileException;
import io.heddle.json.Json;
import io.heddle.session.NewMessage;
import io.heddle.session.PageRequest;
import io.heddle.session.ReadContext;
import io.heddle.session.SessionAttributes;
import io.heddle.session.SessionAttributes.Status;
import io.heddle.session.ThreadPage;
import io.heddle.session.WriteContext;
import io.heddle.session.WritePreconditions;
import io.heddle.session.service.SessionServices;
import io.heddle.settings.BadSettingException;
import io.heddle.settings.EmbeddedFileFailureAnalyzer;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.diagnostics.FailureAnalysis;

/** The server as it starts without a Redis. */
class ApplicationIT {

  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private static final Caller ANN = new Caller(Tenant.DEFAULT, "ann", "ann", false);

  @TempDir Path directory;

  @Test
  void startsInRamAndSaysHowItIs() {
    try (Server server = Server.start("heddle.engine=embedded", "heddle.embedded.path=")) {
      assertThat(server.get("/actuator/health").body())
          .contains("\"engine\":\"embedded\"", "in RAM", "\"status\":\"UP\"");
      assertThat(server.get("/actuator/health/liveness").body())
          .contains("livenessState")
          .doesNotContain("store", "coherence");
      assertThat(server.get("/actuator/health/readiness").body())
          .contains("readinessState", "start")
          .doesNotContain("store", "coherence");
      assertThat(server.get("/actuator/prometheus").body())
          .contains(
              "heddle_limits_refused_total",
              "heddle_limits_failures_total",
              "heddle_tokens_unsettled_total",
              "heddle_index_failures_total",
              "heddle_locks_lost_total",
              "heddle_cache_hits_total",
              "heddle_cache_misses_total",
              "heddle_cache_bypasses_total",
              "heddle_cache_dirty_total",
              "heddle_cache_evictions_total",
              "heddle_cache_size_bytes",
              "heddle_coherence_gaps_total",
              "heddle_coherence_mismatches_total",
              "heddle_coherence_losses_total",
              "heddle_coherence_untrusted_partitions");
      Awaitility.await()
          .untilAsserted(() ->
              assertThat(server.get("/actuator/health").body())
                  .contains("\"nearCache\":\"on\"", "\"untrusted\":0"));
      assertThat(server.get("/actuator/env").statusCode()).isEqualTo(404);
    }
  }

  /**
   * One event stream of an hour stood among the requests, with the status UNKNOWN: every percentile
   * of the timer was an hour.
   */
  @Test
  void streamsAreTimedApartFromRequests() throws Exception {
    try (Server server = Server.start("heddle.engine=embedded", "heddle.embedded.path=")) {
      create(server, new SessionKey(Tenant.DEFAULT, "watched"));
      try (Socket client = new Socket("127.0.0.1", server.port())) {
        client
            .getOutputStream()
            .write(
                "GET /v1/sessions/watched/events HTTP/1.1\r\nHost: localhost\r\n\r\n"
                    .getBytes(StandardCharsets.US_ASCII));
        assertThat(client.getInputStream().read()).isEqualTo('H');
      }
      assertThat(server.get("/v1/sessions/watched").statusCode()).isEqualTo(200);
      Awaitility.await()
          .untilAsserted(() ->
              assertThat(server.get("/actuator/prometheus").body())
                  .containsPattern("http_server_streams_seconds_count\\{.*status=\"200\".*events")
                  .doesNotContainPattern("http_server_requests_seconds_count\\{.*events\"")
                  .containsPattern("http_server_requests_seconds_bucket\\{.*le=\"0.005\"")
                  .contains(
                      "heddle_store_up",
                      "heddle_store_latency_seconds_bucket",
                      "heddle_store_sessions",
                      "heddle_build_info{",
                      "heddle_limits_refused_total{rule=\"requests\"}",
                      "heddle_refusals_total{code=\"store-full\"}",
                      "heddle_turns_first_token_seconds_bucket"));
    }
  }

  @Test
  void keepsSessionsInItsFile() {
    String file = "heddle.embedded.path=" + directory.resolve("sessions/heddle.mv");
    SessionKey key = new SessionKey(Tenant.DEFAULT, "kept");
    try (Server server = Server.start("heddle.engine=embedded", file)) {
      create(server, key);
    }
    try (Server server = Server.start("heddle.engine=embedded", file)) {
      ThreadPage page =
          server
              .bean(SessionServices.class)
              .sessions()
              .load(key, ReadContext.ANY, PageRequest.last(10))
              .block(PATIENCE);
      assertThat(page.messages()).hasSize(1);
      assertThat(page.session().description().user()).isEqualTo("ann");
    }
  }

  @Test
  void aFileInUseIsSaidSo() {
    String file = "heddle.embedded.path=" + directory.resolve("heddle.mv");
    try (Server server = Server.start("heddle.engine=embedded", file)) {
      assertThat(server.get("/actuator/health").statusCode()).isEqualTo(200);
      assertThatThrownBy(() -> Server.start("heddle.engine=embedded", file))
          .satisfies(failure -> {
            FailureAnalysis analysis = new EmbeddedFileFailureAnalyzer().analyze(failure);
            assertThat(analysis.getDescription()).contains("heddle.mv", "in use");
            assertThat(analysis.getAction()).contains("HEDDLE_EMBEDDED_PATH", "REDIS_URL");
          })
          .hasStackTraceContaining(EmbeddedFileException.class.getName());
    }
  }

  @Test
  void badSettingsStopTheStart() {
    assertThatThrownBy(() -> Server.start("heddle.engine=postgres"))
        .hasRootCauseInstanceOf(BadSettingException.class);
    assertThatThrownBy(() ->
            Server.start(
                "heddle.engine=embedded", "heddle.embedded.path=", "heddle.session.max-nesting=0"))
        .hasRootCauseMessage("heddle.session.max-nesting must be 2 to 500");
  }

  private static void create(Server server, SessionKey key) {
    SessionAttributes description =
        new SessionAttributes(
            "ann", null, Json.EMPTY_OBJECT, null, null, Status.ACTIVE, Duration.ofHours(1));
    server
        .bean(SessionServices.class)
        .sessions()
        .create(
            new WriteContext(ANN, key, WritePreconditions.NONE, Duration.ZERO),
            description,
            List.of(new NewMessage(null, Json.of("{\"role\":\"user\",\"content\":\"hello\"}"))))
        .block(PATIENCE);
  }
}
