package io.heddle.upstream;

import io.heddle.json.Json;
import java.util.LinkedHashMap;
import java.util.Map;

/** A block of an answer's content, while it comes. */
final class AnthropicBlock {

  final String type;

  /** Which of the answer's calls it is, if it is one. */
  final int call;

  final StringBuilder thinking = new StringBuilder(0);
  final StringBuilder signature = new StringBuilder(0);
  String data = "";

  /** Arguments that came with its beginning. */
  String input = "";

  /** Whether any arguments were told. */
  boolean hasInput;

  AnthropicBlock(String type, int call) {
    this.type = type;
    this.call = call;
  }

  boolean isCall() {
    return type.equals("tool_use");
  }

  boolean isThought() {
    return type.endsWith("thinking");
  }

  /** Whether its server would take it back. */
  boolean isSigned() {
    return !signature.isEmpty() || !data.isEmpty();
  }

  /** Whether it has nothing that could be given back. */
  boolean isEmpty() {
    return size() == 0;
  }

  /** Characters of a thought. */
  int size() {
    return thinking.length() + signature.length() + data.length();
  }

  /**
   * A thought as it is kept.
   *
   * @param index which of the answer's thoughts
   * @param afterText how many characters of text stand before it
   * @param afterCalls how many calls
   */
  Map<String, Object> thought(int index, int afterText, int afterCalls) {
    Map<String, Object> members = new LinkedHashMap<>();
    members.put("type", new StringBuilder(type));
    if (type.equals("thinking")) {
      members.put("thinking", thinking);
      if (!signature.isEmpty()) {
        members.put("signature", signature);
      }
    } else {
      members.put("data", new StringBuilder(data));
    }
    members.put("index", number(index));
    if (afterText > 0) {
      members.put(AnthropicThoughts.AFTER_TEXT, number(afterText));
    }
    if (afterCalls > 0) {
      members.put(AnthropicThoughts.AFTER_CALLS, number(afterCalls));
    }
    return members;
  }

  private static Json number(int value) {
    return Json.of(Integer.toString(value));
  }
}
