package io.heddle.web;

import io.heddle.base.Caller;
import io.heddle.base.ProblemException;
import io.heddle.base.Tenant;
import java.net.Inet4Address;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.web.server.ServerWebExchange;

/**
 * Who sends a request, in open mode: the {@code Heddle-User} header names the user; without it the
 * caller is the chat backend that Heddle stands behind, which may see every session.
 */
public final class Callers {

  public static final String QUERY = "user";

  public static final int MAX_USER = 256;

  private static final String ADDRESS = "ip:";
  private static final String KEPT = Callers.class.getName() + ".kept";

  private Callers() {}

  /**
   * @param byQuery whether {@code ?user=} names the user too, for who cannot send headers
   */
  public static Caller of(ServerHttpRequest request, boolean byQuery) {
    String inQuery = byQuery ? Query.find(request.getURI().getRawQuery(), QUERY) : null;
    Caller caller = of(request);
    if (inQuery == null || inQuery.equals(caller.user())) {
      return caller;
    }
    if (caller.user() != null) {
      throw Query.refuse(QUERY, "is another than the header " + HeaderNames.USER);
    }
    return user(request, QUERY, inQuery);
  }

  /**
   * The same for a wire that passes over parameters it does not know: one that names a user is
   * refused there, since its sender would be taken for somebody who sees everything.
   */
  public static Caller ofHeader(ServerHttpRequest request) {
    String raw = request.getURI().getRawQuery();
    if (raw != null && !raw.isEmpty()) {
      for (String name : Query.lenient(raw).names()) {
        if (UserHeader.isInQuery(name)) {
          throw Query.refuse(
              name,
              "does not name the user of this call; the header " + HeaderNames.USER + " does");
        }
      }
    }
    return of(request);
  }

  /** Has whatever reads the request's body find its sender, as it was found out. */
  public static void keep(ServerWebExchange exchange, Caller caller) {
    exchange.getAttributes().put(KEPT, caller);
  }

  /** The sender of a request, whose user is named in a header if at all. */
  static Caller kept(ServerWebExchange exchange) {
    return exchange.getAttributes().get(KEPT) instanceof Caller caller
        ? caller
        : ofHeader(exchange.getRequest());
  }

  private static Caller of(ServerHttpRequest request) {
    List<String> given = request.getHeaders().get(HeaderNames.USER);
    if (given == null || given.isEmpty()) {
      String client = TrustedProxies.client(request);
      return new Caller(Tenant.DEFAULT, null, address(request, client), true, client);
    }
    if (given.size() > 1) {
      throw refuse("is there twice");
    }
    return user(request, HeaderNames.USER, utf8(given.getFirst()));
  }

  private static Caller user(ServerHttpRequest request, String name, String user) {
    if (user.isEmpty() || user.length() > MAX_USER) {
      throw Query.refuse(name, "must be 1 to " + MAX_USER + " characters long");
    }
    if (hasControl(user)) {
      throw Query.refuse(name, "has a control character");
    }
    return new Caller(Tenant.DEFAULT, user, user, false, TrustedProxies.client(request));
  }

  /**
   * @param client as it is known by; an IPv4 client by its address
   */
  private static String address(ServerHttpRequest request, @Nullable String client) {
    InetSocketAddress remote = request.getRemoteAddress();
    if (remote == null || remote.getAddress() == null) {
      return ADDRESS + "unknown";
    }
    if (client != null && remote.getAddress() instanceof Inet4Address) {
      return ADDRESS + client;
    }
    return ADDRESS + remote.getAddress().getHostAddress();
  }

  /** The server hands over a header's bytes as Latin-1; users' names are UTF-8. */
  private static String utf8(String latin) {
    boolean ascii = true;
    for (int i = 0; i < latin.length() && ascii; i++) {
      ascii = latin.charAt(i) < 0x80;
    }
    if (ascii) {
      return latin;
    }
    byte[] bytes = latin.getBytes(StandardCharsets.ISO_8859_1);
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException _) {
      throw refuse("is not UTF-8");
    }
  }

  public static boolean hasControl(String text) {
    for (int i = 0; i < text.length(); i++) {
      if (Character.isISOControl(text.charAt(i))) {
        return true;
      }
    }
    return false;
  }

  private static ProblemException refuse(String detail) {
    return Query.refuse(HeaderNames.USER, detail);
  }
}
