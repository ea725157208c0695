package io.heddle.upstream;

import io.heddle.json.Json;
import io.heddle.json.JsonValue;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Reads stored messages, and cuts texts into words, for {@code echo}. */
final class EchoText {

  /** A word with the space behind it; the first one also has what stands before it. */
  private static final Pattern WORD = Pattern.compile("\\A?\\s*+\\S++\\s*+");

  private static final Pattern COUNTED = Pattern.compile("\\S++");

  private EchoText() {}

  /** The last message, when it is a tool's output. */
  static boolean endsWithToolOutput(List<Json> messages) {
    return !messages.isEmpty() && role(JsonValue.of(messages.getLast()).members()).equals("tool");
  }

  /** Of the last message of a user; of the last one if it is a tool's output, or there is none. */
  static String toAnswer(List<Json> messages) {
    if (messages.isEmpty()) {
      return "";
    }
    if (!endsWithToolOutput(messages)) {
      for (Json message : messages.reversed()) {
        Map<String, JsonValue> members = JsonValue.of(message).members();
        if (role(members).equals("user")) {
          return text(members.get("content"));
        }
      }
    }
    return text(JsonValue.of(messages.getLast()).members().get("content"));
  }

  /** Words of all texts. */
  static long count(@Nullable String system, List<Json> messages) {
    long count = system == null ? 0 : count(system);
    for (Json message : messages) {
      count += count(text(JsonValue.of(message).members().get("content")));
    }
    return count;
  }

  static long count(String text) {
    return COUNTED.matcher(text).results().count();
  }

  /** Put together they are the text. */
  static List<String> words(String text) {
    List<String> words = new ArrayList<>();
    Matcher matcher = WORD.matcher(text);
    int end = 0;
    while (matcher.find()) {
      words.add(matcher.group());
      end = matcher.end();
    }
    if (end < text.length()) {
      words.add(text.substring(end));
    }
    return words;
  }

  /** So many words, from the beginning again when they have run out. */
  static String word(List<String> words, int place) {
    String word = words.get(place % words.size());
    boolean again = place % words.size() == words.size() - 1;
    return again && !Character.isWhitespace(word.charAt(word.length() - 1)) ? word + " " : word;
  }

  private static String role(Map<String, JsonValue> members) {
    JsonValue role = members.get("role");
    return role != null && role.isString() ? role.text() : "";
  }

  private static String text(@Nullable JsonValue content) {
    if (content == null) {
      return "";
    }
    if (content.isString()) {
      return content.text();
    }
    StringBuilder text = new StringBuilder();
    for (JsonValue part : content.elements()) {
      JsonValue said = part.members().get("text");
      if (said != null && said.isString()) {
        text.append(said.text());
      }
    }
    return text.toString();
  }
}
