package io.heddle.web;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.http.server.reactive.ServerHttpRequestDecorator;
import org.springframework.web.server.adapter.ForwardedHeaderTransformer;

/**
 * The proxies in front of this server that are believed about their clients. A request that comes
 * from one of them gets the client's address as its remote address, so that everything after it
 * sees the client.
 *
 * <p>{@code X-Forwarded-For} and {@code Forwarded} are lists that each proxy appends to, and a
 * client may send a beginning of its own. So they are read from the right: the client is the first
 * address that is not a trusted proxy's. A proxy writes one of the two headers and passes the other
 * on as the client wrote it; where both are there and name different clients the request is
 * refused, since one of them was made up.
 *
 * <p>Spring's own transformer, in whose place this stands, takes the leftmost address, which the
 * client wrote, from anybody.
 */
public final class TrustedProxies extends ForwardedHeaderTransformer {

  /** Its bean is found by this name. */
  public static final String BEAN = "forwardedHeaderTransformer";

  private final List<Network> networks;

  /**
   * @param trusted addresses and networks
   */
  public TrustedProxies(List<String> trusted) {
    networks = trusted.stream().map(text -> Objects.requireNonNull(Network.parse(text))).toList();
  }

  /** Whether this peer is believed about its clients. */
  public boolean trusts(@Nullable InetSocketAddress peer) {
    return peer != null && peer.getAddress() != null && trusts(peer.getAddress());
  }

  boolean trusts(InetAddress address) {
    for (Network network : networks) {
      if (network.contains(address)) {
        return true;
      }
    }
    return false;
  }

  /** Whether the request came from a trusted proxy, so that it may say scheme and host too. */
  public static boolean isFromProxy(ServerHttpRequest request) {
    return proxied(request) != null;
  }

  /**
   * The client's address, or network, as what is counted for it is named by; null for a trusted
   * proxy that does not say for whom it asks, and for a peer without an address.
   */
  public static @Nullable String client(ServerHttpRequest request) {
    Proxied proxied = proxied(request);
    InetSocketAddress remote = proxied == null ? request.getRemoteAddress() : proxied.client;
    return remote == null || remote.getAddress() == null
        ? null
        : Network.client(remote.getAddress());
  }

  /** The scheme that the client used: as a trusted proxy tells it, else the connection's own. */
  static String scheme(ServerHttpRequest request) {
    String own = request.getSslInfo() == null ? "http" : "https";
    if (!isFromProxy(request)) {
      return own;
    }
    HttpHeaders headers = request.getHeaders();
    List<String> told = addresses(headers.get(HeaderNames.X_FORWARDED_PROTO));
    if (told.isEmpty()) {
      told = forwarded(headers.get(HeaderNames.FORWARDED), "proto=");
    }
    String last = told.isEmpty() ? "" : told.getLast();
    return last.equalsIgnoreCase("https") ? "https" : last.equalsIgnoreCase("http") ? "http" : own;
  }

  private static @Nullable Proxied proxied(ServerHttpRequest request) {
    ServerHttpRequest inner = request;
    while (inner instanceof ServerHttpRequestDecorator decorator) {
      if (decorator instanceof Proxied proxied) {
        return proxied;
      }
      inner = decorator.getDelegate();
    }
    return null;
  }

  @Override
  public ServerHttpRequest apply(ServerHttpRequest request) {
    if (networks.isEmpty() || !trusts(request.getRemoteAddress())) {
      return request;
    }
    HttpHeaders headers = request.getHeaders();
    InetAddress byList = client(addresses(headers.get(HeaderNames.X_FORWARDED_FOR)));
    InetAddress byStandard = client(forwarded(headers.get(HeaderNames.FORWARDED), "for="));
    if (byList != null && byStandard != null && !byList.equals(byStandard)) {
      throw new IllegalArgumentException(
          HeaderNames.X_FORWARDED_FOR
              + " and "
              + HeaderNames.FORWARDED
              + " name different clients");
    }
    InetAddress client = byList == null ? byStandard : byList;
    return new Proxied(request, client);
  }

  /** The last one that is no proxy of ours; null when a proxy says nothing that can be read. */
  private @Nullable InetAddress client(List<String> chain) {
    for (int i = chain.size() - 1; i >= 0; i--) {
      InetAddress address = address(chain.get(i));
      if (address == null || !trusts(address)) {
        return address;
      }
    }
    return null;
  }

  private static List<String> addresses(@Nullable List<String> lines) {
    List<String> all = new ArrayList<>();
    if (lines != null) {
      for (String line : lines) {
        for (String one : line.split(",", -1)) {
          if (!one.isBlank()) {
            all.add(one.strip());
          }
        }
      }
    }
    return all;
  }

  /** What {@code name} says in each element (RFC 7239, 4); empty for an element without it. */
  private static List<String> forwarded(@Nullable List<String> lines, String name) {
    List<String> all = new ArrayList<>();
    if (lines != null) {
      for (String line : lines) {
        for (String element : Quoted.split(line, ',')) {
          if (!element.isBlank()) {
            all.add(parameter(element, name));
          }
        }
      }
    }
    return all;
  }

  private static String parameter(String element, String name) {
    for (String pair : Quoted.split(element, ';')) {
      String stripped = pair.strip();
      if (stripped.regionMatches(true, 0, name, 0, name.length())) {
        return Quoted.unquote(stripped.substring(name.length()).strip());
      }
    }
    return "";
  }

  /**
   * Of {@code 192.0.2.1}, {@code 192.0.2.1:4711}, {@code 2001:db8::1}, {@code [2001:db8::1]:80}.
   */
  static @Nullable InetAddress address(String text) {
    if (text.startsWith("[")) {
      int end = text.indexOf(']');
      return end < 0 ? null : Network.address(text.substring(1, end));
    }
    int colon = text.indexOf(':');
    boolean port = colon >= 0 && colon == text.lastIndexOf(':');
    return Network.address(port ? text.substring(0, colon) : text);
  }

  /** A request that a proxy has passed on. */
  private static final class Proxied extends ServerHttpRequestDecorator {
    private final @Nullable InetSocketAddress client;

    Proxied(ServerHttpRequest delegate, @Nullable InetAddress client) {
      super(delegate);
      this.client = client == null ? null : new InetSocketAddress(client, 0);
    }

    @Override
    public @Nullable InetSocketAddress getRemoteAddress() {
      return client == null ? super.getRemoteAddress() : client;
    }
  }
}
