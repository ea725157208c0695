package io.heddle.upstream;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.json.Json;
import io.heddle.json.JsonValue;
import io.heddle.upstream.CallFailure.Blame;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
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
    UnaryOperator<String> function,
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

  /** What becomes of the text: an answer that proves which input it is of. */
  private static final Map<String, UnaryOperator<String>> FUNCTIONS =
      Map.of(
          "echo", text -> text,
          "reverse", text -> new StringBuilder(text).reverse().toString(),
          "upper", text -> text.toUpperCase(Locale.ROOT),
          // 64 hex digits of the text's UTF-8.
          "sha256", text -> WireIds.hex(text, 32));

  /** A call of a tool; the arguments are JSON. */
  record Tool(String name, String arguments) {}

  /**
   * @param parameters of the call
   * @throws CallFailure {@code model-refused} for what it does not know
   */
  static EchoOrder of(Json parameters, EchoProperties defaults) {
    JsonValue order = Members.of(parameters).all().get("echo");
    if (order != null && !order.isObject()) {
      throw refused("must be an object");
    }
    Members in = Members.of(order);
    for (String name : in.all().keySet()) {
      if (!MEMBERS.contains(name)) {
        throw refused("does not know " + shortened(name));
      }
    }
    String named = string(in, "function", "echo");
    UnaryOperator<String> function = FUNCTIONS.get(named);
    if (function == null) {
      throw refused("knows no function " + shortened(named));
    }
    String finish = optional(in, "finish");
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
        tool(in.all().get("toolCall")),
        string(in, "reasoning", ""),
        optional(in, "refusal"),
        function,
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
    Members members = Members.of(call);
    String name = members.text("name");
    if (name == null) {
      throw refused("toolCall must be an object with a name");
    }
    JsonValue arguments = members.all().get("arguments");
    String given = arguments == null ? "{}" : arguments.toString();
    return new Tool(name, arguments != null && arguments.isString() ? arguments.text() : given);
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
  private static int place(Members in, String name) {
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

  private static int number(Members in, String name) {
    JsonValue value = in.all().get(name);
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
  private static Duration duration(Members in, String name, Duration usual) {
    JsonValue value = in.all().get(name);
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

  private static String string(Members in, String name, String usual) {
    String text = optional(in, name);
    return text == null ? usual : text;
  }

  private static @Nullable String optional(Members in, String name) {
    if (in.all().containsKey(name) && in.string(name) == null) {
      throw refused(name + " must be a string");
    }
    return in.text(name);
  }

  private static String shortened(String text) {
    return text.length() <= 40 ? text : text.substring(0, 40);
  }
}
