package io.heddle.openai;

import io.heddle.json.JsonValue;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What OpenAI checks of a request's parameters. Other servers check less, or only when they are at
 * work: then a turn would fail that never could have succeeded. What OpenAI does not know is left
 * to the server that is asked.
 */
final class ParameterRanges {

  private static final int MOST_TOOLS = 128;
  private static final int MOST_STOPS = 4;
  private static final int LONGEST_KEY = 64;
  private static final int LONGEST_SCHEMA_NAME = 64;
  private static final int LONGEST_TOOL_NAME = 128;

  /** OpenAI takes fewer; others know periods, colons and letters of any language. */
  private static final Pattern NAME = Pattern.compile("[^\\s\\p{Cntrl}]+");

  private static final Set<String> CHOICES = set("none", "auto", "required");
  private static final Set<String> EFFORTS =
      set("none", "minimal", "low", "medium", "high", "xhigh", "max", "default");
  private static final Set<String> SUMMARIES = set("auto", "concise", "detailed", "none");
  private static final Set<String> VERBOSITIES = set("low", "medium", "high");
  private static final Set<String> MODES = set("auto", "required");

  /** Other servers' types of a choice on Chat Completions. */
  private static final Set<String> OTHER_CHOICES = set("auto", "none", "required", "any", "tool");

  private ParameterRanges() {}

  private static Set<String> set(String... words) {
    return new LinkedHashSet<>(List.of(words));
  }

  /** Those that both calls have. */
  private static void both(JsonValue body) {
    decimal(body, "temperature", 0, 2);
    decimal(body, "top_p", 0, 1);
    decimal(body, "presence_penalty", -2, 2);
    decimal(body, "frequency_penalty", -2, 2);
    body.flag("parallel_tool_calls");
    JsonValue options = body.get("stream_options");
    if (options != null) {
      options.object().flag("include_usage");
      options.object().flag("include_obfuscation");
    }
    for (String name :
        List.of("user", "safety_identifier", "prompt_cache_key", "service_tier", "model")) {
      body.text(name);
    }
    bounded(body.get("safety_identifier"), LONGEST_KEY);
    bounded(body.get("prompt_cache_key"), LONGEST_KEY);
    body.text("prompt_cache_retention");
    JsonValue tools = body.get("tools");
    if (tools != null) {
      int count = tools.array().size();
      if (count > MOST_TOOLS) {
        throw tools.refuseAs(
            "array_above_max_length", "has " + count + " tools; at most " + MOST_TOOLS);
      }
    }
  }

  static void responses(JsonValue body) {
    both(body);
    JsonValue calls = body.get("max_tool_calls");
    if (calls != null) {
      calls.integer(1, Integer.MAX_VALUE);
    }
    strings(body.get("include"), Integer.MAX_VALUE);
    JsonValue reasoning = body.get("reasoning");
    if (reasoning != null) {
      JsonValue fields = reasoning.object();
      oneOf(fields.get("effort"), EFFORTS);
      oneOf(fields.get("summary"), SUMMARIES);
      oneOf(fields.get("generate_summary"), SUMMARIES);
    }
    JsonValue text = body.get("text");
    if (text != null) {
      JsonValue fields = text.object();
      oneOf(fields.get("verbosity"), VERBOSITIES);
      JsonValue format = fields.get("format");
      if (format != null) {
        JsonValue of = format.object();
        if (of.required("type").text().equals("json_schema")) {
          schema(of);
          of.required("schema");
        }
      }
    }
  }

  static void chat(JsonValue body) {
    both(body);
    JsonValue seed = body.get("seed");
    if (seed != null) {
      seed.integer(Long.MIN_VALUE, Long.MAX_VALUE);
    }
    JsonValue stop = body.get("stop");
    if (stop != null && !stop.isString()) {
      strings(stop, MOST_STOPS);
    }
    for (String name : List.of("max_tokens", "max_completion_tokens")) {
      JsonValue most = body.get(name);
      if (most != null) {
        most.integer(1, Integer.MAX_VALUE);
      }
    }
    JsonValue bias = body.get("logit_bias");
    if (bias != null) {
      bias.object().members().values().forEach(each -> each.decimal(-100, 100));
    }
    oneOf(body.get("reasoning_effort"), EFFORTS);
    oneOf(body.get("verbosity"), VERBOSITIES);
    JsonValue format = body.get("response_format");
    if (format != null) {
      JsonValue of = format.object();
      if (of.required("type").text().equals("json_schema")) {
        schema(of.required("json_schema").object());
      }
    }
    Set<String> functions = new HashSet<>();
    Set<String> customs = new HashSet<>();
    JsonValue tools = body.get("tools");
    if (tools != null) {
      for (JsonValue tool : tools.array()) {
        JsonValue fields = tool.object();
        switch (fields.word("type")) {
          case "function" -> functions.add(function(fields.required("function").object()));
          case "custom" -> customs.add(chatCustom(fields.required("custom").object()));
          // The server's own.
          default -> {}
        }
      }
    }
    choice(body.get("tool_choice"), Map.of("function", functions, "custom", customs), tools);
  }

