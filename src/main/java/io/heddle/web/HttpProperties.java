package io.heddle.web;

import java.time.Duration;
import java.util.List;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * Connections to this server.
 *
 * @param headTimeout How long the request line and headers may take: for the first request from the
 *     connect, for later ones from their first byte.
 * @param idleTimeout How long a connection may wait for its next request. Keep it above the idle
 *     timeout of your load balancer.
 * @param writeTimeout How long a write may wait for the client to take any of it.
 * @param tlsHandshakeTimeout How long a TLS handshake may take.
 * @param maxConnections Connections of this server. Fewer when the process may not open that many
 *     files.
 * @param maxConnectionsPerAddress Connections from one address. 0: half of {@code max-connections}.
 *     Trusted proxies have no bound of their own.
 * @param trustedProxies Addresses and networks ({@code 10.0.0.0/8}) of the proxies in front. For
 *     requests from them, {@code X-Forwarded-For} or {@code Forwarded} names the client.
 */
@ConfigurationProperties("heddle.http")
public record HttpProperties(
    @DefaultValue("10s") Duration headTimeout,
    @DefaultValue("75s") Duration idleTimeout,
    @DefaultValue("30s") Duration writeTimeout,
    @DefaultValue("10s") Duration tlsHandshakeTimeout,
    @DefaultValue("30000") int maxConnections,
    @DefaultValue("0") int maxConnectionsPerAddress,
    @DefaultValue List<String> trustedProxies) {

  private static final Duration LONGEST = Duration.ofDays(1);

  public HttpProperties {
    trustedProxies = List.copyOf(trustedProxies);
    check(sound(headTimeout), "head-timeout", "100ms to 1d");
    check(sound(idleTimeout), "idle-timeout", "100ms to 1d");
    check(sound(writeTimeout), "write-timeout", "100ms to 1d");
    check(sound(tlsHandshakeTimeout), "tls-handshake-timeout", "100ms to 1d");
    check(maxConnections >= 1, "max-connections", "1 or more");
    check(maxConnectionsPerAddress >= 0, "max-connections-per-address", "0 or more");
    for (String proxy : trustedProxies) {
      check(Network.isNetwork(proxy), "trusted-proxies", "IP addresses and networks, 10.0.0.0/8");
    }
  }

  private static boolean sound(Duration value) {
    return value.toMillis() >= 100 && value.compareTo(LONGEST) <= 0;
  }

  private static void check(boolean good, String name, String allowed) {
    if (!good) {
      throw new IllegalArgumentException("heddle.http." + name + " must be " + allowed);
    }
  }
}
