package io.heddle.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.api.Http.Reply;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.http.HttpMethod;

/** Paths and methods, and request lines that are none. */
interface PathHttpContract extends HttpCalls {

  @Test
  default void pathsWithoutACallAreNotFound() {
    for (String path :
        List.of(
            "/v1",
            "/v1/",
            "/v1/nothing",
            "/v1/sessions/",
            "/v1/cache",
            "/v1/cache/",
            "/v1/cache/k/x",
            "/v1/stats",
            "/nothing",
            session() + "/export",
            messages() + "/m1/x",
            session() + "/")) {
      http().get(path).problem(404, "not-found", null);
    }
  }

  @Test
  default void otherMethodsAreToldWhichAreTaken() {
    Reply refused = http().send(HttpMethod.PUT, messages(), "{}");
    refused.problem(405, "method-not-allowed", null);
    assertThat(refused.header("Allow")).isEqualTo("DELETE, GET, HEAD, POST");
    http().delete("/v1/sessions").problem(405, "method-not-allowed", null);
    http().post("/v1/limits", "{}").problem(405, "method-not-allowed", null);
  }

  @TestFactory
  default List<DynamicTest> badIdsInPaths() {
    List<DynamicTest> tests = new ArrayList<>();
    for (String bad :
        List.of(
            "a%7Bb%7D",
            "a%20b",
            "a+b",
            "a%2Fb",
            "a%2fb",
            "%2E",
            "%2e%2e",
            "..%2f..",
            "x".repeat(129),
            "a;b",
            "a%3Bb",
            "%00",
            "a%0Ab",
            "%C3%A9",
            "a%25b",
            "a,b",
            "a=b",
            "~",
            "%F0%9F%98%80",
            "%FF")) {
      for (String call :
          List.of(
              "GET ",
              "PUT ",
              "PATCH ",
              "DELETE ",
              "GET /messages",
              "POST /messages",
              "DELETE /messages",
              "POST /fork",
              "GET /state",
              "PUT /state",
              "POST /lock")) {
        String path = "/v1/sessions/" + bad + call.substring(call.indexOf(' ') + 1);
        HttpMethod method = HttpMethod.valueOf(call.substring(0, call.indexOf(' ')));
        tests.add(
            DynamicTest.dynamicTest(
                method + " " + path,
                () -> {
                  boolean body =
                      method == HttpMethod.POST
                          || method == HttpMethod.PUT
                          || method == HttpMethod.PATCH;
                  http()
                      .send(method, path, body ? "{}" : null)
                      .problem(400, "invalid-request", "id");
                }));
      }
    }
    return tests;
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      quoteCharacter = '`',
      textBlock =
          """
          GET /v1/sessions/..                 ~ 400 ~ id
          GET /v1/sessions/.                  ~ 400 ~ id
          GET /v1/sessions/../messages        ~ 400 ~ id
          GET /v1/sessions//messages          ~ 400 ~ id
          GET /v1/sessions/a{b}               ~ 400 ~ id
          GET /v1/sessions/a|b                ~ 400 ~ id
          GET /v1/sessions/a\\b               ~ 400 ~ id
          GET /v1/sessions/a%zzb              ~ 400 ~ id
          GET /v1/sessions/a%                 ~ 400 ~ id
          GET /v1/sessions/a"b                ~ 400 ~ id
          GET /v1/sessions/x/messages/a{b}    ~ 400 ~ messageId
          GET /v1/sessions/x/messages/..      ~ 400 ~ messageId
          GET /v1/sessions/x/checkpoints/..   ~ 400 ~ checkpointId
          GET /v1/sessions?user={x}&user=y    ~ 400 ~ user
          GET /v1/sessions?user=%zz           ~ 200 ~
          GET /v1/sessions?status=[x]         ~ 400 ~ status
          """)
  default void pathsThatNoUriMayHave(String line, int status, @Nullable String field)
      throws IOException {
    String answer = http().raw(line + " HTTP/1.1\r\nHost: localhost\r\n\r\n", 1);
    assertThat(answer).startsWith("HTTP/1.1 " + status + " ");
    if (field != null) {
      assertThat(answer)
          .contains("application/problem+json")
          .contains("\"code\":\"invalid-request\"")
          .contains("\"field\":\"" + field + "\"");
    }
  }

  @Test
  default void brokenRequestLinesAndHeadersGetAProblem() throws IOException {
    for (String request :
        List.of(
            "GET /v1/sessions/a b HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "GET /v1/" + "x".repeat(20_000) + " HTTP/1.1\r\nHost: localhost\r\n\r\n")) {
      assertThat(http().raw(request, 1))
          .startsWith("HTTP/1.1 4")
          .contains("application/problem+json", "\"code\":\"");
    }
  }
}
