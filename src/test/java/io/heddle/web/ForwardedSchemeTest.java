package io.heddle.web;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.mock.http.server.reactive.MockServerHttpRequest;

/** The scheme of one's own origin is what a trusted proxy tells, and what nobody else does. */
class ForwardedSchemeTest {

  @ParameterizedTest
  @CsvSource(
      nullValues = "-",
      value = {
        "10.1.2.3, https, -, https",
        "10.1.2.3, HTTPS, -, https",
        "10.1.2.3, http, -, http",
        "10.1.2.3, 'http, https', -, https",
        "10.1.2.3, gopher, -, http",
        "10.1.2.3, -, 'for=203.0.113.9;proto=https', https",
        "10.1.2.3, -, 'proto=\"https\";for=203.0.113.9', https",
        "10.1.2.3, -, -, http",
        "198.51.100.1, https, -, http",
        "198.51.100.1, -, 'for=203.0.113.9;proto=https', http",
      })
  void onlyAProxyTellsIt(
      String peer, @Nullable String proto, @Nullable String forwarded, String scheme)
      throws UnknownHostException {
    MockServerHttpRequest.BaseBuilder<?> builder =
        MockServerHttpRequest.get("/v1/sessions")
            .remoteAddress(new InetSocketAddress(InetAddress.getByName(peer), 5000));
    if (proto != null) {
      builder.header("X-Forwarded-Proto", proto);
    }
    if (forwarded != null) {
      builder.header("Forwarded", forwarded);
    }
    assertThat(
            TrustedProxies.scheme(new TrustedProxies(List.of("10.0.0.0/8")).apply(builder.build())))
        .isEqualTo(scheme);
  }
}
