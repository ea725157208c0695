package io.heddle.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.http.HttpMethod;
import tools.jackson.databind.JsonNode;

/** What is JSON, and how much of it, is the same on every wire. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class JsonLimitsIT {

  private Application server;
  private Http http;

  @BeforeAll
  void start() {
    Map<String, String> settings = new HashMap<>();
    settings.put("heddle.engine", "embedded");
    settings.put("heddle.embedded.path", "");
    settings.put("heddle.limits.enabled", "false");
    server = Application.start(settings);
    http = new Http(server.port());
    http.put("/v1/sessions/json", "{}").is(201);
  }

  @AfterAll
  void stop() {
    server.close();
  }

  /** Values of metadata that no wire takes, and words of the refusal. */
  static List<String[]> refused() {
    List<String[]> all = new ArrayList<>();
    all.add(new String[] {"[".repeat(70) + "]".repeat(70), "nested deeper than 64 levels"});
    all.add(
        new String[] {"{'a':".repeat(70) + "1" + "}".repeat(70), "nested deeper than 64 levels"});
    all.add(new String[] {"1".repeat(1_001), "too long"});
    all.add(new String[] {"0." + "1".repeat(1_001), "too long"});
    all.add(new String[] {"{'" + "n".repeat(60_000) + "':1}", "too long"});
    for (String broken :
        List.of(
            "01",
            "+1",
            ".5",
            "1.",
            "1e",
            "NaN",
            "Infinity",
            "tru",
            "'a",
            "'\\x'",
            "{a:1}",
            "[1,]",
            "{'a':1,}",
            "'\n'",
            "/**/1",
            "1/**/",
            "1//",
            "[1 /*x*/]",
            "#1",
            "1 2",
            "{'a' 1}",
            "[",
            "'\\ud8'")) {
      all.add(new String[] {broken, ""});
    }
    return all;
  }

  @ParameterizedTest
  @MethodSource("refused")
  void noWireTakesIt(String value, String words) {
    for (String call :
        List.of(
            "POST /v1/sessions",
            "PATCH /v1/sessions/json",
            "PUT /v1/sessions/json/state",
            "POST /openai/v1/conversations",
            "POST /openai/v1/responses",
            "POST /openai/v1/chat/completions")) {
      String[] parts = call.split(" ", 2);
      Http.Reply reply =
          http.send(HttpMethod.valueOf(parts[0]), parts[1], "{'metadata':{'k':" + value + "}}");
      assertThat(reply.status()).as(call + reply.body()).isEqualTo(400);
      assertThat(detail(call, reply.json())).contains(words);
      plain(reply.body());
    }
  }

  private static String detail(String call, JsonNode body) {
    if (!call.contains("/openai/")) {
      assertThat(body.path("code").asString()).isEqualTo("invalid-json");
      return body.path("detail").asString();
    }
    assertThat(body.at("/error/code").asString()).isEqualTo("invalid_json");
    return body.at("/error/message").asString();
  }

  /** Nothing of the library that reads it. */
  private static void plain(String body) {
    assertThat(body)
        .doesNotContain(
            "StreamRead", "JsonRead", "getMax", "()", "`", "Source", "REDACTED", "jackson")
        // Comments were refused by the name of a setting of the library's.
        .doesNotContainPattern("[A-Z]+_[A-Z]+")
        .doesNotContain("Feature", "parser");
  }

  @Test
  void onlyUtf8IsRead() {
    for (String charset :
        List.of("UTF-16", "UTF-16LE", "UTF-16BE", "UTF-32", "UTF-32LE", "UTF-32BE")) {
      byte[] body = "{\"metadata\":{}}".getBytes(Charset.forName(charset));
      for (String path : List.of("/v1/sessions", "/openai/v1/conversations")) {
        Http.Reply reply = http.bytes(HttpMethod.POST, path, body);
        assertThat(reply.status()).as(charset + path).isEqualTo(400);
        assertThat(detail(path, reply.json())).contains("not UTF-8");
      }
    }
    byte[] marked = "\ufeff{\"metadata\":{}}".getBytes(StandardCharsets.UTF_8);
    assertThat(http.bytes(HttpMethod.POST, "/v1/sessions", marked).status()).isEqualTo(201);
    assertThat(http.bytes(HttpMethod.POST, "/openai/v1/conversations", marked).status())
        .isEqualTo(200);
  }

  /** Whoever has names that collide is refused, and nobody else feels it. */
  @Test
  void collidingNamesAreTheirSendersOnly() {
    // Names of four bytes that differ in ways the table's hash does not see are many among these.
    StringBuilder members = new StringBuilder("{");
    for (int i = 0; i < 20_000; i++) {
      members
          .append(i == 0 ? "" : ",")
          .append('"')
          .append(Integer.toString(i * 4096 + 7, 36))
          .append("\":1");
    }
    byte[] body = members.append('}').toString().getBytes(StandardCharsets.UTF_8);
    Consumer<Integer> ordinary =
        i -> {
          http.put("/v1/sessions/json/state", "{'name" + i + "':{'other" + i + "':1}}").is(200);
          http.post("/openai/v1/conversations", "{'metadata':{'k" + i + "':'v'}}").is(200);
        };
    for (int i = 0; i < 20; i++) {
      assertThat(http.bytes(HttpMethod.PUT, "/v1/sessions/json/state", body).status())
          .isIn(200, 400);
      ordinary.accept(i);
    }
  }

  /** 60.0 is 60. */
  @Test
  void wholeNumbersAreWholeHoweverTheyAreWritten() {
    for (String sixty : List.of("60", "60.0", "6e1", "6.0E+1", "600e-1")) {
      Http.Reply made = http.post("/v1/sessions", "{'ttlSeconds':" + sixty + "}").is(201);
      assertThat(made.json().path("ttlSeconds").asInt()).isEqualTo(60);
      http.patch("/v1/sessions/" + made.text("id"), "{'ttlSeconds':" + sixty + "}").is(200);
      http.post("/v1/sessions/" + made.text("id") + "/lock", "{'ttlSeconds':" + sixty + "}")
          .is(200);
      http.post(
              "/openai/v1/responses",
              "{'model':'echo','input':'x','max_output_tokens':" + sixty + "}")
          .is(200);
    }
    for (String other : List.of("60.5", "1e-1", "1e999999999", "1e99999999999999")) {
      http.post("/v1/sessions", "{'ttlSeconds':" + other + "}")
          .problem(400, "invalid-request", "ttlSeconds");
    }
  }
}
