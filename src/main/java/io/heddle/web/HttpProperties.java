package io.heddle.web;

import io.heddle.base.Bounds;
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

  public HttpProperties {
    trustedProxies = List.copyOf(trustedProxies);
    Bounds.of("heddle.http")
        .within("head-timeout", headTimeout, "100ms", "1d")
        .within("idle-timeout", idleTimeout, "100ms", "1d")
        .within("write-timeout", writeTimeout, "100ms", "1d")
        .within("tls-handshake-timeout", tlsHandshakeTimeout, "100ms", "1d")
        .atLeast("max-connections", maxConnections, 1)
        .atLeast("max-connections-per-address", maxConnectionsPerAddress, 0)
        .require(
            trustedProxies.stream().allMatch(Network::isNetwork),
            "trusted-proxies",
            "IP addresses and networks, 10.0.0.0/8");
  }
}
