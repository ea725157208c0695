package io.heddle.openai;

import io.heddle.json.Json;
import io.heddle.json.JsonWriter;
import io.heddle.turn.Opaque;
import io.heddle.turn.Usage;
import org.jspecify.annotations.Nullable;

/**
 * What is the same in all chunks of a completion.
 *
 * @param created seconds since 1970
 * @param usage whether the client asked for the usage of a stream
 */
record ChatForm(String id, long created, String model, boolean usage) {

  static final String PREFIX = "chatcmpl-";

  /** Begins an object of it, to which members can be added. */
  JsonWriter open(JsonWriter out, String object, @Nullable String answeredBy) {
    return JsonWriter.object(out)
        .string("id", id)
        .string("object", object)
        .number("created", created)
        .string("model", answeredBy == null ? model : answeredBy)
        .raw("system_fingerprint", null);
  }

  static void usage(@Nullable Usage usage, JsonWriter out) {
    if (usage == null) {
      out.raw(Json.NULL);
      return;
    }
    JsonWriter all =
        JsonWriter.object(out)
            .number("prompt_tokens", usage.input())
            .number("completion_tokens", usage.output())
            .number("total_tokens", usage.total());
    JsonWriter.object(all.name("prompt_tokens_details"))
        .number("cached_tokens", usage.cached())
        .end();
    JsonWriter.object(all.name("completion_tokens_details"))
        .number("reasoning_tokens", usage.reasoning())
        .end();
    all.end();
  }

  /**
   * @param custom whether it is of a custom tool, which the arguments are the input of
   */
  static Json call(
      int index,
      boolean indexed,
      @Nullable String id,
      @Nullable String name,
      String arguments,
      @Nullable Opaque opaque,
      boolean custom) {
    JsonWriter function = JsonWriter.object(arguments.length() + 96);
    if (name != null) {
      function.string("name", name);
    }
    String type = custom ? "custom" : "function";
    function.string(custom ? "input" : "arguments", arguments);
    JsonWriter out = JsonWriter.object(arguments.length() + 192);
    if (indexed) {
      out.number("index", index);
    }
    if (id != null) {
      out.string("id", id);
    }
    if (id != null || name != null) {
      out.string("type", type);
    }
    return OpaqueMembers.toCall(out.raw(type, function.done()), opaque).done();
  }
}
