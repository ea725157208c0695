package io.heddle.web;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What a request's line asks for, in the one spelling that everything after the codec sees.
 *
 * <p>A filter that compares what a client wrote and a router that decodes it first would see two
 * paths. So a path has one spelling here: what needs no percent-encoding is refused when it has
 * one, and so is what routers, proxies and file systems read in their own ways, such as dot
 * segments, {@code ;} and an encoded slash. Characters that are no part of a URI, such as braces
 * and bytes above ASCII, are percent-encoded, since some clients send them as they are.
 */
sealed interface RequestTarget {

  /**
   * A path, and a query where there is one.
   *
   * @param text to be used in place of what the client sent
   * @param authority of a target in absolute form (RFC 9112, 3.2.2); else null
   */
  record Path(String text, @Nullable String authority) implements RequestTarget {}

  /**
   * {@code *}: the server as a whole.
   *
   * @param authority of a target in absolute form; else null
   */
  record Server(@Nullable String authority) implements RequestTarget {}

  /**
   * One that is not served.
   *
   * @param segment of the path that is wrong, from 0; {@link #NO_SEGMENT} when it is something else
   */
  record Refused(int segment, String detail) implements RequestTarget {}

  int NO_SEGMENT = -1;

  /**
   * @param method by which a target may be {@code *}
   */
  static RequestTarget of(String method, String target) {
    return new RequestTargetReader(method, target).read();
  }

  /** Reads one target. */
  final class RequestTargetReader {
    private static final char[] HEX = "0123456789ABCDEF".toCharArray();
    private static final boolean[] PLAIN = plain();

    /** Below these, one segment, or all that follow, is a name that may have any character. */
    private static final String ONE_NAME = "/v1/cache/";

    private static final String NAMES = "/openai/v1/models/";

    private final String method;
    private final String target;

    /** What is read so far, once it differs from the target. */
    private @Nullable StringBuilder out;

    RequestTargetReader(String method, String target) {
      this.method = method;
      this.target = target;
    }

    RequestTarget read() {
      if (target.startsWith("/")) {
        return path(target, null);
      }
      if (target.equals("*")) {
        return server(null);
      }
      int scheme = target.indexOf("://");
      String name = scheme < 0 ? "" : target.substring(0, scheme).toLowerCase(Locale.ROOT);
      if (!name.equals("http") && !name.equals("https")) {
        return refused("the target must be a path, or an http URI");
      }
      int from = scheme + 3;
      int end = from;
      while (end < target.length() && "/?#".indexOf(target.charAt(end)) < 0) {
        end++;
      }
      String authority = target.substring(from, end);
      if (authority.isEmpty() || authority.indexOf('@') >= 0) {
        return refused("the target must name a host, without a user");
      }
      if (end == target.length()) {
        // Proxies send what was * like this (RFC 9112, 3.2.4).
        return method.equals("OPTIONS") ? server(authority) : new Path("/", authority);
      }
      String rest = target.substring(end);
      return path(rest.startsWith("/") ? rest : "/" + rest, authority);
    }

    private RequestTarget server(@Nullable String authority) {
      return method.equals("OPTIONS")
          ? new Server(authority)
          : refused("the target * is for OPTIONS only");
    }

    private static RequestTarget refused(String detail) {
      return new Refused(NO_SEGMENT, detail);
    }

    private RequestTarget path(String text, @Nullable String authority) {
      int segment = 0;
      int from = 1;
      int i = 1;
      for (; i < text.length(); i++) {
        char c = text.charAt(i);
        if (out == null && isPlain(c)) {
          continue;
        }
        if (c == '?') {
          break;
        }
        if (c == '/') {
          if (i == from || isDots(text, from, i)) {
            return refused(segment, i == from ? "is empty" : "is a dot segment");
          }
          segment++;
          from = i + 1;
          append(c);
          continue;
        }
        String wrong = character(text, i);
        if (wrong != null) {
          return refused(segment, wrong);
        }
      }
      if (isDots(text, from, i)) {
        return refused(segment, "is a dot segment");
      }
      String wrong = query(text, i);
      if (wrong != null) {
        return refused(wrong);
      }
      return new Path(out == null ? text : out.toString(), authority);
    }

