package io.heddle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.session.PageRequest;
import io.heddle.session.ReadContext;
import io.heddle.session.service.SessionServices;
import io.heddle.testing.RedisProcess;
import java.net.http.HttpResponse;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** Redis away at the start, and later. */
class RedisOutageIT {

  private static final Duration PATIENCE = Duration.ofSeconds(30);

  @Test
  void theServerStartsWithoutItsRedisAndOutlivesIt() {
    try (RedisProcess redis = RedisProcess.start()) {
      redis.kill();
      try (Server server =
          Server.start(
              "spring.data.redis.host=127.0.0.1", "spring.data.redis.port=" + redis.port())) {
        assertThat(server.get("/actuator/health/liveness").statusCode()).isEqualTo(200);
        assertThat(server.get("/actuator/health/readiness").statusCode()).isEqualTo(503);
        assertThat(server.get("/actuator/health").body()).contains("\"reachable\":false");
        isUnavailable(server);

        redis.restart();
        await().atMost(PATIENCE).until(() -> status(server, "/actuator/health/readiness") == 200);
        assertThat(server.get("/actuator/health").statusCode()).isEqualTo(200);
        isAbsent(server);

        redis.kill();
        await().atMost(PATIENCE).until(() -> status(server, "/actuator/health") == 503);
        assertThat(server.get("/actuator/health/readiness").statusCode()).isEqualTo(200);
        assertThat(server.get("/actuator/health/liveness").statusCode()).isEqualTo(200);
        isUnavailable(server);

        redis.restart();
        await().atMost(PATIENCE).until(() -> status(server, "/actuator/health") == 200);
        isAbsent(server);
      }
    }
  }

  @Test
  void aRedisThatMayThrowSessionsAwayIsToldInRed() {
    try (RedisProcess redis =
            RedisProcess.start("--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru");
        Server server = Server.start("spring.data.redis.url=redis://127.0.0.1:" + redis.port())) {
      await().atMost(PATIENCE).until(() -> status(server, "/actuator/health/readiness") == 200);

      assertThat(server.get("/actuator/health").statusCode()).isEqualTo(503);
      assertThat(server.get("/actuator/health").body()).contains("allkeys-lru", "noeviction");
    }
  }

  private static int status(Server server, String path) {
    return server.get(path).statusCode();
  }

  private static void isUnavailable(Server server) {
    assertThatThrownBy(() -> load(server))
        .isInstanceOfSatisfying(
            ProblemException.class,
            e -> {
              assertThat(e.problem().code()).isEqualTo(ProblemCode.STORE_UNAVAILABLE);
              assertThat(e.problem().members()).containsKey("retryAfter");
            });
    HttpResponse<String> answer = server.post("/v1/sessions", "{\"title\":\"lost\"}");
    assertThat(answer.statusCode()).isEqualTo(503);
    assertThat(answer.headers().firstValue("Retry-After")).isPresent();
    assertThat(answer.body()).contains("\"code\":\"store-unavailable\"");
  }

  private static void isAbsent(Server server) {
    assertThatThrownBy(() -> load(server))
        .isInstanceOfSatisfying(
            ProblemException.class,
            e -> assertThat(e.problem().code()).isEqualTo(ProblemCode.SESSION_NOT_FOUND));
  }

  private static void load(Server server) {
    server
        .bean(SessionServices.class)
        .sessions()
        .load(new SessionKey(Tenant.DEFAULT, "none"), ReadContext.ANY, PageRequest.NONE)
        .block(PATIENCE);
  }
}
