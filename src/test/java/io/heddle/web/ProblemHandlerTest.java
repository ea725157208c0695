package io.heddle.web;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import java.util.List;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.springframework.core.io.buffer.DataBufferLimitException;
import org.springframework.http.HttpMethod;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.mock.http.server.reactive.MockServerHttpRequest;
import org.springframework.mock.http.server.reactive.MockServerHttpResponse;
import org.springframework.mock.web.server.MockServerWebExchange;
import org.springframework.web.server.MethodNotAllowedException;
import org.springframework.web.server.NotAcceptableStatusException;
import org.springframework.web.server.ResponseStatusException;
import org.springframework.web.server.UnsupportedMediaTypeStatusException;
import reactor.test.StepVerifier;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class ProblemHandlerTest {

  @Test
  void expectedProblemsAreWrittenAsTheyAre() {
    MockServerHttpResponse answer =
        answer(
            HttpMethod.POST,
            Problem.of(ProblemCode.SESSION_LOCKED, "later \"please\" \ud800")
                .with("retryAfter", 3)
                .with("expiresAt", "2026-11-20T00:00:00.000Z")
                .with("flag", true)
                .toException());
    assertThat(answer.getStatusCode()).isEqualTo(HttpStatus.LOCKED);
    assertThat(answer.getHeaders().getFirst("Retry-After")).isEqualTo("3");
    assertThat(answer.getHeaders().getContentType()).isEqualTo(MediaType.APPLICATION_PROBLEM_JSON);
    JsonNode json = json(answer);
    assertThat(json.path("type").asString()).isEqualTo("urn:heddle:problem:session-locked");
    assertThat(json.path("title").asString()).isEqualTo(ProblemCode.SESSION_LOCKED.title());
    assertThat(json.path("detail").asString()).isEqualTo("later \"please\" \ufffd");
    assertThat(json.path("retryAfter").asInt()).isEqualTo(3);
    assertThat(json.path("flag").asBoolean()).isTrue();
  }

  @Test
  void theServersOwnRefusalsAreProblems() {
    is(new ResponseStatusException(HttpStatus.NOT_FOUND), 404, "not-found");
    is(new NotAcceptableStatusException(List.of()), 406, "not-acceptable");
    is(new UnsupportedMediaTypeStatusException("x"), 415, "unsupported-media-type");
    is(new DataBufferLimitException("x"), 413, "body-too-large");
    is(new ResponseStatusException(HttpStatus.BAD_REQUEST), 400, "invalid-request");
    is(new ResponseStatusException(HttpStatus.BAD_GATEWAY), 500, "internal");
  }

  @Test
  void otherMethodsAreAllowed() {
    MockServerHttpResponse answer =
        answer(
            HttpMethod.PUT,
            new MethodNotAllowedException(
                HttpMethod.PUT, List.of(HttpMethod.POST, HttpMethod.GET)));
    assertThat(answer.getStatusCode()).isEqualTo(HttpStatus.METHOD_NOT_ALLOWED);
    assertThat(answer.getHeaders().getFirst("Allow")).isEqualTo("GET, POST");
  }

  @Test
  void aTimeoutIsToldByWhatItMayHaveDone() {
    MockServerHttpResponse read = answer(HttpMethod.GET, new TimeoutException());
    assertThat(json(read).path("code").asString()).isEqualTo("store-unavailable");
    assertThat(read.getHeaders().getFirst("Retry-After")).isEqualTo("1");
    MockServerHttpResponse write = answer(HttpMethod.POST, new TimeoutException());
    assertThat(json(write).path("code").asString()).isEqualTo("outcome-unknown");
  }

  @Test
  void whatNobodyExpectedIsNotTold() {
    MockServerHttpResponse answer =
        answer(HttpMethod.GET, new IllegalStateException("password=secret"));
    assertThat(answer.getStatusCode()).isEqualTo(HttpStatus.INTERNAL_SERVER_ERROR);
    JsonNode json = json(answer);
    assertThat(json.path("code").asString()).isEqualTo("internal");
    assertThat(json.path("requestId").asString()).isNotBlank();
    assertThat(json.toString()).doesNotContain("secret", "IllegalState");
  }

  private static void is(Throwable error, int status, String code) {
    MockServerHttpResponse answer = answer(HttpMethod.GET, error);
    assertThat(answer.getStatusCode().value()).isEqualTo(status);
    assertThat(json(answer).path("code").asString()).isEqualTo(code);
  }

  private static MockServerHttpResponse answer(HttpMethod method, Throwable error) {
    MockServerWebExchange exchange =
        MockServerWebExchange.from(MockServerHttpRequest.method(method, "/v1/x"));
    StepVerifier.create(new ProblemHandler().handle(exchange, error)).verifyComplete();
    return exchange.getResponse();
  }

  private static JsonNode json(MockServerHttpResponse answer) {
    return new JsonMapper().readTree(answer.getBodyAsString().block());
  }
}
