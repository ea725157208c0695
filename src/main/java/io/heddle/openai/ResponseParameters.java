package io.heddle.openai;

import io.heddle.base.Json;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Says what a request for a response asks of the model in the words of Chat Completions. Members
 * that Responses does not know are passed on as they are: servers have parameters of their own.
 */
final class ResponseParameters {

  /** Members that mean the same in both. */
  private static final Set<String> SAME =
      Set.of(
          "temperature",
          "top_p",
          "parallel_tool_calls",
          "service_tier",
          "prompt_cache_key",
          "prompt_cache_retention",
          "safety_identifier",
          "user");

  /** Members that are no parameters, or have another form. */
  private static final Set<String> OTHER =
      Set.of(
          "model",
          "input",
          "instructions",
          "conversation",
          "previous_response_id",
          "store",
          "stream",
          "stream_options",
          "background",
          "metadata",
          "include",
          "context_management",
          "moderation",
          "prompt",
          "prompt_cache_options",
          "truncation",
          "max_tool_calls",
          "max_output_tokens",
          "top_logprobs",
          "tools",
          "tool_choice",
          "text",
          "reasoning",
          "messages");

  /** Names of Chat Completions for the same. */
  private static final Set<String> OTHER_BOUNDS = Set.of("max_tokens", "max_completion_tokens");

  private static final long LEAST_OUTPUT = 16;

  private ResponseParameters() {}

  static Json chat(Fields body) {
    JsonObject out = new JsonObject(256);
    body.all()
        .forEach((name, value) -> {
          if (!value.isNull() && (SAME.contains(name) || !OTHER.contains(name))) {
            out.member(name, value);
          }
        });
    Value most = body.get("max_output_tokens");
    if (most != null) {
      // It is sent under another name: beside that name the model would be told two bounds.
      for (String name : OTHER_BOUNDS) {
        if (body.has(name)) {
          throw Value.refuse(
              body.path(name), "mutually_exclusive_parameters", "cannot be used together with 'max_output_tokens'");
        }
      }
      out.number("max_tokens", most.integer(LEAST_OUTPUT, Integer.MAX_VALUE));
    }
    Value tools = body.get("tools");
    if (tools != null) {
      List<Json> functions = tools.elements().stream().map(ResponseParameters::tool).toList();
      if (!functions.isEmpty()) {
        out.raw("tools", JsonObject.array(functions));
      }
    }
    Value choice = body.get("tool_choice");
    if (choice != null) {
      out.raw("tool_choice", choice(choice));
    }
    Value text = body.get("text");
    if (text != null) {
      text(text.fields(), out);
    }
    Value reasoning = body.get("reasoning");
    if (reasoning != null) {
      out.some("reasoning_effort", reasoning.fields().raw("effort"));
    }
    return out.toJson();
  }

  private static Json tool(Value tool) {
    Fields fields = tool.fields();
    String type = fields.required("type").text();
    if (!type.equals("function")) {
      throw WireError.unsupported(
              fields.path("type"),
              "Heddle does not support tools of the type '" + type + "', only functions.")
          .toException();
    }
    fields.required("name").text();
    JsonObject function = new JsonObject(tool.json().length() + 16);
    for (Map.Entry<String, Value> member : fields.all().entrySet()) {
      if (!member.getKey().equals("type") && !member.getValue().isNull()) {
        function.member(member.getKey(), member.getValue());
      }
    }
    return function(function.toJson());
  }

  private static Json function(Json function) {
    return new JsonObject(function.length() + 48)
        .string("type", "function")
        .raw("function", function)
        .toJson();
  }

  private static Json choice(Value choice) {
    if (choice.isString()) {
      return choice.json();
    }
    Fields fields = choice.fields();
    String type = fields.required("type").text();
    return switch (type) {
      case "function" -> named(fields);
      case "allowed_tools" -> {
        List<Json> tools =
            fields.required("tools").elements().stream().map(tool -> named(tool.fields())).toList();
        Json allowed =
            new JsonObject(256)
                .raw("mode", fields.raw("mode", Json.of("\"auto\"")))
                .raw("tools", JsonObject.array(tools))
                .toJson();
        yield new JsonObject(allowed.length() + 48)
            .string("type", type)
            .raw("allowed_tools", allowed)
            .toJson();
      }
      default ->
          throw WireError.unsupported(
                  fields.path("type"),
                  "Heddle does not support a tool_choice of the type '" + type + "'.")
              .toException();
    };
  }

  private static Json named(Fields tool) {
    return function(new JsonObject(96).string("name", tool.required("name").text()).toJson());
  }

  private static void text(Fields text, JsonObject out) {
    out.some("verbosity", text.raw("verbosity"));
    Value format = text.get("format");
    if (format == null) {
      return;
    }
    Fields fields = format.fields();
    String type = fields.required("type").text();
    switch (type) {
      case "text" -> {}
      case "json_object" -> out.raw("response_format", format.json());
      case "json_schema" -> {
        JsonObject schema = new JsonObject(format.json().length());
        fields
            .all()
            .forEach((name, value) -> {
              if (!name.equals("type") && !value.isNull()) {
                schema.member(name, value);
              }
            });
        out.raw(
            "response_format",
            new JsonObject(format.json().length() + 64)
                .string("type", type)
                .raw("json_schema", schema.toJson())
                .toJson());
      }
      default ->
          throw WireError.unsupported(
                  fields.path("type"),
                  "Heddle does not support a text.format of the type '" + type + "'.")
              .toException();
    }
  }
}
