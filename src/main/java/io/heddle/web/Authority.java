package io.heddle.web;

import io.netty.util.NetUtil;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A host and its port, as in {@code Host}.
 *
 * @param host in lower case, without a dot at the end; an IPv6 address in its brackets
 * @param port -1 when none is named
 */
record Authority(String host, int port) {

  private static final int MOST_PORT = 65_535;
  private static final int LONGEST = 255;

  /** Null for what is none. */
  static @Nullable Authority parse(String text) {
    if (text.isEmpty() || text.length() > LONGEST + 8) {
      return null;
    }
    int end = text.startsWith("[") ? text.indexOf(']') + 1 : hostEnd(text);
    if (end <= 0) {
      return null;
    }
    int port = port(text, end);
    String host = text.substring(0, end).toLowerCase(Locale.ROOT);
    if (port < -1 || !(host.startsWith("[") ? isAddress(host) : isName(host))) {
      return null;
    }
    return new Authority(
        host.length() > 1 && host.endsWith(".") ? host.substring(0, host.length() - 1) : host,
        port);
  }

  private static int hostEnd(String text) {
    int colon = text.indexOf(':');
    return colon < 0 ? text.length() : colon;
  }

  /** -1 for none, -2 for what is no port. */
  private static int port(String text, int from) {
    if (from == text.length()) {
      return -1;
    }
    if (text.charAt(from) != ':' || text.length() - from > 6) {
      return -2;
    }
    int port = from + 1 == text.length() ? -1 : 0;
    for (int i = from + 1; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c < '0' || c > '9') {
        return -2;
      }
      port = port * 10 + (c - '0');
    }
    return port > MOST_PORT ? -2 : port;
  }

  private static boolean isAddress(String host) {
    String address = host.substring(1, host.length() - 1);
    return address.indexOf('%') < 0 && NetUtil.isValidIpV6Address(address);
  }

  private static boolean isName(String host) {
    boolean dot = true;
    for (int i = 0; i < host.length(); i++) {
      char c = host.charAt(i);
      boolean letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
      if (!letter && (c != '.' || dot)) {
        return false;
      }
      dot = c == '.';
    }
    return true;
  }

  /** Whether it is an IP address, written as browsers write it. */
  boolean isIpLiteral() {
    return host.startsWith("[") || NetUtil.isValidIpV4Address(host);
  }

  /** Whether the name always is this machine's own (RFC 6761, 6.3). */
  boolean isLoopbackName() {
    return host.equals("localhost") || host.endsWith(".localhost");
  }

  int portOr(String scheme) {
    return port >= 0 ? port : scheme.equals("https") ? 443 : 80;
  }
}
