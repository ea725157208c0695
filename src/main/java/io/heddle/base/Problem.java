package io.heddle.base;

import io.heddle.json.InvalidJson;
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

  /**
   * A problem with one field of the request, named as the client wrote it; empty for the whole
   * body.
   */
  public static Problem field(ProblemCode code, String field, String detail) {
    return new Problem(code, detail, field.isEmpty() ? Map.of() : Map.of("field", field));
  }

  /** A body that is not JSON, or has not the shape that the call takes. */
  public static Problem of(InvalidJson invalid) {
    String path = invalid.path();
    Problem problem =
        switch (invalid.kind()) {
          case TEXT -> of(ProblemCode.INVALID_JSON, invalid.detail());
          case CHARACTERS, VALUE ->
              field(
                  ProblemCode.INVALID_REQUEST,
                  path,
                  (path.isEmpty() ? "The body" : path) + " " + invalid.detail());
          case UNKNOWN_MEMBER ->
              field(ProblemCode.UNKNOWN_FIELD, path, "This call does not know the field " + path);
        };
    return problem.with(invalid.members());
  }

  public Problem with(String name, Object value) {
    return with(Map.of(name, value));
  }

  public Problem with(Map<String, Object> others) {
    Map<String, Object> more = new LinkedHashMap<>(members);
    more.putAll(others);
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