    private static RequestTarget refused(int segment, String detail) {
      return new Refused(segment, detail);
    }

    private static boolean isDots(String text, int from, int to) {
      int length = to - from;
      return (length == 1 || length == 2) && text.charAt(from) == '.' && text.charAt(to - 1) == '.';
    }

    /** Takes one character of the path; what is wrong with it, or null. */
    private @Nullable String character(String text, int i) {
      char c = text.charAt(i);
      if (c == '%') {
        int code = hex(text, i);
        if (code < 0) {
          return "has a percent sign that encodes nothing";
        }
        if (isUnreserved(code)) {
          return "has a character percent-encoded that must stand for itself";
        }
        if (code < 0x20 || code == 0x7f) {
          return "has a control character";
        }
        if ((code == '/' || code == '\\') && !isName(text, i)) {
          return "has an encoded slash or backslash";
        }
        append(c);
        return null;
      }
      if (c == ';' || c == '\\') {
        return "has a " + (c == ';' ? "semicolon" : "backslash");
      }
      if (isOfUri(c)) {
        append(c);
      } else {
        encode(text, i, c);
      }
      return null;
    }

    /** Whether the character is in a name that may have any. */
    private static boolean isName(String text, int i) {
      return text.startsWith(NAMES)
          || (text.startsWith(ONE_NAME) && text.lastIndexOf('/', i) == ONE_NAME.length() - 1);
    }

    /** Takes the query, if there is one; what is wrong with it, or null. */
    private @Nullable String query(String text, int from) {
      boolean name = true;
      for (int i = from; i < text.length(); i++) {
        char c = text.charAt(i);
        if (out == null && isPlain(c)) {
          continue;
        }
        if (i == from || c == '&') {
          name = true;
        } else if (c == '=') {
          name = false;
        }
        if (c == '%' && hex(text, i) < 0) {
          if (name) {
            return "the query has a name with a percent sign that encodes nothing";
          }
          encode(text, i, c);
        } else if (isOfUri(c)) {
          append(c);
        } else {
          encode(text, i, c);
        }
      }
      return null;
    }

    /** Whether it is nothing but itself, anywhere: nearly all characters of nearly all targets. */
    private static boolean isPlain(char c) {
      return c < PLAIN.length && PLAIN[c];
    }

    private static boolean[] plain() {
      boolean[] plain = new boolean[128];
      for (int c = 0; c < plain.length; c++) {
        plain[c] = isUnreserved(c) || c == '~' || c == ':' || c == '@' || c == ',';
      }
      return plain;
    }

    private static boolean isUnreserved(int code) {
      return (code >= 'a' && code <= 'z')
          || (code >= 'A' && code <= 'Z')
          || (code >= '0' && code <= '9')
          || code == '-'
          || code == '.'
          || code == '_';
    }

    private static boolean isOfUri(char c) {
      return c > 0x20 && c < 0x7f && "\"#<>[\\]^`{|}".indexOf(c) < 0;
    }

    private static int hex(String text, int i) {
      if (i + 2 >= text.length()) {
        return -1;
      }
      int high = Character.digit(text.charAt(i + 1), 16);
      int low = Character.digit(text.charAt(i + 2), 16);
      return high < 0 || low < 0 ? -1 : high << 4 | low;
    }

    private void append(char c) {
      if (out != null) {
        out.append(c);
      }
    }

    /** The codec reads the line byte by byte, so a character is a byte. */
    private void encode(String text, int i, char c) {
      if (out == null) {
        out = new StringBuilder(text.length() + 16).append(text, 0, i);
      }
      out.append('%').append(HEX[c >> 4 & 0xf]).append(HEX[c & 0xf]);
    }
  }
}
