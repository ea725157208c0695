package io.heddle.api;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.json.Json;
import io.heddle.json.JsonReader;
import io.heddle.json.JsonValue;
import io.heddle.json.JsonWriter;
import java.util.HashSet;
import java.util.Set;

/** A client's own members of a session or a message, within bounds. */
final class Metadata {

  static final int MAX_BYTES = 16 << 10;
  static final int MAX_KEYS = 64;
  static final int MAX_KEY = 128;

  private Metadata() {}

  /** Copies a metadata object. */
  static void copy(JsonReader in, JsonWriter out) {
    in.object();
    String path = in.path();
    int from = out.length();
    Set<String> keys = new HashSet<>();
    out.ascii('{');
    while (in.nextMember()) {
      String key = in.name();
      if (key.isEmpty() || key.length() > MAX_KEY) {
        throw in.refuse("has a name that is not 1 to " + MAX_KEY + " characters long", MAX_KEY);
      }
      if (keys.size() == MAX_KEYS) {
        throw tooMany(path);
      }
      if (!keys.isEmpty()) {
        out.ascii(',');
      }
      if (!keys.add(key)) {
        throw in.refuse("is there twice");
      }
      in.copyName(out);
      in.copy(out);
    }
    out.ascii('}');
    if (out.length() - from > MAX_BYTES) {
      throw tooLarge(path, out.length() - from);
    }
  }

  static Json read(JsonReader in) {
    JsonWriter out = new JsonWriter(128);
    copy(in, out);
    return out.toJson();
  }

  /** Checks the bounds of a session's metadata that a patch has put together of sound parts. */
  static Json checked(Json merged) {
    if (merged.length() > MAX_BYTES) {
      throw tooLarge("metadata", merged.length());
    }
    if (JsonValue.of(merged).members().size() > MAX_KEYS) {
      throw tooMany("metadata");
    }
    return merged;
  }

  private static ProblemException tooMany(String path) {
    return Problem.field(
            ProblemCode.INVALID_REQUEST, path, path + " has more than " + MAX_KEYS + " members")
        .with("limit", MAX_KEYS)
        .toException();
  }

  private static ProblemException tooLarge(String path, int bytes) {
    return Problem.field(
            ProblemCode.INVALID_REQUEST,
            path,
            path + " has " + bytes + " bytes; at most " + MAX_BYTES + " are allowed")
        .with("limit", MAX_BYTES)
        .toException();
  }
}
