package io.heddle.web;

import java.net.URI;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.server.reactive.ServerHttpRequest;

/**
 * Which pages may open a WebSocket. Browsers let any page do it and send its {@code Origin}; who
 * sends none is no browser.
 */
public final class Origins {

  private static final String ANY = "*";

  private final Set<String> allowed;

  /**
   * @param allowed none: only pages of the host that the request names
   */
  public Origins(List<String> allowed) {
    this.allowed = Set.copyOf(allowed);
  }

  public boolean allows(ServerHttpRequest request) {
    String origin = request.getHeaders().getFirst(HttpHeaders.ORIGIN);
    if (origin == null || allowed.contains(ANY) || allowed.contains(origin)) {
      return true;
    }
    String host = request.getHeaders().getFirst(HttpHeaders.HOST);
    return host != null && host.equalsIgnoreCase(authority(origin));
  }

  private static @Nullable String authority(String origin) {
    try {
      return URI.create(origin).getRawAuthority();
    } catch (IllegalArgumentException _) {
      return null;
    }
  }
}
