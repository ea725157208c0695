package io.heddle.openai;

import io.heddle.base.Json;
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

  JsonObject open(String object, int size, @Nullable String answeredBy) {
    return new JsonObject(size + 256)
        .string("id", id)
        .string("object", object)
        .number("created", created)
        .string("model", answeredBy == null ? model : answeredBy)
        .raw("system_fingerprint", null);
  }

  static Json usage(Usage usage) {
    Json prompt = new JsonObject(48).number("cached_tokens", usage.cached()).toJson();
    Json completion = new JsonObject(48).number("reasoning_tokens", usage.reasoning()).toJson();
    return new JsonObject(256)
        .number("prompt_tokens", usage.input())
        .number("completion_tokens", usage.output())
        .number("total_tokens", usage.total())
        .raw("prompt_tokens_details", prompt)
        .raw("completion_tokens_details", completion)
        .toJson();
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
    JsonObject function = new JsonObject(arguments.length() + 96);
    if (name != null) {
      function.string("name", name);
    }
    String type = custom ? "custom" : "function";
    function.string(custom ? "input" : "arguments", arguments);
    JsonObject out = new JsonObject(arguments.length() + 192);
    if (indexed) {
      out.number("index", index);
    }
    if (id != null) {
      out.string("id", id);
    }
    if (id != null || name != null) {
      out.string("type", type);
    }
    return OpaqueMembers.toCall(out.raw(type, function.toJson()), opaque).toJson();
  }
}
