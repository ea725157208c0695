package io.heddle.base;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * An expected refusal, as RFC 9457 shows it.
 *
 * @param members what helps the client beside code and detail: {@code field}, {@code position},
 *     {@code limit}, {@code retryAfter} (whole seconds), {@code expiresAt}; values are strings,
 *     numbers or booleans
 */
public record Problem(ProblemCode code, String detail, Map<String, Object> members) {

  public Problem {
    members = Collections.unmodifiableMap(new LinkedHashMap<>(members));
  }

  /** A problem of which its code says all. */
  public static Problem of(ProblemCode code) {
    return of(code, code.title());
  }

  public static Problem of(ProblemCode code, String detail) {
    return new Problem(code, detail, Map.of());
  }

  /** A problem with one field of the request, named as the client wrote it. */
  public static Problem field(ProblemCode code, String field, String detail) {
    return new Problem(code, detail, Map.of("field", field));
  }

  public Problem with(String name, Object value) {
    Map<String, Object> more = new LinkedHashMap<>(members);
    more.put(name, value);
    return new Problem(code, detail, more);
  }

  public Problem without(String name) {
    Map<String, Object> fewer = new LinkedHashMap<>(members);
    fewer.remove(name);
    return new Problem(code, detail, fewer);
  }

  public ProblemException toException() {
    return new ProblemException(this);
  }
}
