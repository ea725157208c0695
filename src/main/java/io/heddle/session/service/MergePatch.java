package io.heddle.session.service;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.json.InvalidJson;
import io.heddle.json.Json;
import io.heddle.json.JsonValue;
import io.heddle.json.JsonWriter;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * JSON Merge Patch (RFC 7396).
 *
 * <p>Only objects are taken apart. Every other value is copied as the bytes it stands in, because a
 * number that goes through a double or a decimal comes out changed: {@code 1.0}, {@code 1e2} and
 * twenty digits stay as they were written.
 */
public final class MergePatch {

  private static final int MAX_NESTING = 500;

  private MergePatch() {}

  /**
   * The target as the patch changes it. The result is nested no deeper than the deeper of the two.
   *
   * @throws io.heddle.base.ProblemException {@code invalid-json} when either is not JSON or is
   *     nested deeper than 500
   */
  public static Json apply(Json target, Json patch) {
    JsonWriter out = new JsonWriter(target.length() + patch.length());
    try {
      merge(JsonValue.of(target), JsonValue.of(patch), 1, out);
    } catch (InvalidJson e) {
      throw Problem.of(e).toException();
    }
    return out.toJson();
  }

  private static void merge(
      @Nullable JsonValue target, JsonValue patch, int depth, JsonWriter out) {
    if (!patch.isObject()) {
      patch.writeTo(out);
      return;
    }
    if (depth > MAX_NESTING) {
      throw Problem.of(ProblemCode.INVALID_JSON, "nested deeper than " + MAX_NESTING + " levels")
          .toException();
    }
    Map<String, JsonValue> before = target == null ? Map.of() : target.members();
    Map<String, JsonValue> after = new LinkedHashMap<>(before);
    after.putAll(patch.members());
    out.ascii("{");
    for (Map.Entry<String, JsonValue> member : after.entrySet()) {
      String name = member.getKey();
      JsonValue change = patch.members().get(name);
      if (change != null && change.isNull()) {
        continue;
      }
      out.next().string(name).ascii(":");
      if (change == null) {
        member.getValue().writeTo(out);
      } else {
        merge(before.get(name), change, depth + 1, out);
      }
    }
    out.ascii("}");
  }
}
