package io.heddle.web;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.mock.http.server.reactive.MockServerHttpRequest;

class TrustedProxiesTest {

  private final TrustedProxies proxies =
      new TrustedProxies(List.of("10.0.0.0/8", "192.0.2.7", "2001:db8:ffff::/48"));

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      nullValues = "-",
      value = {
        // peer | X-Forwarded-For | Forwarded | client
        "198.51.100.1 | -                                  | -                              |"
            + " 198.51.100.1",
        // Nobody believes a peer that is no proxy of ours.
        "198.51.100.1 | 203.0.113.9                        | for=203.0.113.9                |"
            + " 198.51.100.1",
        "192.0.2.8    | 203.0.113.9                        | -                              |"
            + " 192.0.2.8",
        "10.1.2.3     | 203.0.113.9                        | -                              |"
            + " 203.0.113.9",
        "192.0.2.7    | 203.0.113.9:4711                   | -                              |"
            + " 203.0.113.9",
        // The client wrote the left of it.
        "10.1.2.3     | 127.0.0.1, 203.0.113.9             | -                              |"
            + " 203.0.113.9",
        "10.1.2.3     | 127.0.0.1, 203.0.113.9, 10.9.9.9   | -                              |"
            + " 203.0.113.9",
        "10.1.2.3     | ' 203.0.113.9 ,, 10.9.9.9 '        | -                              |"
            + " 203.0.113.9",
        "10.1.2.3     | -                                  | for=203.0.113.9;proto=https    |"
            + " 203.0.113.9",
        "10.1.2.3     | -                                  | For=\"203.0.113.9:80\"         |"
            + " 203.0.113.9",
        "10.1.2.3     | -                                  | proto=http; FOR=203.0.113.9 ,"
            + " for=10.4.4.4 | 203.0.113.9",
        "10.1.2.3     | -                                  | for=\"[2001:db8:1:2:3::4]:80\" |"
            + " 2001:db8:1:2::/64",
        "10.1.2.3     | 2001:db8:1:2:ffff::9               | -                              |"
            + " 2001:db8:1:2::/64",
        "10.1.2.3     | 2001:db8:1:2:ffff::9, 2001:db8:ffff::1 | -                          |"
            + " 2001:db8:1:2::/64",
        "10.1.2.3     | 203.0.113.9                        | for=203.0.113.9                |"
            + " 203.0.113.9",
        // Nothing that can be read: the proxy itself, which has no share of its own.
        "10.1.2.3     | -                                  | -                              | -",
        "10.1.2.3     | unknown                            | -                              | -",
        "10.1.2.3     | '203.0.113.9, garbage'             | -                              | -",
        "10.1.2.3     | -                                  | for=_hidden                    | -",
        "10.1.2.3     | -                                  | for=203.0.113.9, proto=https   | -",
        "10.1.2.3     | '10.1.1.1, 10.2.2.2'               | -                              | -",
        "10.1.2.3     | localhost                          | -                              | -",
      })
  void theClientIsTheFirstFromTheRightThatIsNoProxy(
      String peer, @Nullable String list, @Nullable String standard, @Nullable String client)
      throws UnknownHostException {
    assertThat(TrustedProxies.client(proxies.apply(request(peer, list, standard))))
        .isEqualTo(client);
  }

  /** One of the two was passed on as the client wrote it, and nobody knows which. */
  @Test
  void twoHeadersThatDisagreeAreRefused() throws UnknownHostException {
    ServerHttpRequest request = request("10.1.2.3", "203.0.113.9", "for=198.51.100.2");

    assertThatThrownBy(() -> proxies.apply(request)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aClientWithAllOfANetworkOfIpv6IsOneClient() throws UnknownHostException {
    assertThat(TrustedProxies.client(request("2001:db8:1:2:aaaa::1", null, null)))
        .isEqualTo(TrustedProxies.client(request("2001:db8:1:2:bbbb::1", null, null)))
        .isNotEqualTo(TrustedProxies.client(request("2001:db8:1:3:aaaa::1", null, null)));
  }

  @ParameterizedTest
  @CsvSource({
    "10.0.0.0/8, 10.255.1.2, true",
    "10.0.0.0/8, 11.0.0.0, false",
    "10.32.0.0/11, 10.63.255.255, true",
    "10.32.0.0/11, 10.64.0.0, false",
    "0.0.0.0/0, 1.2.3.4, true",
    "0.0.0.0/0, ::1, false",
    "::1, ::1, true",
    "2001:db8::/33, 2001:db8:7fff::1, true",
    "2001:db8::/33, 2001:db8:8000::1, false",
    "192.0.2.7, ::ffff:192.0.2.7, true",
  })
  void aNetworkHasTheAddressesOfItsBits(String network, String address, boolean contained) {
    assertThat(Network.parse(network).contains(Network.address(address))).isEqualTo(contained);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "localhost", "10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.0/-1", "fe80::1%1"})
  void whatIsNoNetworkIsNotTakenForOne(String text) {
    assertThat(Network.isNetwork(text)).isFalse();
  }

  private static ServerHttpRequest request(
      String peer, @Nullable String list, @Nullable String standard) throws UnknownHostException {
    MockServerHttpRequest.BaseBuilder<?> builder =
        MockServerHttpRequest.get("/v1/sessions")
            .remoteAddress(new InetSocketAddress(InetAddress.getByName(peer), 5000));
    if (list != null) {
      builder.header("X-Forwarded-For", list);
    }
    if (standard != null) {
      builder.header("Forwarded", standard);
    }
    return builder.build();
  }
}
