package io.heddle.web;

import io.heddle.base.Bounds;
import java.time.Duration;
import java.util.List;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * Connections to this server.
 *
 * @param headTimeout how long a request's line and headers may take: the first ones from the
 *     connect, later ones from their first byte
 * @param idleTimeout how long a connection may wait for its next request
 * @param writeTimeout how long a write may wait for the client to take any of it
 * @param tlsHandshakeTimeout how long a TLS handshake may take
 * @param maxConnections how many connections there may be in all
 * @param maxConnectionsPerAddress how many of one address; 0 for half of all
 * @param trustedProxies addresses and networks of the proxies that say who their clients are
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
