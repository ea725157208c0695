package io.heddle.openai;

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
  private static void both(Fields body) {
    decimal(body, "temperature", 0, 2);
    decimal(body, "top_p", 0, 1);
    decimal(body, "presence_penalty", -2, 2);
    decimal(body, "frequency_penalty", -2, 2);
    body.flag("parallel_tool_calls");
    Value options = body.get("stream_options");
    if (options != null) {
      options.fields().flag("include_usage");
      options.fields().flag("include_obfuscation");
    }
    for (String name :
        List.of("user", "safety_identifier", "prompt_cache_key", "service_tier", "model")) {
      body.text(name);
    }
    bounded(body.get("safety_identifier"), LONGEST_KEY);
    bounded(body.get("prompt_cache_key"), LONGEST_KEY);
    body.text("prompt_cache_retention");
    Value tools = body.get("tools");
    if (tools != null) {
      int count = tools.elements().size();
      if (count > MOST_TOOLS) {
        throw tools.refuseAs(
            "array_above_max_length", "has " + count + " tools; at most " + MOST_TOOLS);
      }
    }
  }

  static void responses(Fields body) {
    both(body);
    Value calls = body.get("max_tool_calls");
    if (calls != null) {
      calls.integer(1, Integer.MAX_VALUE);
    }
    strings(body.get("include"), Integer.MAX_VALUE);
    Value reasoning = body.get("reasoning");
    if (reasoning != null) {
      Fields fields = reasoning.fields();
      oneOf(fields.get("effort"), EFFORTS);
      oneOf(fields.get("summary"), SUMMARIES);
      oneOf(fields.get("generate_summary"), SUMMARIES);
    }
    Value text = body.get("text");
    if (text != null) {
      Fields fields = text.fields();
      oneOf(fields.get("verbosity"), VERBOSITIES);
      Value format = fields.get("format");
      if (format != null) {
        Fields of = format.fields();
        if (of.required("type").text().equals("json_schema")) {
          schema(of);
          of.required("schema");
        }
      }
    }
  }

  static void chat(Fields body) {
    both(body);
    Value seed = body.get("seed");
    if (seed != null) {
      seed.integer(Long.MIN_VALUE, Long.MAX_VALUE);
    }
    Value stop = body.get("stop");
    if (stop != null && !stop.isString()) {
      strings(stop, MOST_STOPS);
    }
    for (String name : List.of("max_tokens", "max_completion_tokens")) {
      Value most = body.get(name);
      if (most != null) {
        most.integer(1, Integer.MAX_VALUE);
      }
    }
    Value bias = body.get("logit_bias");
    if (bias != null) {
      bias.fields().all().values().forEach(each -> each.decimal(-100, 100));
    }
    oneOf(body.get("reasoning_effort"), EFFORTS);
    oneOf(body.get("verbosity"), VERBOSITIES);
    Value format = body.get("response_format");
    if (format != null) {
      Fields of = format.fields();
      if (of.required("type").text().equals("json_schema")) {
        schema(of.required("json_schema").fields());
      }
    }
    Set<String> functions = new HashSet<>();
    Set<String> customs = new HashSet<>();
    Value tools = body.get("tools");
    if (tools != null) {
      for (Value tool : tools.elements()) {
        Fields fields = tool.fields();
        switch (fields.word("type")) {
          case "function" -> functions.add(function(fields.required("function").fields()));
          case "custom" -> customs.add(chatCustom(fields.required("custom").fields()));
          // The server's own.
          default -> {}
        }
      }
    }
    choice(body.get("tool_choice"), Map.of("function", functions, "custom", customs), tools);
  }

  private static void schema(Fields schema) {
    name(schema.required("name"), LONGEST_SCHEMA_NAME);
    schema.text("description");
    schema.flag("strict");
    Value itself = schema.get("schema");
    if (itself != null) {
      itself.fields();
    }
  }

  private static String name(Value name, int most) {
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

  private static void bounded(@Nullable Value text, int most) {
    if (text != null && text.text().length() > most) {
      throw text.refuseAs("string_above_max_length", "is longer than " + most + " characters");
    }
  }

  /** The name of a custom tool that may be told to a model. */
  static String custom(Fields custom) {
    String name = name(custom.required("name"), LONGEST_TOOL_NAME);
    custom.text("description");
    return name;
  }

  /** Refuses a grammar of a custom tool that lacks what it is made of. */
  static void grammar(Fields grammar) {
    grammar.required("definition").text();
    grammar.required("syntax").text();
  }

  private static String chatCustom(Fields custom) {
    Value format = custom.get("format");
    if (format != null && format.fields().required("type").text().equals("grammar")) {
      grammar(format.fields().required("grammar").fields());
    }
    return custom(custom);
  }

  /** The name of a function that may be told to a model. */
  static String function(Fields function) {
    String name = name(function.required("name"), LONGEST_TOOL_NAME);
    function.text("description");
    function.flag("strict");
    Value parameters = function.get("parameters");
    if (parameters != null) {
      parameters.fields();
    }
    return name;
  }

  /**
   * The tools that a choice allows.
   *
   * @param allowed its {@code mode} and {@code tools}
   */
  static List<Value> allowed(Fields allowed) {
    oneOf(allowed.get("mode"), MODES);
    Value tools = allowed.required("tools");
    List<Value> all = tools.elements();
    if (all.isEmpty()) {
      throw tools.refuseAs("array_below_min_length", "is empty");
    }
    return all;
  }

  /**
   * @param names of the functions and of the custom tools among the tools, by their type
   */
  private static void choice(
      @Nullable Value choice, Map<String, Set<String>> names, @Nullable Value tools) {
    if (choice == null) {
      return;
    }
    if (choice.isString()) {
      oneOf(choice, CHOICES);
      if (choice.text().equals("required") && (tools == null || tools.elements().isEmpty())) {
        throw choice.refuse("is required, and there are no 'tools'");
      }
      return;
    }
    Fields fields = choice.fields();
    Value type = fields.required("type");
    switch (type.text()) {
      case "function", "custom" -> named(fields, names);
      case "allowed_tools" -> {
        for (Value tool : allowed(fields.required("allowed_tools").fields())) {
          if (names.containsKey(tool.fields().required("type").text())) {
            named(tool.fields(), names);
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
  private static boolean hasTool(@Nullable Value tools, String type) {
    return tools != null
        && tools.elements().stream().anyMatch(tool -> tool.fields().word("type").equals(type));
  }

  private static void named(Fields tool, Map<String, Set<String>> names) {
    String type = tool.word("type");
    Value name = tool.required(type).fields().required("name");
    if (!names.getOrDefault(type, Set.of()).contains(name.text())) {
      throw name.refuse("names no " + type + " of 'tools'");
    }
  }

  private static void decimal(Fields body, String name, int least, int most) {
    Value value = body.get(name);
    if (value != null) {
      value.decimal(least, most);
    }
  }

  private static void strings(@Nullable Value strings, int most) {
    if (strings == null) {
      return;
    }
    List<Value> all = strings.elements();
    if (all.size() > most) {
      throw strings.refuseAs("array_above_max_length", "has more than " + most + " elements");
    }
    all.forEach(Value::text);
  }

  private static void oneOf(@Nullable Value value, Set<String> words) {
    if (value != null && !words.contains(value.text())) {
      throw value.refuse("must be one of " + String.join(", ", words));
    }
  }
}
