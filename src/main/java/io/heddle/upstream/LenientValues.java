package io.heddle.upstream;

import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/** Reads values in every form that servers give them. The parser stands at the value. */
final class LenientValues {

  /** Members of parts that are text. */
  private static final Set<String> WORDS =
      Set.of("text", "thinking", "reasoning", "content", "summary", "value");

  /** All that is text in it. */
  static String words(Object value) {
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
      default -> {}
    }
    return all.toString();
  }

  /** All that is text in a value that should be a string, and with some servers is not. */
  static String words(JsonParser in) {
    return switch (in.currentToken()) {
      case START_ARRAY -> {
        StringBuilder all = new StringBuilder();
        while (in.nextToken() != JsonToken.END_ARRAY) {
          all.append(words(in));
        }
        yield all.toString();
      }
      case START_OBJECT -> {
        StringBuilder all = new StringBuilder();
        while (in.nextToken() != JsonToken.END_OBJECT) {
          String name = in.currentName();
          in.nextToken();
          if (WORDS.contains(name)) {
            all.append(words(in));
          } else {
            in.skipChildren();
          }
        }
        yield all.toString();
      }
      // Some servers take a word of digits for a number.
      case VALUE_STRING, VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> in.getString();
      default -> "";
    };
  }

  /** A number that is no count is no index either. */
  static int index(JsonParser in) {
    boolean negative =
        in.currentToken() == JsonToken.VALUE_NUMBER_INT && in.getString().startsWith("-");
    boolean counts =
        switch (in.currentToken()) {
          case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> !negative;
          case VALUE_STRING -> isCount(in.getString());
          default -> false;
        };
    long value = number(in);
    return counts ? (int) Math.min(value, Integer.MAX_VALUE) : -1;
  }

  private static boolean isCount(String text) {
    return !text.isEmpty()
        && text.length() <= 15
        && text.chars().allMatch(c -> c >= '0' && c <= '9');
  }

  /** A count: what is not one, or cannot be, is 0. */
  static long number(JsonParser in) {
    switch (in.currentToken()) {
      case VALUE_NUMBER_INT -> {
        return in.getStringLength() <= 15 ? Math.max(0, in.getLongValue()) : 0;
      }
      case VALUE_NUMBER_FLOAT -> {
        double value = in.getStringLength() <= 32 ? in.getDoubleValue() : 0;
        return value >= 0 && value < 1e15 && value == Math.rint(value) ? (long) value : 0;
      }
      case VALUE_STRING -> {
        String text = in.getString();
        return isCount(text) ? Long.parseLong(text) : 0;
      }
      default -> {
        in.skipChildren();
        return 0;
      }
    }
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
