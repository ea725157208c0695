package io.heddle.web;

import java.util.Map;
import org.springframework.web.reactive.function.server.RouterFunctions;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.util.pattern.PathPattern;

/**
 * The path of a request as its route has it: the route's own words, and the values of its
 * variables. What a client spelled is not compared with anything once the router has read it.
 */
public final class MatchedPath {

  private MatchedPath() {}

  /** Only of a request that a route has taken. */
  public static String of(ServerRequest request) {
    Object matched = request.attributes().get(RouterFunctions.MATCHING_PATTERN_ATTRIBUTE);
    if (!(matched instanceof PathPattern pattern)) {
      throw new IllegalStateException("no route has taken this request");
    }
    return fill(pattern.getPatternString(), request.pathVariables());
  }

  static String fill(String pattern, Map<String, String> variables) {
    int from = pattern.indexOf('{');
    if (from < 0) {
      return pattern;
    }
    StringBuilder path = new StringBuilder(pattern.length() + 48);
    int to = 0;
    for (; from >= 0; from = pattern.indexOf('{', to)) {
      path.append(pattern, to, from);
      to = pattern.indexOf('}', from) + 1;
      boolean rest = pattern.charAt(from + 1) == '*';
      String value = variables.getOrDefault(pattern.substring(from + (rest ? 2 : 1), to - 1), "");
      // A slash inside of a name is no border between segments; the rest of a path begins with one.
      path.append(rest && value.startsWith("/") ? value.substring(1) : value.replace("/", "%2F"));
    }
    return path.append(pattern, to, pattern.length()).toString();
  }
}
