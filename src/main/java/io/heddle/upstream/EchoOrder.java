package io.heddle.upstream;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.json.Json;
import io.heddle.json.JsonValue;
import io.heddle.upstream.CallFailure.Blame;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.convert.DurationStyle;

/**
 * What a call asks of {@code echo} by the member {@code echo} of its parameters.
 *
 * @param pace from one word to the next
 * @param firstAfter before the first word
 * @param tokens how many words, the text again and again; 0: the text once
 * @param fail fail after this many words; -1: do not
 * @param error what it fails with
 * @param stall say nothing more after this many words; -1: do not
 * @param toolCall name and arguments of a tool call to make, or null
 * @param reasoning said before the text
 * @param refusal said in the place of the text, or null
 * @param function what becomes of the text
 * @param finish the reason of the end, or null for the usual one
 */
record EchoOrder(
    Duration pace,
    Duration firstAfter,
    int tokens,
    int fail,
    ProblemCode error,
    int stall,
    @Nullable Tool toolCall,
    String reasoning,
    @Nullable String refusal,
    EchoFunction function,
    @Nullable String finish) {

  private static final int MOST_TOKENS = 1_000_000;
  private static final Set<String> FINISHES =
      Set.of("stop", "length", "tool_calls", "content_filter");
  private static final Set<String> MEMBERS =
      Set.of(
          "pace",
          "firstAfter",
          "tokens",
          "fail",
          "error",
          "stall",
          "toolCall",
          "reasoning",
          "refusal",
          "function",
          "finish");

  /** A call of a tool; the arguments are JSON. */
  record Tool(String name, String arguments) {}

  /**
   * @param parameters of the call
   * @throws CallFailure {@code model-refused} for what it does not know
   */
  static EchoOrder of(Json parameters, EchoProperties defaults) {
    JsonValue order = JsonValue.of(parameters).members().get("echo");
    Map<String, JsonValue> in = order == null ? Map.of() : order.members();
    if (order != null && !order.isObject()) {
      throw refused("must be an object");
    }
    for (String name : in.keySet()) {
      if (!MEMBERS.contains(name)) {
        throw refused("does not know " + shortened(name));
      }
    }
    String function = string(in, "function", "echo");
    String finish = in.containsKey("finish") ? string(in, "finish", "") : null;
    if (finish != null && !FINISHES.contains(finish)) {
      throw refused("finish must be one of " + String.join(", ", FINISHES));
    }
    return new EchoOrder(
        duration(in, "pace", defaults.pace()),
        duration(in, "firstAfter", defaults.firstAfter()),
        number(in, "tokens"),
        place(in, "fail"),
        error(string(in, "error", ProblemCode.MODEL_FAILED.code())),
        place(in, "stall"),
        tool(in.get("toolCall")),
        string(in, "reasoning", ""),
        in.containsKey("refusal") ? string(in, "refusal", "") : null,
        EchoFunction.of(function)
            .orElseThrow(() -> refused("knows no function " + shortened(function))),
        finish);
  }

  static CallFailure refused(String what) {
    return new CallFailure(
        Problem.of(ProblemCode.MODEL_REFUSED, "The model echo refused the request: echo " + what)
            .with("upstreamStatus", 400),
        Blame.REQUEST);
  }

  private static @Nullable Tool tool(@Nullable JsonValue call) {
    if (call == null) {
      return null;
    }
    Map<String, JsonValue> members = call.members();
    JsonValue name = members.get("name");
    JsonValue arguments = members.get("arguments");
    if (name == null || !name.isString()) {
      throw refused("toolCall must be an object with a name");
    }
    return new Tool(
        name.text(),
        arguments == null ? "{}" : arguments.isString() ? arguments.text() : arguments.toString());
  }

  private static ProblemCode error(String code) {
    return switch (code) {
      case "model-failed" -> ProblemCode.MODEL_FAILED;
      case "model-refused" -> ProblemCode.MODEL_REFUSED;
      case "model-unavailable" -> ProblemCode.MODEL_UNAVAILABLE;
      case "model-timeout" -> ProblemCode.MODEL_TIMEOUT;
      default -> throw refused("error must be model-failed, -refused, -unavailable or -timeout");
    };
  }

  /** {@code "before"} is 0, {@code "after:5"} is 5. */
  private static int place(Map<String, JsonValue> in, String name) {
    String text = string(in, name, "");
    if (text.isEmpty()) {
      return -1;
    }
    if (text.equals("before")) {
      return 0;
    }
    if (text.matches("after:[0-9]{1,7}")) {
      return Integer.parseInt(text.substring("after:".length()));
    }
    throw refused(name + " must be \"before\" or \"after:5\"");
  }

  private static int number(Map<String, JsonValue> in, String name) {
    JsonValue value = in.get(name);
    if (value == null) {
      return 0;
    }
    if (!value.toString().matches("[0-9]{1,7}")
        || Integer.parseInt(value.toString()) > MOST_TOKENS) {
      throw refused(name + " must be 0 to " + MOST_TOKENS);
    }
    return Integer.parseInt(value.toString());
  }

  /** {@code "20ms"}, {@code "1s"}, or milliseconds as a number. */
  private static Duration duration(Map<String, JsonValue> in, String name, Duration usual) {
    JsonValue value = in.get(name);
    if (value == null) {
      return usual;
    }
    try {
      Duration duration =
          value.isString()
              ? DurationStyle.detectAndParse(value.text())
              : Duration.ofNanos(
                  new BigDecimal(value.toString()).movePointRight(6).longValueExact());
      if (!duration.isNegative() && duration.compareTo(EchoProperties.LONGEST) <= 0) {
        return duration;
      }
    } catch (IllegalArgumentException | ArithmeticException e) {
      // Refused below.
    }
    throw refused(name + " must be \"20ms\" or the like, up to 1h");
  }

  private static String string(Map<String, JsonValue> in, String name, String usual) {
    JsonValue value = in.get(name);
    if (value == null) {
      return usual;
    }
    if (!value.isString()) {
      throw refused(name + " must be a string");
    }
    return value.text();
  }

  private static String shortened(String text) {
    return text.length() <= 40 ? text : text.substring(0, 40);
  }
}
