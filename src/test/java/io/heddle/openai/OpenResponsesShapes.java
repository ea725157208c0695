package io.heddle.openai;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/**
 * What Open Responses (2026-04-24) requires of a response, of its items and of its events: their
 * members and the members' types. Others may be there.
 *
 * <p>{@code s} is a string, {@code i} an integer, {@code n} a number, {@code b} a boolean, {@code
 * o} an object, {@code a} anything; {@code =x/y} is one of these words, {@code [X]} an array of X;
 * another name is that shape, {@code X.*} the one of X with the object's type. With a question mark
 * it may be null.
 */
final class OpenResponsesShapes {

  private static final Map<String, String> SHAPES =
      read(
          """
          Response: id s, object =response, created_at i, completed_at i?, status =queued/in_progress/completed/incomplete/failed, \
          incomplete_details Details?, model s, previous_response_id s?, instructions s?, output [Item.*], error Error?, \
          tools [Tool.*], tool_choice a, truncation =auto/disabled, parallel_tool_calls b, text Text, top_p n, \
          presence_penalty n, frequency_penalty n, top_logprobs i, temperature n, reasoning Reasoning?, usage Usage?, \
          max_output_tokens i?, max_tool_calls i?, store b, background b, service_tier s, metadata o, \
          safety_identifier s?, prompt_cache_key s?
          Compacted: id s, object =response.compaction, output [Item.*], created_at i, usage Usage
          Details: reason s
          Error: code s, message s
          Text: format Format.*
          Format.text: type s
          Format.json_object: type s
          Format.json_schema: type s, name s, description s?, schema o?, strict b
          Reasoning: effort s?, summary s?
          Usage: input_tokens i, output_tokens i, total_tokens i, input_tokens_details Cached, output_tokens_details Thought
          Cached: cached_tokens i
          Thought: reasoning_tokens i
          Tool.function: name s, description s?, parameters o?, strict b?
          Item.message: id s, status =in_progress/completed/incomplete, role =user/assistant/system/developer, content [Part.*]
          Item.function_call: id s, call_id s, name s, arguments s, status =in_progress/completed/incomplete
          Item.reasoning: id s, summary [Part.*]
          Item.compaction: id s, encrypted_content s
          Part.output_text: text s, annotations [o]
          Part.input_text: text s
          Part.refusal: refusal s
          Part.reasoning_text: text s
          Part.summary_text: text s
          Event.error: status i, error Told
          Told: code s, message s, param s?
          Event.response.created: sequence_number i, response Response
          Event.response.queued: sequence_number i, response Response
          Event.response.in_progress: sequence_number i, response Response
          Event.response.completed: sequence_number i, response Response
          Event.response.failed: sequence_number i, response Response
          Event.response.incomplete: sequence_number i, response Response
          Event.response.output_item.added: sequence_number i, output_index i, item Item.*
          Event.response.output_item.done: sequence_number i, output_index i, item Item.*
          Event.response.content_part.added: sequence_number i, item_id s, output_index i, content_index i, part Part.*
          Event.response.content_part.done: sequence_number i, item_id s, output_index i, content_index i, part Part.*
          Event.response.output_text.delta: sequence_number i, item_id s, output_index i, content_index i, delta s
          Event.response.output_text.done: sequence_number i, item_id s, output_index i, content_index i, text s
          Event.response.refusal.delta: sequence_number i, item_id s, output_index i, content_index i, delta s
          Event.response.refusal.done: sequence_number i, item_id s, output_index i, content_index i, refusal s
          Event.response.function_call_arguments.delta: sequence_number i, item_id s, output_index i, delta s
          Event.response.function_call_arguments.done: sequence_number i, item_id s, output_index i, arguments s
          Event.response.reasoning_summary_part.added: sequence_number i, item_id s, output_index i, summary_index i, part Part.*
          Event.response.reasoning_summary_part.done: sequence_number i, item_id s, output_index i, summary_index i, part Part.*
          Event.response.reasoning_summary_text.delta: sequence_number i, item_id s, output_index i, summary_index i, delta s
          Event.response.reasoning_summary_text.done: sequence_number i, item_id s, output_index i, summary_index i, text s
          """);

  private OpenResponsesShapes() {}

  private static Map<String, String> read(String table) {
    Map<String, String> shapes = new LinkedHashMap<>();
    table.lines().map(line -> line.split(": ", 2)).forEach(shape -> shapes.put(shape[0], shape[1]));
    return shapes;
  }

  /** Names of the members that a shape requires. */
  static List<String> members(String shape) {
    return Arrays.stream(SHAPES.get(shape).split(", ")).map(m -> m.split(" ")[0]).toList();
  }

  /** What is wrong with a value that should have this shape; nothing when it has. */
  static List<String> faults(String shape, JsonNode value) {
    List<String> faults = new ArrayList<>();
    check("", shape, value, faults);
    return faults;
  }

  private static void check(String path, String type, JsonNode value, List<String> faults) {
    if (type.endsWith("?")) {
      if (!value.isNull()) {
        check(path, type.substring(0, type.length() - 1), value, faults);
      }
      return;
    }
    if (type.startsWith("=")) {
      isTrue(
          value.isString() && List.of(type.substring(1).split("/")).contains(value.asString()),
          path,
          type,
          value,
          faults);
      return;
    }
    if (type.startsWith("[")) {
      isTrue(value.isArray(), path, type, value, faults);
      for (int i = 0; i < value.size(); i++) {
        check(path + "[" + i + "]", type.substring(1, type.length() - 1), value.get(i), faults);
      }
      return;
    }
    switch (type) {
      case "s" -> isTrue(value.isString(), path, type, value, faults);
      case "i" -> isTrue(value.isIntegralNumber(), path, type, value, faults);
      case "n" -> isTrue(value.isNumber(), path, type, value, faults);
      case "b" -> isTrue(value.isBoolean(), path, type, value, faults);
      case "o" -> isTrue(value.isObject(), path, type, value, faults);
      case "a" -> {
        // Whatever it is.
      }
      default -> object(path, type, value, faults);
    }
  }

  private static void object(String path, String name, JsonNode value, List<String> faults) {
    String shape = name.replace("*", value.path("type").asString(""));
    if (!value.isObject() || !SHAPES.containsKey(shape)) {
      isTrue(false, path, shape, value, faults);
      return;
    }
    for (String member : SHAPES.get(shape).split(", ")) {
      String[] said = member.split(" ");
      String at = path + "." + said[0];
      if (value.has(said[0])) {
        check(at, said[1], value.get(said[0]), faults);
      } else {
        faults.add(at + " is missing");
      }
    }
  }

  private static void isTrue(
      boolean good, String path, String type, JsonNode value, List<String> faults) {
    if (!good) {
      faults.add(path + " is no " + type + ": " + value);
    }
  }
}
