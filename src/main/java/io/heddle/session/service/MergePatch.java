package io.heddle.session.service;

import io.heddle.base.Json;
import io.heddle.base.JsonWriter;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.UntrustedJson;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

/**
 * JSON Merge Patch (RFC 7396).
 *
 * <p>Only objects are taken apart. Every other value is copied as the bytes it stands in, because a
 * number that goes through a double or a decimal comes out changed: {@code 1.0}, {@code 1e2} and
 * twenty digits stay as they were written.
 */
public final class MergePatch {

  private static final int MAX_NESTING = 500;

  private static final JsonFactory FACTORY = UntrustedJson.factory(MAX_NESTING);

  private MergePatch() {}

  /**
   * The target as the patch changes it. The result is nested no deeper than the deeper of the two.
   *
   * @throws io.heddle.base.ProblemException {@code invalid-json} when either is not JSON or is
   *     nested deeper than 500
   */
  public static Json apply(Json target, Json patch) {
    Value merged = merge(parse(target), parse(patch));
    JsonWriter out = new JsonWriter(target.length() + patch.length());
    write(merged, out);
    return out.toJson();
  }

  private static Value merge(@Nullable Value target, Value patch) {
    if (!(patch instanceof Members changes)) {
      return patch;
    }
    Map<String, Value> result = new LinkedHashMap<>();
    if (target instanceof Members members) {
      result.putAll(members.values());
    }
    changes
        .values()
        .forEach((name, change) -> {
          if (change instanceof Slice slice && slice.isNull()) {
            result.remove(name);
          } else {
            result.put(name, merge(result.get(name), change));
          }
        });
    return new Members(result);
  }

  private static Value parse(Json json) {
    try (JsonParser in = FACTORY.createParser(ObjectReadContext.empty(), json.utf8())) {
      if (in.nextToken() == null) {
        throw Problem.of(ProblemCode.INVALID_JSON, "an empty text is not JSON").toException();
      }
      return value(in, json.utf8());
    } catch (JacksonException e) {
      throw Problem.of(ProblemCode.INVALID_JSON, e.getOriginalMessage()).toException();
    }
  }

  private static Value value(JsonParser in, byte[] source) {
    int from = (int) in.currentTokenLocation().getByteOffset();
    JsonToken token = in.currentToken();
    if (token == JsonToken.START_OBJECT) {
      Map<String, Value> members = new LinkedHashMap<>();
      while (in.nextToken() == JsonToken.PROPERTY_NAME) {
        String name = in.currentName();
        in.nextToken();
        members.put(name, value(in, source));
      }
      return new Members(members);
    }
    in.skipChildren();
    in.finishToken();
    int to = (int) in.currentLocation().getByteOffset();
    return new Slice(source, from, to, token == JsonToken.VALUE_NULL);
  }

  private static void write(Value value, JsonWriter out) {
    switch (value) {
      case Slice slice -> out.raw(slice.source(), slice.from(), slice.to());
      case Members members -> {
        String comma = "{";
        for (Map.Entry<String, Value> member : members.values().entrySet()) {
          out.ascii(comma).string(member.getKey()).ascii(":");
          write(member.getValue(), out);
          comma = ",";
        }
        out.ascii(members.values().isEmpty() ? "{}" : "}");
      }
    }
  }

  private sealed interface Value {}

  private record Members(Map<String, Value> values) implements Value {}

  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Slice(byte[] source, int from, int to, boolean isNull) implements Value {}
}
