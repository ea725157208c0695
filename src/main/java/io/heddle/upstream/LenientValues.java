package io.heddle.upstream;

import io.heddle.json.Json;
import io.heddle.json.JsonValue;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/** Reads values in every form that servers give them. A parser stands at the value. */
final class LenientValues {

  private static final Pattern NUMBER = Pattern.compile("-?[0-9]+(\\.[0-9]+)?([eE][+-]?[0-9]+)?");

  /** Members of parts that are text. */
  private static final Set<String> WORDS =
      Set.of("text", "thinking", "reasoning", "content", "summary", "value");

  /** All that is text in a value of {@link UnknownMembers#read}. */
  static String words(@Nullable Object value) {
    StringBuilder all = new StringBuilder();
    switch (value) {
      case Map<?, ?> members ->
          members.forEach((name, member) -> {
            if (WORDS.contains(String.valueOf(name))) {
              all.append(words(member));
            }
          });
      case List<?> elements -> elements.forEach(element -> all.append(words(element)));
      case StringBuilder text -> all.append(text);
      case Json scalar when isNumber(scalar.toString()) -> all.append(scalar);
      case null, default -> {}
    }
    return all.toString();
  }

  /** All that is text in a value that should be a string, and with some servers is not. */
  static String words(JsonParser in) {
    return switch (in.currentToken()) {
      case START_ARRAY, START_OBJECT -> words(UnknownMembers.read(in));
      // Some servers take a word of digits for a number.
      case VALUE_STRING, VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> in.getString();
      default -> "";
    };
  }

  static String words(JsonValue value) {
    if (value.isString()) {
      return value.text();
    }
    try (JsonParser in = ServerJson.parser(value)) {
      return words(in);
    }
  }

  /** Which of several: -1 for what is no count. */
  static int index(JsonParser in) {
    return index(numeral(in), in.currentToken() == JsonToken.VALUE_STRING);
  }

  /** A string or a number as text; empty for everything else, which is skipped. */
  private static String numeral(JsonParser in) {
    JsonToken token = in.currentToken();
    in.skipChildren();
    return token == JsonToken.VALUE_STRING || token.isNumeric() ? in.getString() : "";
  }

  static int index(JsonValue value) {
    return index(value.isString() ? value.text() : value.toString(), value.isString());
  }

  private static int index(String text, boolean isText) {
    boolean counts = isCount(text) || !isText && isNumber(text) && !text.startsWith("-");
    return counts ? (int) Math.min(count(text, isText), Integer.MAX_VALUE) : -1;
  }

  /** A count: what is not one, or cannot be, is 0. */
  static long count(JsonParser in) {
    if (in.currentToken() == JsonToken.VALUE_NUMBER_INT && in.getStringLength() <= 15) {
      return Math.max(0, in.getLongValue());
    }
    return count(numeral(in), in.currentToken() == JsonToken.VALUE_STRING);
  }

  static long count(JsonValue value) {
    return count(value.isString() ? value.text() : value.toString(), value.isString());
  }

  private static long count(String text, boolean isText) {
    if (isCount(text)) {
      return Long.parseLong(text);
    }
    double value = !isText && isNumber(text) ? Double.parseDouble(text) : 0;
    return value >= 0 && value < 1e15 && value == Math.rint(value) ? (long) value : 0;
  }

  private static boolean isCount(String text) {
    return !text.isEmpty()
        && text.length() <= 15
        && text.chars().allMatch(c -> c >= '0' && c <= '9');
  }

  private static boolean isNumber(String text) {
    return text.length() <= 32 && NUMBER.matcher(text).matches();
  }

  /** A text; a number or a flag is the word that it is written as. */
  static @Nullable String string(JsonParser in) {
    return switch (in.currentToken()) {
      case VALUE_STRING, VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT, VALUE_TRUE, VALUE_FALSE ->
          in.getString();
      case VALUE_NULL -> null;
      default -> {
        String name = in.currentName();
        throw new ServerJson.UnexpectedJson(name + " is not a string");
      }
    };
  }

  /** A word or a number as text; null for everything else. */
  static @Nullable String scalar(JsonParser in) {
    if (in.currentToken() == JsonToken.VALUE_NULL || !in.currentToken().isScalarValue()) {
      in.skipChildren();
      return null;
    }
    return in.getString();
  }

  private LenientValues() {}
}
