package io.heddle.web;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.net.URI;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RequestTargetTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      quoteCharacter = '!',
      textBlock =
          """
          /                                 ~ /
          /v1/sessions/a                    ~ /v1/sessions/a
          /v1/sessions/a/                   ~ /v1/sessions/a/
          /v1/sessions/a%3Ab%40c%7Ed        ~ /v1/sessions/a%3Ab%40c%7Ed
          /v1/x?a=b&c=%20+d                 ~ /v1/x?a=b&c=%20+d
          /v1/x?us%65r=b&%2e%2e=..          ~ /v1/x?us%65r=b&%2e%2e=..
          /v1/x?a=//..;%00\\                ~ /v1/x?a=//..;%00%5C
          /v1/x?a=%zz%4&b                   ~ /v1/x?a=%25zz%254&b
          /a{b}                             ~ /a%7Bb%7D
          /a|b^c"e<f>[g]`                   ~ /a%7Cb%5Ec%22e%3Cf%3E%5Bg%5D`
          /a#b                              ~ /a%23b
          /.../.a/a.                        ~ /.../.a/a.
          /v1/cache/a%2Fb%5C%3B%25%3F       ~ /v1/cache/a%2Fb%5C%3B%25%3F
          /openai/v1/models/meta%2Fllama    ~ /openai/v1/models/meta%2Fllama
          http://localhost                  ~ /
          HTTP://localhost?a=b              ~ /?a=b
          https://localhost:1/a{b}          ~ /a%7Bb%7D
          """)
  void aTargetHasOneSpelling(String target, String sound) {
    String wanted = sound.replace("`", "%60");
    assertThat(RequestTarget.of("GET", target))
        .isInstanceOfSatisfying(
            RequestTarget.Path.class, path -> assertThat(path.text()).isEqualTo(wanted));
    assertThatCode(() -> URI.create("http://x" + wanted)).doesNotThrowAnyException();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/%76%31/sessions",
        "/v1/%73essions",
        "/v1/sessions/%41",
        "/v1/sessions/%39",
        "/v1/sessions/%2D",
        "/v1/sessions/%2e",
        "/v1/sessions/%5F",
        "/v1%2Fsessions",
        "/v1%2fsessions",
        "/v1/sessions/a%2Fb",
        "/v1/sessions/a%5Cb",
        "/v1/sessions/a%5cb",
        "/v1/sessions/a\\b",
        "/v1/sessions/a%00",
        "/v1/sessions/a%1f",
        "/v1/sessions/a%7F",
        "/v1/sessions/a;b",
        "/v1;x/sessions",
        "/v1//sessions",
        "//v1/sessions",
        "/v1/sessions//",
        "/v1/./sessions",
        "/v1/../v1/sessions",
        "/v1/sessions/.",
        "/v1/sessions/..",
        "/..?a",
        "/v1/sessions/%",
        "/v1/sessions/%4",
        "/v1/sessions/%zz",
        "/v1/cache/%61",
        "/v1/cache/%2e%2e",
        "/v1/cache/..",
        "/v1/cache/a;b",
        "/v1/cache/a/%2F",
        "/v1/cachex/%2F",
        "/v1/%63ache/%2F",
        "/openai/v1/models/a//b",
        "/v1/x?%zz=1",
        "/v1/x?a=1&b%=1",
        "*",
        "",
        "v1/sessions",
        "localhost:80",
        "ftp://localhost/",
        "http://",
        "http:///v1/x",
        "http://user@localhost/",
        "http://localhost/v1//x",
        "http://localhost/%76%31/x",
      })
  void whatOthersMayReadInAnotherWayIsRefused(String target) {
    assertThat(RequestTarget.of("GET", target)).isInstanceOf(RequestTarget.Refused.class);
  }

  /** Every character that needs no encoding, and no other but controls and slashes. */
  @Test
  void exactlyTheUnreservedMustStandForThemselves() {
    for (int c = 0x20; c < 0x7f; c++) {
      String target = String.format("/v1/sessions/a%%%02X", c);
      boolean refused = RequestTarget.of("GET", target) instanceof RequestTarget.Refused;
      boolean expected = Character.isLetterOrDigit(c) || "-._/\\".indexOf(c) >= 0;
      assertThat(refused).as(target).isEqualTo(expected);
    }
  }

  @Test
  void theServerIsAskedOnlyByOptions() {
    assertThat(RequestTarget.of("OPTIONS", "*")).isEqualTo(new RequestTarget.Server(null));
    assertThat(RequestTarget.of("OPTIONS", "http://localhost:1"))
        .isEqualTo(new RequestTarget.Server("localhost:1"));
  }

  @Test
  void bytesAboveAsciiAreEncodedEach() {
    assertThat(RequestTarget.of("GET", "/\u00c3\u00a9"))
        .isEqualTo(new RequestTarget.Path("/%C3%A9", null));
  }

  @Test
  void theSegmentIsNamed() {
    PathNames names =
        new PathNames(
            java.util.List.of("/v1/sessions/{id}", "/v1/sessions/{id}/messages/{messageId}"));
    assertThat(names.of("/v1/sessions/..", 2)).isEqualTo("id");
    assertThat(names.of("/v1/sessions//messages?x", 2)).isEqualTo("id");
    assertThat(names.of("/v1/sessions/x/messages/..", 4)).isEqualTo("messageId");
    assertThat(names.of("/v1/%73essions/x", 1)).isEqualTo("path");
    assertThat(names.of("/v1/cache/..", 2)).isEqualTo("path");
  }
}
