package io.heddle.upstream;

import io.heddle.json.JsonValue;
import io.heddle.json.JsonWriter;
import io.heddle.turn.Parameters;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

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

  /** What stands elsewhere in the request, in another form, or not at all. */
  private static final Set<String> NOT_PASSED_ON =
      Stream.of(OURS, LEFT_OUT, BOUNDS, TRANSLATED)
          .flatMap(Collection::stream)
          .collect(Collectors.toSet());

  private final JsonWriter out;
  private final Members parameters;

  /** What the client said in the words of Responses. */
  private final Members own;

  private ResponsesParameters(JsonWriter out, Members parameters) {
    this.out = out;
    this.parameters = parameters;
    own = parameters.inner(Parameters.STREAM_OPTIONS).inner(Parameters.RESPONSES);
  }

  /**
   * Writes them as members, each with a comma before it.
   *
   * @param summary what to ask of the server's thoughts beside what the call asks; empty: nothing
   * @param thinks whether the model may be asked for its thoughts
   */
  static void write(JsonWriter out, Members parameters, String summary, boolean thinks) {
    ResponsesParameters all = new ResponsesParameters(out, parameters);
    all.writeInclude(thinks);
    parameters.without(NOT_PASSED_ON).withoutNulls().writeBehind(out);
    all.writeBound();
    all.writeTools();
    all.writeToolChoice();
    all.writeText();
    all.writeReasoning(summary, thinks);
  }

  /** The thoughts are Heddle's to ask for: they go back with the next call. */
  private void writeInclude(boolean thinks) {
    Set<String> all = new LinkedHashSet<>();
    own.elements("include").forEach(name -> all.add(name.text()));
    all.remove(THOUGHTS);
    if (thinks) {
      all.add(THOUGHTS);
    }
    if (!all.isEmpty()) {
      out.ascii(",\"include\":").array(all, (name, _) -> out.string(name));
    }
  }

  private void writeBound() {
    for (String name : BOUNDS) {
      JsonValue value = parameters.get(name);
      if (value != null) {
        String number = value.toString();
        boolean isLow = number.matches("[0-9]{1,2}") && Long.parseLong(number) < LEAST_OUTPUT;
        out.ascii(",\"max_output_tokens\":").ascii(isLow ? "" + LEAST_OUTPUT : number);
        return;
      }
    }
  }

  // ---- tools

  private void writeTools() {
    List<Runnable> all = new ArrayList<>();
    parameters.elements("tools").forEach(tool -> all.add(() -> writeTool(tool)));
    parameters
        .elements("functions")
        .forEach(function -> all.add(() -> writeFunction(Members.of(function))));
    if (!all.isEmpty()) {
      out.ascii(",\"tools\":").array(all, (tool, _) -> tool.run());
    }
  }

  private void writeTool(JsonValue tool) {
    Members members = Members.of(tool);
    String type = members.textOrEmpty("type");
    switch (members.has(type) ? type : "") {
      case "function" -> writeFunction(members.inner(type));
      case CustomTools.TYPE -> writeCustomTool(members.inner(type));
      // It has the form of Responses.
      default -> tool.writeTo(out);
    }
  }

  /** Without a word Responses makes a function strict, and Chat Completions does not. */
  private void writeFunction(Members function) {
    out.ascii("{\"type\":\"function\"");
    writeUntyped(function);
    if (!function.has("parameters")) {
      out.ascii(",\"parameters\":{\"type\":\"object\",\"properties\":{}}");
    }
    out.ascii(function.has("strict") ? "}" : ",\"strict\":false}");
  }

  private void writeCustomTool(Members tool) {
    out.ascii("{\"type\":\"custom\"");
    writeUntyped(tool.without(List.of("format")));
    Members format = tool.inner("format");
    if (!format.isEmpty()) {
      Map<String, JsonValue> flat = new LinkedHashMap<>(format.without(List.of("grammar")).all());
      format.inner("grammar").all().forEach(flat::putIfAbsent);
      new Members(flat).writeTo(out.ascii(",\"format\":"));
    }
    out.ascii("}");
  }

  private void writeUntyped(Members members) {
    members.without(List.of("type")).withoutNulls().writeBehind(out);
  }

  private void writeToolChoice() {
    JsonValue choice = parameters.get("tool_choice");
    JsonValue older = parameters.get("function_call");
    if (choice != null) {
      out.ascii(",\"tool_choice\":");
      writeToolChoice(choice);
    } else if (older != null && older.isObject()) {
      out.ascii(",\"tool_choice\":");
      writeNamed("function", Members.of(older));
    } else out.some("tool_choice", older);
  }

  private void writeToolChoice(JsonValue choice) {
    Members members = Members.of(choice);
    String type = members.textOrEmpty("type");
    Members inner = members.inner(type);
    if (choice.isString() && choice.text().equals("any")) {
      out.ascii("\"required\"");
    } else if (inner.isEmpty()) {
      choice.writeTo(out);
    } else if (type.equals("allowed_tools")) {
      out.ascii("{\"type\":\"allowed_tools\"");
      inner
          .all()
          .forEach((name, value) -> {
            out.ascii(",").string(name).ascii(":");
            if (name.equals("tools")) {
              out.array(value.elements(), (tool, _) -> writeToolChoice(tool));
            } else {
              value.writeTo(out);
            }
          });
      out.ascii("}");
    } else {
      writeNamed(type, inner);
    }
  }

  private void writeNamed(String type, Members members) {
    named(type, members).writeTo(out);
  }

  /**
   * What Chat Completions has inside a member of the type's name, Responses has beside the type.
   */
  private static Members named(String type, Members members) {
    Map<String, JsonValue> named = new LinkedHashMap<>();
    named.put("type", Members.quoted(type));
    members.withoutNulls().all().forEach(named::putIfAbsent);
    return new Members(named);
  }

  // ---- the form of the answer

  private void writeText() {
    Map<String, JsonValue> text = new LinkedHashMap<>();
    JsonValue format = parameters.get("response_format");
    JsonValue verbosity = parameters.get("verbosity");
    if (format != null) {
      Members schema = Members.of(format).inner("json_schema");
      text.put("format", schema.isEmpty() ? format : named("json_schema", schema).toValue());
    }
    parameters.inner("text").all().forEach(text::putIfAbsent);
    if (verbosity != null) {
      text.put("verbosity", verbosity);
    }
    if (!text.isEmpty()) {
      new Members(text).writeTo(out.ascii(",\"text\":"));
    }
  }

  private void writeReasoning(String summary, boolean thinks) {
    Map<String, JsonValue> all = new LinkedHashMap<>(parameters.inner("reasoning").all());
    all.putAll(own.inner("reasoning").all());
    JsonValue effort = parameters.get("reasoning_effort");
    if (effort != null) {
      all.put("effort", effort);
    }
    Members asked = new Members(all);
    boolean asks = thinks && !summary.isEmpty() && !asked.has("summary");
    if (!thinks || NO_SUMMARY.equals(asked.text("summary"))) {
      all.remove("summary");
    }
    all.values().removeIf(JsonValue::isNull);
    if (asks) {
      all.put("summary", Members.quoted(summary));
    }
    if (!all.isEmpty()) {
      asked.writeTo(out.ascii(",\"reasoning\":"));
    }
  }
}
