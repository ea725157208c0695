package io.heddle.openai;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.web.BytesResponse;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class WireErrorTest {

  private static final JsonMapper MAPPER = new JsonMapper();

  /** The schema requires all four keys, and SDKs repeat these statuses unless they are told. */
  @ParameterizedTest
  @EnumSource(ProblemCode.class)
  void everyProblemHasTheFormOfThisWire(ProblemCode code) {
    WireError error = WireError.of(Problem.field(code, "f", "what is \"wrong\""));
    JsonNode body = MAPPER.readTree(error.json().toString());
    assertThat(body.propertyNames()).containsExactly("error");
    assertThat(body.get("error").propertyNames())
        .containsExactly("message", "type", "param", "code");
    assertThat(body.at("/error/message").asString()).isNotBlank();
    assertThat(body.at("/error/type").isString()).isTrue();
    assertThat(error.status()).isBetween(400, 599);
    String repeat = error.answer().headers().getFirst("x-should-retry");
    boolean repeatedByDefault =
        error.status() == 408 || error.status() == 409 || error.status() >= 500;
    if (repeatedByDefault && !code.retryable()) {
      assertThat(repeat).isEqualTo("false");
    }
    if (code.retryable() && error.status() != 429) {
      assertThat(repeat).isEqualTo("true");
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = ProblemCode.class,
      names = {"TURN_RUNNING", "TURN_QUEUE_FULL", "TURN_QUEUE_TIMEOUT", "SESSION_LOCKED"})
  void aBusyConversationIsRepeatedQuietly(ProblemCode code) {
    BytesResponse answer = WireError.of(Problem.of(code, "x")).answer();
    assertThat(answer.statusCode().value()).isEqualTo(400);
    assertThat(answer.headers().getFirst("x-should-retry")).isEqualTo("true");
    assertThat(answer.headers().getFirst("retry-after-ms")).isEqualTo("800");
    assertThat(answer.headers().getFirst("Retry-After")).isEqualTo("1");
    assertThat(WireError.of(Problem.of(code, "x")).json().toString())
        .isEqualTo(
            "{\"error\":{\"message\":\"Another process is currently operating on this conversation."
                + " Please retry in a few seconds.\",\"type\":\"invalid_request_error\","
                + "\"param\":\"conversation\",\"code\":\"conversation_locked\"}}");
  }

  @Test
  void limitsSayOfWhatAndWhen() {
    Problem problem =
        Problem.of(ProblemCode.RATE_LIMITED, "the limit").with("retryAfter", 7).with("limit", 5);
    WireError requests = WireError.of(problem);
    assertThat(requests.status()).isEqualTo(429);
    assertThat(requests.type()).isEqualTo("requests");
    assertThat(requests.code()).isEqualTo("rate_limit_exceeded");
    assertThat(requests.message()).startsWith("Rate limit reached for requests");
    assertThat(requests.answer().headers().getFirst("Retry-After")).isEqualTo("7");
    assertThat(requests.answer().headers().getFirst("retry-after-ms")).isEqualTo("7000");
    assertThat(WireError.of(problem.with("requested", 9)).type()).isEqualTo("tokens");
  }

  /** Clients shorten the thread by this code, and by no other. */
  @Test
  void whatIsTooLongForTheModelIsToldByOpenAisCode() {
    Problem refused = Problem.of(ProblemCode.MODEL_REFUSED, "too long").with("upstreamStatus", 400);
    assertThat(WireError.of(refused.with("upstreamCode", "context_length_exceeded")).code())
        .isEqualTo("context_length_exceeded");
    assertThat(WireError.of(refused.with("upstreamCode", "invalid_value")).code())
        .isEqualTo("invalid_value");
    // Clients would wait and ask again.
    assertThat(WireError.of(refused.with("upstreamCode", "conversation_locked")).code())
        .isEqualTo("model_refused");
    assertThat(WireError.of(refused.with("upstreamStatus", 404)).status()).isEqualTo(400);
  }

  /** A glob sent it on, and there it was not known either. */
  @Test
  void aModelThatItsServerDoesNotKnowIsNotFound() {
    Problem refused = Problem.of(ProblemCode.MODEL_REFUSED, "no such model");
    WireError unknown = WireError.of(Problem.of(ProblemCode.MODEL_NOT_FOUND, "no such model"));
    for (Problem told :
        List.of(
            refused.with("upstreamStatus", 404).with("upstreamCode", "model_not_found"),
            refused.with("upstreamStatus", 400L).with("upstreamCode", "model_not_found"),
            refused.with("upstreamStatus", 404).with(WireError.PARAM, "model"))) {
      WireError error = WireError.of(told);
      assertThat(error.status()).isEqualTo(unknown.status());
      assertThat(error.code()).isEqualTo(unknown.code());
      assertThat(error.message()).isEqualTo(unknown.message());
    }
    assertThat(
            WireError.of(
                    refused.with("upstreamStatus", 500).with("upstreamCode", "model_not_found"))
                .status())
        .isEqualTo(502);
  }

  @Test
  void whatAModelFindsWrongIsTheCallersToMend() {
    Problem refused = Problem.of(ProblemCode.MODEL_REFUSED, "no such tool");
    assertThat(WireError.of(refused.with("upstreamStatus", 400)).status()).isEqualTo(400);
    // A key that the model's server does not know is not the caller's.
    assertThat(WireError.of(refused.with("upstreamStatus", 401)).status()).isEqualTo(502);
    assertThat(WireError.of(refused).status()).isEqualTo(502);
  }

  @Test
  void whatHasHadItsEffectIsNotRepeated() {
    Problem timeout = Problem.of(ProblemCode.MODEL_TIMEOUT, "late").with("retryAfter", 1);
    assertThat(WireError.of(timeout).repeat()).isTrue();
    assertThat(WireError.of(timeout).once().answer().headers().getFirst("x-should-retry"))
        .isEqualTo("false");
    assertThat(WireError.of(timeout).once().answer().headers().getFirst("retry-after-ms")).isNull();
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0s",
    "20, 20ms",
    "999, 999ms",
    "1000, 1s",
    "1500, 1.5s",
    "1050, 1.05s",
    "60000, 1m0s",
    "360000, 6m0s",
    "3600000, 1h0m0s",
    "5025007, 1h23m45.007s",
    "-5, 0s"
  })
  void durationsAreWrittenAsGoDoes(long millis, String text) {
    assertThat(RateHeaders.go(Duration.ofMillis(millis))).isEqualTo(text);
  }
}
