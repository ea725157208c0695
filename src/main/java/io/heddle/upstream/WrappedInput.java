package io.heddle.upstream;

import io.heddle.json.Json;
import io.heddle.json.JsonParsers;
import io.heddle.json.SplitCharacters;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/**
 * The input of a custom tool as it comes in the arguments of the function that stands for it. It is
 * told bit by bit. Models that do not keep to the function's schema are understood where they can
 * be: another order of members is waited for, and what is no such object is the input itself.
 */
final class WrappedInput {

  private static final Pattern BEGIN =
      Pattern.compile("\\s*\\{\\s*\"" + CustomTools.INPUT + "\"\\s*:\\s*\"");

  private enum State {
    BEFORE,
    /** An object that does not begin with the input: all of it is waited for. */
    OTHER,
    INSIDE,
    BEHIND,
    PLAIN
  }

  private final SplitCharacters characters = new SplitCharacters();
  private State state = State.BEFORE;

  /** What came before the input. */
  private StringBuilder before = new StringBuilder(32);

  /** An escape that has begun. */
  private final StringBuilder escape = new StringBuilder(6);

  /** Characters that it keeps. */
  int kept() {
    return before.length();
  }

  /** What of the input is in the next bit of the arguments. */
  String take(String arguments) {
    return switch (state) {
      case BEFORE -> begin(arguments);
      case OTHER -> {
        before.append(arguments);
        yield "";
      }
      case INSIDE -> inside(arguments, 0);
      case BEHIND -> "";
      case PLAIN -> arguments;
    };
  }

  /** What is left of it at the end of the arguments. */
  String rest() {
    return state == State.BEFORE || state == State.OTHER
        ? other(before.toString())
        : characters.rest();
  }

  private String begin(String arguments) {
    before.append(arguments);
    String all = before.toString();
    String begun = all.stripLeading();
    if (begun.isEmpty()) {
      return "";
    }
    if (begun.charAt(0) != '{') {
      state = State.PLAIN;
      before = new StringBuilder(0);
      return all;
    }
    Matcher found = BEGIN.matcher(all);
    if (!found.lookingAt()) {
      state = found.hitEnd() ? State.BEFORE : State.OTHER;
      return "";
    }
    state = State.INSIDE;
    before = new StringBuilder(0);
    return inside(all, found.end());
  }

  private String inside(String text, int from) {
    StringBuilder out = new StringBuilder(text.length() - from);
    for (int i = from; i < text.length(); i++) {
      char c = text.charAt(i);
      if (!escape.isEmpty()) {
        escaped(c, out);
      } else if (c == '\\') {
        escape.append(c);
      } else if (c == '"') {
        state = State.BEHIND;
        break;
      } else {
        out.append(c);
      }
    }
    return characters.take(out.toString());
  }

  private void escaped(char c, StringBuilder out) {
    escape.append(c);
    if (escape.charAt(1) == 'u' && escape.length() < 6) {
      return;
    }
    switch (escape.charAt(1)) {
      case 'n' -> out.append('\n');
      case 't' -> out.append('\t');
      case 'r' -> out.append('\r');
      case 'b' -> out.append('\b');
      case 'f' -> out.append('\f');
      case 'u' -> {
        String digits = escape.substring(2);
        if (digits.matches("[0-9a-fA-F]{4}")) {
          out.append((char) Integer.parseInt(digits, 16));
        } else {
          out.append(escape);
        }
      }
      default -> out.append(c);
    }
    escape.setLength(0);
  }

  /** An object whose input is not its first member, or that has none. */
  private static String other(String json) {
    try (JsonParser in = JsonParsers.parser(Json.of(json).utf8())) {
      in.nextToken();
      while (in.nextToken() == JsonToken.PROPERTY_NAME) {
        String name = in.currentName();
        if (in.nextToken() == JsonToken.VALUE_STRING && name.equals(CustomTools.INPUT)) {
          return in.getString();
        }
        in.skipChildren();
      }
    } catch (JacksonException _) {
      // It is no JSON: so it is the input.
    }
    return json;
  }
}