  private static void schema(JsonValue schema) {
    name(schema.required("name"), LONGEST_SCHEMA_NAME);
    schema.text("description");
    schema.flag("strict");
    JsonValue itself = schema.get("schema");
    if (itself != null) {
      itself.object();
    }
  }

  private static String name(JsonValue name, int most) {
    String text = name.text();
    if (text.isEmpty()) {
      throw name.refuse("is empty");
    }
    if (!NAME.matcher(text).matches()) {
      throw name.refuse("has a space or a control character");
    }
    bounded(name, most);
    return text;
  }

  private static void bounded(@Nullable JsonValue text, int most) {
    if (text != null && text.text().length() > most) {
      throw text.refuseAs("string_above_max_length", "is longer than " + most + " characters");
    }
  }

  /** The name of a custom tool that may be told to a model. */
  static String custom(JsonValue custom) {
    String name = name(custom.required("name"), LONGEST_TOOL_NAME);
    custom.text("description");
    return name;
  }

  /** Refuses a grammar of a custom tool that lacks what it is made of. */
  static void grammar(JsonValue grammar) {
    grammar.required("definition").text();
    grammar.required("syntax").text();
  }

  private static String chatCustom(JsonValue custom) {
    JsonValue format = custom.get("format");
    if (format != null && format.object().required("type").text().equals("grammar")) {
      grammar(format.object().required("grammar").object());
    }
    return custom(custom);
  }

  /** The name of a function that may be told to a model. */
  static String function(JsonValue function) {
    String name = name(function.required("name"), LONGEST_TOOL_NAME);
    function.text("description");
    function.flag("strict");
    JsonValue parameters = function.get("parameters");
    if (parameters != null) {
      parameters.object();
    }
    return name;
  }

  /**
   * The tools that a choice allows.
   *
   * @param allowed its {@code mode} and {@code tools}
   */
  static List<JsonValue> allowed(JsonValue allowed) {
    oneOf(allowed.get("mode"), MODES);
    JsonValue tools = allowed.required("tools");
    List<JsonValue> all = tools.array();
    if (all.isEmpty()) {
      throw tools.refuseAs("array_below_min_length", "is empty");
    }
    return all;
  }

  /**
   * @param names of the functions and of the custom tools among the tools, by their type
   */
  private static void choice(
      @Nullable JsonValue choice, Map<String, Set<String>> names, @Nullable JsonValue tools) {
    if (choice == null) {
      return;
    }
    if (choice.isString()) {
      oneOf(choice, CHOICES);
      if (choice.text().equals("required") && (tools == null || tools.array().isEmpty())) {
        throw choice.refuse("is required, and there are no 'tools'");
      }
      return;
    }
    JsonValue fields = choice.object();
    JsonValue type = fields.required("type");
    switch (type.text()) {
      case "function", "custom" -> named(fields, names);
      case "allowed_tools" -> {
        for (JsonValue tool : allowed(fields.required("allowed_tools").object())) {
          if (names.containsKey(tool.object().required("type").text())) {
            named(tool.object(), names);
          }
        }
      }
      default -> {
        if (!OTHER_CHOICES.contains(type.text()) && !hasTool(tools, type.text())) {
          throw type.refuse("must be function, custom or allowed_tools");
        }
      }
    }
  }

  /** Whether there is a tool of that type, which then is the server's own. */
  private static boolean hasTool(@Nullable JsonValue tools, String type) {
    return tools != null
        && tools.array().stream().anyMatch(tool -> tool.object().word("type").equals(type));
  }

  private static void named(JsonValue tool, Map<String, Set<String>> names) {
    String type = tool.word("type");
    JsonValue name = tool.required(type).object().required("name");
    if (!names.getOrDefault(type, Set.of()).contains(name.text())) {
      throw name.refuse("names no " + type + " of 'tools'");
    }
  }

  private static void decimal(JsonValue body, String name, int least, int most) {
    JsonValue value = body.get(name);
    if (value != null) {
      value.decimal(least, most);
    }
  }

  private static void strings(@Nullable JsonValue strings, int most) {
    if (strings == null) {
      return;
    }
    List<JsonValue> all = strings.array();
    if (all.size() > most) {
      throw strings.refuseAs("array_above_max_length", "has more than " + most + " elements");
    }
    all.forEach(JsonValue::text);
  }

  private static void oneOf(@Nullable JsonValue value, Set<String> words) {
    if (value != null && !words.contains(value.text())) {
      throw value.refuse("must be one of " + String.join(", ", words));
    }
  }
}
