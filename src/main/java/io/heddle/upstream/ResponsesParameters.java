package io.heddle.upstream;

import io.heddle.json.JsonValue;
import io.heddle.json.JsonWriter;
import io.heddle.turn.Parameters;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Says the parameters of Chat Completions in the words of Responses. What Responses calls the same,
 * and what nobody here knows, is passed on as it is: the server says what it does not take.
 */
final class ResponsesParameters {

  /** What Heddle says itself. */
  private static final Set<String> OURS =
      Set.of(
          "model",
          "messages",
          "input",
          "instructions",
          "stream",
          "stream_options",
          "store",
          "include",
          "background",
          "conversation",
          "previous_response_id");

  /**
   * Hints that Responses has no word for, and that an answer is good without. {@code n} is always
   * 1.
   */
  private static final Set<String> LEFT_OUT =
      Set.of(
          "n",
          "seed",
          "prediction",
          "frequency_penalty",
          "presence_penalty",
          "logprobs",
          "top_logprobs");

  private static final List<String> BOUNDS =
      List.of("max_output_tokens", "max_completion_tokens", "max_tokens");

  private static final Set<String> TRANSLATED =
      Set.of(
          "tools",
          "functions",
          "tool_choice",
          "function_call",
          "response_format",
          "verbosity",
          "text",
          "reasoning_effort",
          "reasoning");

  private static final String THOUGHTS = "reasoning.encrypted_content";

  /** Some servers know the word, OpenAI refuses it: no summary is what it gives unasked. */
  private static final String NO_SUMMARY = "none";

  /** OpenAI refuses less. */
  private static final long LEAST_OUTPUT = 16;

  private final JsonWriter out;
  private final Map<String, JsonValue> parameters;

  /** What the client said in the words of Responses. */
  private final Map<String, JsonValue> own;

  private ResponsesParameters(JsonWriter out, Map<String, JsonValue> parameters) {
    this.out = out;
    this.parameters = parameters;
    own = members(members(parameters.get(Parameters.STREAM_OPTIONS)).get(Parameters.RESPONSES));
  }

  /**
   * Writes them as members, each with a comma before it.
   *
   * @param summary what to ask of the server's thoughts beside what the call asks; empty: nothing
   * @param thinks whether the model may be asked for its thoughts
   */
  static void write(
      JsonWriter out, Map<String, JsonValue> parameters, String summary, boolean thinks) {
    ResponsesParameters all = new ResponsesParameters(out, parameters);
    all.include(thinks);
    parameters.forEach(all::same);
    all.bound();
    all.tools();
    all.choice();
    all.text();
    all.reasoning(summary, thinks);
  }

  /** The thoughts are Heddle's to ask for: they go back with the next call. */
  private void include(boolean thinks) {
    Set<String> all = new LinkedHashSet<>();
    JsonValue asked = own.get("include");
    for (JsonValue name : asked == null ? List.<JsonValue>of() : asked.elements()) {
      all.add(name.text());
    }
    all.remove(THOUGHTS);
    if (thinks) {
      all.add(THOUGHTS);
    }
    String before = ",\"include\":[";
    for (String name : all) {
      out.ascii(before).string(name);
      before = ",";
    }
    out.ascii(before.equals(",") ? "]" : "");
  }

  private void same(String name, JsonValue value) {
    if (!OURS.contains(name)
        && !LEFT_OUT.contains(name)
        && !BOUNDS.contains(name)
        && !TRANSLATED.contains(name)
        && !value.isNull()) {
      value.writeTo(out.ascii(",").string(name).ascii(":"));
    }
  }

  private @Nullable JsonValue some(String name) {
    JsonValue value = parameters.get(name);
    return value == null || value.isNull() ? null : value;
  }

  private void bound() {
    for (String name : BOUNDS) {
      JsonValue value = some(name);
      if (value != null) {
        out.ascii(",\"max_output_tokens\":");
        String number = value.toString();
        if (number.matches("[0-9]{1,2}") && Long.parseLong(number) < LEAST_OUTPUT) {
          out.number(LEAST_OUTPUT);
        } else {
          value.writeTo(out);
        }
        return;
      }
    }
  }

  // ---- tools

  private void tools() {
    JsonValue tools = some("tools");
    JsonValue functions = some("functions");
    if (tools == null && functions == null) {
      return;
    }
    String before = ",\"tools\":[";
    for (JsonValue tool : tools == null ? List.<JsonValue>of() : tools.elements()) {
      tool(tool, out.ascii(before));
      before = ",";
    }
    for (JsonValue function : functions == null ? List.<JsonValue>of() : functions.elements()) {
      function(function.members(), out.ascii(before));
      before = ",";
    }
    if (before.equals(",")) {
      out.ascii("]");
    }
  }

  private void tool(JsonValue tool, JsonWriter out) {
    Map<String, JsonValue> members = tool.members();
    JsonValue inner = members.get(type(members));
    switch (inner == null ? "" : type(members)) {
      case "function" -> function(members(inner), out);
      case "custom" -> custom(members(inner), out);
      // It has the form of Responses.
      default -> tool.writeTo(out);
    }
  }

  private static Map<String, JsonValue> members(@Nullable JsonValue inner) {
    return inner == null ? Map.of() : inner.members();
  }

