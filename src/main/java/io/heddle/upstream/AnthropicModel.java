package io.heddle.upstream;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What a model takes of Anthropic Messages, which its name tells: what one generation asks for, the
 * next one refuses. Others than Claude speak the same form, and take what the first ones took.
 *
 * @param version of Claude, 406 for 4.6; of others 0
 * @param family {@code opus}, {@code sonnet}, or empty
 */
record AnthropicModel(boolean isClaude, int version, String family, Thinking thinking) {

  private static final Pattern NAME =
      Pattern.compile("claude-(?:([a-z]+)-)?([0-9]{1,2})(?:[-.]([0-9]{1,2}))?(?![0-9])");

  private static final Pattern FAMILY = Pattern.compile("claude-([a-z]+)");

  private static final int WITH_ADAPTIVE = 406;
  private static final int WITH_SCHEMAS = 405;
  private static final int WITH_ONE_SAMPLING = 401;
  private static final int NEWEST = 9900;

  static AnthropicModel of(String model, Thinking thinking) {
    String name = model.toLowerCase(Locale.ROOT);
    if (!name.contains("claude")) {
      return new AnthropicModel(false, 0, "", thinking);
    }
    Matcher version = NAME.matcher(name);
    if (version.find()) {
      int number = 100 * Integer.parseInt(version.group(2)) + number(version.group(3));
      return new AnthropicModel(true, number, word(version.group(1)), thinking);
    }
    Matcher family = FAMILY.matcher(name);
    return new AnthropicModel(true, NEWEST, family.find() ? word(family.group(1)) : "", thinking);
  }

  private static int number(@Nullable String text) {
    return text == null ? 0 : Integer.parseInt(text);
  }

  private static String word(@Nullable String text) {
    return text == null ? "" : text;
  }

  /** Whether it is told how many tokens it may think; else how hard it should. */
  boolean hasBudget() {
    return switch (thinking) {
      case BUDGET -> true;
      case ADAPTIVE -> false;
      case AUTO -> version < WITH_ADAPTIVE;
    };
  }

  /** Whether it takes {@code temperature} and its like while it does not think. */
  boolean takesSampling() {
    return hasBudget() || thinking == Thinking.AUTO && version == WITH_ADAPTIVE;
  }

  /** Whether it takes both {@code temperature} and {@code top_p}. */
  boolean takesBothSamplings() {
    return version < WITH_ONE_SAMPLING;
  }

  /** Whether arguments of calls can be held to a schema. */
  boolean takesStrict() {
    return isClaude && version >= WITH_SCHEMAS;
  }

  /** Whether it can be told not to think. */
  boolean canStopThinking() {
    return !family.equals("fable") && !family.equals("mythos");
  }

  /** Whether it may think without being asked to. */
  boolean mayThinkUnasked() {
    return !isClaude || !hasBudget();
  }

  /** Its word for an effort. */
  String effort(String effort) {
    return switch (effort) {
      case "none", "minimal" -> "low";
      case "xhigh" -> version > WITH_ADAPTIVE ? effort : "high";
      default -> effort;
    };
  }
}
