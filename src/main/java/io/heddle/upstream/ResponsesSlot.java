package io.heddle.upstream;

import io.heddle.json.Json;
import io.heddle.json.Utf8;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What is known of one item of an answer, and what of it was told. For one thread. */
final class ResponsesSlot {

  final String type;
  final Map<String, Part> parts = new LinkedHashMap<>(2);
  @Nullable String id;
  @Nullable String callId;
  @Nullable String name;
  @Nullable String phase;

  /** Which of the two forms of a thought is told. */
  @Nullable String thoughtKind;

  /** A thought that is whole. */
  @Nullable ResponsesItem thought;

  /** Arguments that came before the name. */
  StringBuilder early = new StringBuilder(0);

  /** Which call of the answer, -1 before it is told. */
  int call = -1;

  /** Where it stands in the text of the answer, -1 before it has said anything. */
  int from = -1;

  int to;

  ResponsesSlot(String type) {
    this.type = type;
  }

  /** What was told of a part: as much as it takes to see what of a whole text is still to tell. */
  static final class Part {
    private int length;
    private int hash;

    boolean isEmpty() {
      return length == 0;
    }

    String add(String text) {
      for (int i = 0; i < text.length(); i++) {
        hash = 31 * hash + text.charAt(i);
      }
      length += text.length();
      return text;
    }

    /** What is left of the whole text; nothing when it is not the one that was told. */
    String rest(String whole) {
      if (whole.length() <= length) {
        return "";
      }
      boolean goesOn = whole.substring(0, length).hashCode() == hash;
      return goesOn ? whole.substring(length) : "";
    }
  }

  boolean isMessage() {
    return type.equals("message");
  }

  boolean isThought() {
    return type.equals("reasoning");
  }

  boolean isCall() {
    return type.equals("function_call") || isCustom();
  }

  boolean isCustom() {
    return type.equals("custom_tool_call");
  }

  // ---- what the server wants back

  /** Whether an answer with it is not to be told by its text and calls alone. */
  boolean isKept() {
    return phase != null || isCustom() || keptThought() != null;
  }

  /** Null for what the next item may follow without it. */
  @Nullable Map<String, Object> kept() {
    if (isThought()) {
      return keptThought();
    }
    Map<String, Object> item = new LinkedHashMap<>();
    item.put("type", new StringBuilder(type));
    if (isMessage()) {
      put(item, "phase", phase);
      item.put("from", Json.of(String.valueOf(Math.max(0, from))));
      item.put("to", Json.of(String.valueOf(to)));
    } else if (isCall()) {
      put(item, "call_id", callId == null ? null : Utf8.mended(callId));
    }
    return item;
  }

  /**
   * A thought as the server takes it back; null for one that it would not: of its words nothing is
   * left, and it stores nothing. Where they are encrypted, the words themselves are refused.
   */
  private @Nullable Map<String, Object> keptThought() {
    ResponsesItem whole = thought;
    if (whole == null || whole.encrypted() == null && whole.content().isEmpty()) {
      return null;
    }
    Map<String, Object> item = new LinkedHashMap<>();
    item.put("type", new StringBuilder("reasoning"));
    put(item, "id", whole.id());
    item.put("summary", parts(whole.summary(), "summary_text"));
    if (whole.encrypted() == null) {
      item.put("content", parts(whole.content(), "reasoning_text"));
    }
    put(item, "encrypted_content", whole.encrypted());
    return item;
  }

  private static List<Object> parts(List<ResponsesItem.Part> parts, String type) {
    List<Object> all = new ArrayList<>(parts.size());
    for (ResponsesItem.Part part : parts) {
      Map<String, Object> one = new LinkedHashMap<>();
      one.put("type", new StringBuilder(part.type().isEmpty() ? type : part.type()));
      one.put("text", new StringBuilder(part.text()));
      all.add(one);
    }
    return all;
  }

  private static void put(Map<String, Object> item, String name, @Nullable String value) {
    if (value != null) {
      item.put(name, new StringBuilder(value));
    }
  }
}