  /** Without a word Responses makes a function strict, and Chat Completions does not. */
  private static void function(Map<String, JsonValue> members, JsonWriter out) {
    out.ascii("{\"type\":\"function\"");
    members(members, out);
    if (!has(members, "parameters")) {
      out.ascii(",\"parameters\":{\"type\":\"object\",\"properties\":{}}");
    }
    out.ascii(has(members, "strict") ? "}" : ",\"strict\":false}");
  }

  private static void custom(Map<String, JsonValue> members, JsonWriter out) {
    Map<String, JsonValue> flat = new LinkedHashMap<>(members);
    Map<String, JsonValue> format = members(flat.remove("format"));
    out.ascii("{\"type\":\"custom\"");
    members(flat, out);
    if (!format.isEmpty()) {
      Map<String, JsonValue> inner = new LinkedHashMap<>(format);
      Map<String, JsonValue> grammar = members(inner.remove("grammar"));
      grammar.forEach(inner::putIfAbsent);
      out.name("format").members(inner);
    }
    out.ascii("}");
  }

  private static boolean has(Map<String, JsonValue> members, String name) {
    JsonValue value = members.get(name);
    return value != null && !value.isNull();
  }

  private static void members(Map<String, JsonValue> members, JsonWriter out) {
    members.forEach((name, value) -> {
      if (!name.equals("type") && !value.isNull()) {
        value.writeTo(out.ascii(",").string(name).ascii(":"));
      }
    });
  }

  // ---- which tool

  private void choice() {
    JsonValue choice = some("tool_choice");
    JsonValue older = some("function_call");
    if (choice != null) {
      choice(choice, out.ascii(",\"tool_choice\":"));
    } else if (older != null && older.isObject()) {
      named("function", older.members(), out.ascii(",\"tool_choice\":"));
    } else if (older != null) {
      older.writeTo(out.ascii(",\"tool_choice\":"));
    }
  }

  private static void choice(JsonValue choice, JsonWriter out) {
    Map<String, JsonValue> members = choice.members();
    String type = type(members);
    Map<String, JsonValue> inner = members(members.get(type));
    if (choice.isString() && choice.text().equals("any")) {
      out.ascii("\"required\"");
    } else if (inner.isEmpty()) {
      choice.writeTo(out);
    } else if (type.equals("allowed_tools")) {
      out.ascii("{\"type\":\"allowed_tools\"");
      inner.forEach((name, value) -> {
        out.ascii(",").string(name).ascii(":");
        if (name.equals("tools")) {
          out.array(value.elements(), ResponsesParameters::choice);
        } else {
          value.writeTo(out);
        }
      });
      out.ascii("}");
    } else {
      named(type, inner, out);
    }
  }

  private static void named(String type, Map<String, JsonValue> members, JsonWriter out) {
    out.ascii("{\"type\":").string(type);
    members(members, out);
    out.ascii("}");
  }

  private static String type(Map<String, JsonValue> members) {
    return word(members.get("type"));
  }

  private static String word(@Nullable JsonValue value) {
    return value != null && value.isString() ? value.text() : "";
  }

  // ---- the form of the answer

  private void text() {
    Map<String, JsonValue> own = members(some("text"));
    JsonValue format = some("response_format");
    JsonValue verbosity = some("verbosity");
    if (own.isEmpty() && format == null && verbosity == null) {
      return;
    }
    Map<String, JsonValue> rest = new LinkedHashMap<>(own);
    String before = ",\"text\":{";
    if (format != null) {
      rest.remove("format");
      format(format, out.ascii(before).ascii("\"format\":"));
      before = ",";
    }
    if (verbosity != null) {
      rest.put("verbosity", verbosity);
    }
    for (Map.Entry<String, JsonValue> member : rest.entrySet()) {
      member.getValue().writeTo(out.ascii(before).string(member.getKey()).ascii(":"));
      before = ",";
    }
    out.ascii("}");
  }

  private static void format(JsonValue format, JsonWriter out) {
    Map<String, JsonValue> members = format.members();
    Map<String, JsonValue> schema = members(members.get("json_schema"));
    if (schema.isEmpty()) {
      format.writeTo(out);
    } else {
      named("json_schema", schema, out);
    }
  }

  private void reasoning(String summary, boolean thinks) {
    Map<String, JsonValue> all = new LinkedHashMap<>(members(some("reasoning")));
    all.putAll(members(own.get("reasoning")));
    JsonValue effort = some("reasoning_effort");
    if (effort != null) {
      all.put("effort", effort);
    }
    boolean asks = thinks && !summary.isEmpty() && !has(all, "summary");
    if (!thinks || NO_SUMMARY.equals(word(all.get("summary")))) {
      all.remove("summary");
    }
    all.values().removeIf(JsonValue::isNull);
    if (all.isEmpty() && !asks) {
      return;
    }
    String before = ",\"reasoning\":{";
    for (Map.Entry<String, JsonValue> member : all.entrySet()) {
      member.getValue().writeTo(out.ascii(before).string(member.getKey()).ascii(":"));
      before = ",";
    }
    if (asks) {
      out.ascii(before).ascii("\"summary\":").string(summary);
    }
    out.ascii("}");
  }
}
