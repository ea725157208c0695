package io.heddle.upstream;

import static io.heddle.upstream.Calls.properties;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.heddle.turn.Upstream.Model;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class UpstreamPropertiesTest {

  private static ModelNames names(String... settings) {
    return new ModelNames(properties(settings));
  }

  @Test
  void anAddressIsEnough() {
    UpstreamProperties.Server server =
        properties("upstreams.local.base-url=http://localhost:11434").upstreams().get("local");

    assertThat(server.models()).isEmpty();
    assertThat(server.connectTimeout()).isEqualTo(Duration.ofSeconds(2));
    assertThat(server.firstTokenTimeout()).isEqualTo(Duration.ofMinutes(2));
    assertThat(server.maxRetries()).isEqualTo(2);
    assertThat(server.breaker().openFor()).isEqualTo(Duration.ofSeconds(10));
  }

  @ParameterizedTest
  @CsvSource({
    "http://localhost:11434, http://localhost:11434/v1/chat/completions",
    "http://localhost:11434/, http://localhost:11434/v1/chat/completions",
    "https://api.openai.com/v1, https://api.openai.com/v1/chat/completions",
    "https://api.openai.com/v1/, https://api.openai.com/v1/chat/completions",
    "https://h/openai/deployments/x?api-version=1, "
        + "https://h/openai/deployments/x/chat/completions?api-version=1",
    "http://[::1]:8000/v1, http://[::1]:8000/v1/chat/completions"
  })
  void anAddressWithoutAPathGetsTheUsualOne(String base, String endpoint) {
    assertThat(properties("upstreams.a.base-url=" + base).upstreams().get("a").endpoint("a"))
        .hasToString(endpoint);
  }

  @ParameterizedTest
  @CsvSource({
    "chat, https://h/v1/chat/completions",
    "responses, https://h/v1/responses",
    "'', https://h/v1/chat/completions"
  })
  void aKindHasItsOwnPath(String kind, String endpoint) {
    String[] settings = {"upstreams.a.base-url=https://h/v1", "upstreams.a.kind=" + kind};
    assertThat(properties(settings).upstreams().get("a").endpoint("a")).hasToString(endpoint);
  }

  @ParameterizedTest
  @CsvSource({
    "base-url, ''",
    "base-url, localhost:8000",
    "base-url, ftp://localhost",
    "base-url, http://user:password@localhost",
    "reasoning-summary, yes",
    "connect-timeout, 0s",
    "first-token-timeout, 2h",
    "between-tokens-timeout, -1s",
    "whole-timeout, 0ms",
    "pending-timeout, 2m",
    "max-idle, 0s",
    "max-connections, 0",
    "max-pending, 0",
    "max-tokens, 0",
    "max-retries, 11",
    "max-retry-wait, 2m",
    "max-event, 1B",
    "max-answer, 1GB",
    "breaker.window, 1ms",
    "breaker.minimum-calls, 0",
    "breaker.failure-rate, 101",
    "breaker.open-for, 0s",
    "breaker.trials, 0"
  })
  void aSettingOutOfItsBoundsIsRefusedByName(String name, String value) {
    assertThatThrownBy(() ->
            properties(
                "upstreams.a.base-url=http://localhost", "upstreams.a." + name + "=" + value))
        .rootCause()
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("heddle.upstreams.a." + name)
        .hasMessageNotContaining("password");
  }

  /** The server started without a word and sent the name of the variable as its key. */
  @ParameterizedTest
  @ValueSource(strings = {"api-key", "headers.x-key", "base-url"})
  void aVariableThatIsNotSetIsNamed(String setting) {
    assertThatThrownBy(() ->
            properties(
                "upstreams.a.base-url=http://localhost",
                "upstreams.a." + setting + "=${HEDDLE_NO_SUCH_KEY}"))
        .rootCause()
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("heddle.upstreams.a." + setting)
        .hasMessageContaining("HEDDLE_NO_SUCH_KEY");
  }

  @Test
  void contradictionsAreRefused() {
    assertThatThrownBy(() ->
            properties(
                "upstreams.a.base-url=http://localhost",
                "upstreams.a.api-key=k",
                "upstreams.a.api-key-file=/k"))
        .rootCause()
        .hasMessageContaining("both");
    assertThatThrownBy(() -> properties("upstreams.echo.base-url=http://localhost"))
        .rootCause()
        .hasMessageContaining("is not echo");
    assertThatThrownBy(() ->
            names(
                "upstreams.a.base-url=http://localhost", "upstreams.a.models=x", "default-model=y"))
        .hasMessageContaining("heddle.default-model")
        .hasMessageContaining("y");
    assertThatThrownBy(() ->
            names(
                "upstreams.a.base-url=http://localhost",
                "upstreams.a.models=x",
                "upstreams.a.fallback=y"))
        .hasMessageContaining("heddle.upstreams.a.fallback");
  }

  @Test
  void aWholeNameWinsOverAPatternAndEchoOverAll() {
    ModelNames names =
        names(
            "upstreams.any.base-url=http://localhost",
            "upstreams.any.models=*",
            "upstreams.one.base-url=http://localhost",
            "upstreams.one.models=gpt-5,gpt-*-mini,echo");

    assertThat(names.server("gpt-5")).isEqualTo("one");
    assertThat(names.server("echo")).isEqualTo("echo");
    assertThat(names.server("anything")).isEqualTo("any");
    assertThat(names.byDefault()).isEqualTo("gpt-5");
    assertThat(names.models())
        .containsExactly(new Model("echo", "echo"), new Model("gpt-5", "one"));
  }

  @Test
  void patternsMatchWholeNames() {
    ModelNames names =
        names("upstreams.a.base-url=http://localhost", "upstreams.a.models=gpt-*-mini,o3.*");

    assertThat(names.server("gpt-5-mini")).isEqualTo("a");
    assertThat(names.server("gpt--mini")).isEqualTo("a");
    assertThat(names.server("gpt-5-mini-2")).isNull();
    assertThat(names.server("o3.x")).isEqualTo("a");
    assertThat(names.server("o3x")).isNull();
    assertThat(names.byDefault()).isNull();
  }

  @Test
  void echoIsTheDefaultOnlyWhenItIsAllThereIs() {
    assertThat(names().byDefault()).isEqualTo("echo");
    assertThat(names("upstreams.a.base-url=http://localhost").byDefault()).isNull();
    assertThat(names("upstreams.a.base-url=http://localhost").server("whatever")).isEqualTo("a");
    assertThat(names("upstreams.a.base-url=http://localhost", "default-model=llama3").byDefault())
        .isEqualTo("llama3");
  }
}
