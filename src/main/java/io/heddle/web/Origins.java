package io.heddle.web;

import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The origins whose pages may call. A browser names a page's in {@code Origin} with every call that
 * could do something; who sends none is no browser, or a page that only navigates.
 */
final class Origins {

  private static final String ANY = "*";
  private static final String NULL = "null";

  private final Set<String> named = new HashSet<>();
  private final boolean any;

  /**
   * @param allowed beside the server's own; {@code *}: any but {@code null}, which stands for pages
   *     without an origin and is allowed only by name
   */
  Origins(List<String> allowed) {
    for (String one : allowed) {
      named.add(one.equals(NULL) ? NULL : normal(one.replaceFirst("/$", "")));
    }
    any = allowed.contains(ANY);
  }

  /** Whether pages of other origins may call at all. */
  boolean areSome() {
    return !named.isEmpty();
  }

  boolean isAny() {
    return any;
  }

  /** Whether the setting allows the origin. */
  boolean names(String origin) {
    return origin.equals(NULL) ? named.contains(NULL) : any || named.contains(normal(origin));
  }

  /** Whether it is the origin of the server's own pages. */
  static boolean isOwn(String origin, String scheme, @Nullable Authority host) {
    int end = origin.indexOf("://");
    if (host == null || end < 0 || !origin.substring(0, end).equalsIgnoreCase(scheme)) {
      return false;
    }
    Authority authority = Authority.parse(origin.substring(end + 3));
    return authority != null
        && authority.host().equals(host.host())
        && authority.portOr(scheme) == host.portOr(scheme);
  }

  /** Without the scheme's own port, in lower case; what is no origin stays as it is. */
  private static String normal(String origin) {
    int end = origin.indexOf("://");
    Authority authority = end < 0 ? null : Authority.parse(origin.substring(end + 3));
    if (authority == null) {
      return origin;
    }
    String scheme = origin.substring(0, end).toLowerCase(Locale.ROOT);
    return scheme + "://" + authority.host() + ":" + authority.portOr(scheme);
  }
}
