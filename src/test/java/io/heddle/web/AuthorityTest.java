package io.heddle.web;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AuthorityTest {

  private final Hosts hosts =
      new Hosts(new HostProperties(List.of("Heddle.Example.", "a_b.svc")).hosts());

  @ParameterizedTest
  @ValueSource(
      strings = {
        "localhost",
        "LOCALHOST",
        "localhost.",
        "localhost:8080",
        "localhost:",
        "a.b.localhost:1",
        "127.0.0.1",
        "127.0.0.1:65535",
        "10.1.2.3:80",
        "[::1]",
        "[::1]:8080",
        "[2001:DB8::1]",
        "[::ffff:127.0.0.1]",
        "heddle.example",
        "HEDDLE.EXAMPLE:443",
        "heddle.example.",
        "a_b.svc",
      })
  void namesOfThisServerPass(String text) {
    Authority authority = Authority.parse(text);
    assertThat(authority).isNotNull();
    assertThat(hosts.refusal(authority)).isNull();
  }

  /** Browsers send an address in its one form, so anything else is a name. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "evil.example",
        "localhost.evil.example",
        "evil-localhost",
        "heddle.example.evil",
        "x.heddle.example",
        "127.0.0.1.evil.example",
        "2130706433",
        "127.1",
        "0x7f.0.0.1",
        "0177.0.0.1.x",
      })
  void otherNamesAreMisdirected(String text) {
    Authority authority = Authority.parse(text);
    assertThat(authority).isNotNull();
    assertThat(hosts.refusal(authority)).isNotNull();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        ":80",
        ".",
        "..",
        ".localhost",
        "a..b",
        "localhost..",
        "a b",
        "a,b",
        "a/b",
        "a%62",
        "é",
        "user@localhost",
        "localhost:80:80",
        "localhost:x",
        "localhost:-1",
        "localhost:65536",
        "localhost:000080",
        "[::1",
        "::1",
        "[::1]x",
        "[::1%25lo]",
        "[v1.x]",
        "[localhost]",
        "[]",
      })
  void whatIsNoHostIsNone(String text) {
    assertThat(Authority.parse(text)).isNull();
  }

  @ParameterizedTest
  @CsvSource({
    "http://localhost:8080, localhost:8080, true",
    "HTTP://LOCALHOST:8080, localhost:8080, true",
    "http://localhost, localhost:80, true",
    "http://localhost:80, localhost, true",
    "http://localhost, localhost:8080, false",
    "https://localhost:8080, localhost:8080, false",
    "http://localhost.evil, localhost, false",
    "http://127.0.0.1:8080, localhost:8080, false",
    "null, localhost:8080, false",
    "http://, localhost, false",
    "localhost:8080, localhost:8080, false",
    "http://localhost:8080/, localhost:8080, false",
  })
  void onesOwnOriginHasSchemeHostAndPort(String origin, String host, boolean own) {
    assertThat(Origins.isOwn(origin, "http", Authority.parse(host))).isEqualTo(own);
  }

  @ParameterizedTest
  @CsvSource({
    "https://chat.example, https://chat.example, true",
    "https://chat.example/, https://chat.example:443, true",
    "https://Chat.Example, https://chat.example, true",
    "https://chat.example, http://chat.example, false",
    "https://chat.example, https://chat.example:8443, false",
    "https://chat.example, https://x.chat.example, false",
    "https://chat.example, null, false",
    "*, https://anything.example, true",
    "*, null, false",
    "null, null, true",
  })
  void othersAreThoseOfTheSetting(String setting, String origin, boolean allowed) {
    assertThat(new Origins(List.of(setting)).names(origin)).isEqualTo(allowed);
  }
}
