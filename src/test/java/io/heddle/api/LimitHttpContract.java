package io.heddle.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.api.Http.Reply;
import io.heddle.base.Caller;
import io.heddle.base.Tenant;
import io.heddle.limit.TokenLimits;
import io.heddle.limit.TokenReservation;
import java.util.Map;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Limits of requests and tokens, told and kept. */
interface LimitHttpContract extends HttpCalls {

  @Test
  default void limitsAreToldAndKept() {
    Http limited =
        http(
            Map.of(
                "heddle.limits.rules.requests.kind", "requests",
                "heddle.limits.rules.requests.limit", "12",
                "heddle.limits.rules.writes.kind", "writes",
                "heddle.limits.rules.writes.limit", "3"));
    Http mine = limited.with("Heddle-User", user());
    Reply made = mine.post("/v1/sessions", "{'id':'" + id() + "'}").is(201);
    assertThat(made.header("RateLimit")).contains("\"requests\";r=11;t=", "\"writes\";r=2;t=");
    assertThat(made.header("RateLimit-Policy"))
        .contains("\"requests\";q=12;w=60", "\"writes\";q=3;w=60");

    String key = "k-" + id();
    mine.post(messages(), MESSAGE, "Idempotency-Key", key).is(201);
    // A repetition is not counted.
    for (int i = 0; i < 3; i++) {
      mine.post(messages(), MESSAGE, "Idempotency-Key", key).is(201);
    }
    mine.post(messages(), MESSAGE).is(201);
    String before = mine.get(session()).is(200).position();
    Reply refused = mine.post(messages(), MESSAGE);
    refused.problem(429, "rate-limited", null);
    assertThat(Long.parseLong(refused.header("Retry-After"))).isBetween(1L, 60L);
    assertThat(refused.json().path("retryAfter").asLong()).isBetween(1L, 60L);
    assertThat(refused.header("RateLimit")).contains("\"writes\";r=0;t=");
    mine.post(messages(), MESSAGE, "Idempotency-Key", key + "2").problem(429, "rate-limited", null);
    // Though the limit is used up, what was done before is answered again.
    assertThat(
            mine.post(messages(), MESSAGE, "Idempotency-Key", key)
                .is(201)
                .header("Idempotency-Replayed"))
        .isEqualTo("true");
    mine.post(messages(), "{'role':'user','content':'other'}", "Idempotency-Key", key)
        .problem(422, "key-reused", null);
    mine.post(session() + "/lock", "{'ttlSeconds':5}").problem(429, "rate-limited", null);
    Reply told = mine.get("/v1/limits").is(200);
    assertThat(told.text("subject")).isEqualTo("user:" + user());
    JsonNode requests = told.json().path("limits").get(0);
    assertThat(requests.path("name").asString()).isEqualTo("requests");
    assertThat(requests.path("limit").asInt()).isEqualTo(12);
    assertThat(requests.path("remaining").asInt()).isBetween(0, 11);
    assertThat(requests.path("resetSeconds").asInt()).isBetween(1, 60);
    JsonNode writes = told.json().path("limits").get(1);
    assertThat(writes.path("kind").asString()).isEqualTo("writes");
    assertThat(writes.path("limit").asInt()).isEqualTo(3);
    assertThat(mine.get(session()).is(200).position()).isEqualTo(before);

    // Another user has their own.
    limited.with("Heddle-User", "other " + user()).get("/v1/limits").is(200);
    for (int i = 0; i < 12; i++) {
      mine.get(session());
    }
    mine.get(session()).problem(429, "rate-limited", null);
  }

  @Test
  default void limitsOfTokensAreTold() {
    Map<String, String> rules =
        Map.of(
            "heddle.limits.rules.requests.kind", "requests",
            "heddle.limits.rules.requests.limit", "1000",
            "heddle.limits.rules.tokens.kind", "tokens",
            "heddle.limits.rules.tokens.limit", "5000");
    Http limited = http(rules).with("Heddle-User", user());
    TokenLimits tokens = server(rules).bean(TokenLimits.class);
    Caller caller = new Caller(Tenant.DEFAULT, user(), user(), false);
    TokenReservation held = tokens.reserve(caller, 1200).block();
    for (int i = 0; i < 2; i++) {
      Reply told = limited.get("/v1/limits").is(200);
      JsonNode rule =
          told.json()
              .path("limits")
              .valueStream()
              .filter(one -> one.path("name").asString().equals("tokens"))
              .findFirst()
              .orElseThrow();
      assertThat(rule.path("kind").asString()).isEqualTo("tokens");
      assertThat(rule.path("limit").asInt()).isEqualTo(5000);
      assertThat(rule.path("remaining").asInt()).isEqualTo(3800);
      assertThat(rule.path("resetSeconds").asInt()).isBetween(1, 60);
      assertThat(told.header("RateLimit")).contains("requests").doesNotContain("tokens");
    }
    tokens.settle(held, 200).block();
    assertThat(limited.get("/v1/limits").is(200).body()).contains("\"remaining\":4800");
  }
}
