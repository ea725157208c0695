package io.heddle.upstream;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/** A message of a server, or a delta of one: what it says. */
final class ChatMessage {

  /** Members of a message that say nothing a server would want back. */
  private static final Set<String> KNOWN =
      Set.of(
          "role",
          "name",
          "index",
          "id",
          "object",
          "type",
          "tool_call_id",
          "prefix",
          "padding",
          "created",
          "model");

  /** Where thoughts were found; the first of them is believed. */
  private enum Thoughts {
    CONTENT,
    PLAIN,
    TEXT,
    THINKING,
    PARTS,
    DETAILS,
    NONE
  }

  private static final int NOWHERE = -1;

  private final byte[] json;
  private String text = "";
  private int textAt = NOWHERE;

  /** The words of what it says aloud. */
  private String spoken = "";

  private String reasoning = "";
  private Thoughts thoughts = Thoughts.NONE;
  private String refusal = "";
  private List<ToolCallDelta> calls = List.of();
  private @Nullable ToolCallDelta function;
  private Map<String, Object> unknown = Map.of();
  private @Nullable String thoughtsMember;
  private @Nullable String seal;

  /**
   * @param json that is read
   */
  ChatMessage(byte[] json) {
    this.json = json;
  }

  /** What nobody here understands. */
  Map<String, Object> unknown() {
    return unknown;
  }

  /** The member whose text the thoughts are, or would be if there were any; or null. */
  @Nullable String thoughtsMember() {
    return thoughtsMember;
  }

  /** With which the server signed the thoughts in a part of the content, or null. */
  @Nullable String seal() {
    return seal;
  }

  private void keep(String name, @Nullable Object value) {
    if (value != null) {
      unknown = unknown.isEmpty() ? new LinkedHashMap<>() : unknown;
      unknown.put(name, value);
    }
  }

  String text() {
    return text.isEmpty() ? spoken : text;
  }

  void say(String words) {
    text = words.isEmpty() ? text : words;
    textAt = NOWHERE;
  }

  /** Where the string begins that is all that it says; -1 when it says more, or in another form. */
  int textAt() {
    boolean isAll =
        spoken.isEmpty()
            && reasoning.isEmpty()
            && refusal.isEmpty()
            && calls().isEmpty()
            && unknown.isEmpty()
            && seal == null;
    return isAll && !text.isEmpty() ? textAt : NOWHERE;
  }

  String reasoning() {
    return reasoning;
  }

  String refusal() {
    return refusal;
  }

  /** Its tool calls; the one of the older {@code function_call} only when it has no others. */
  List<ToolCallDelta> calls() {
    return calls.isEmpty() && function != null ? List.of(function) : calls;
  }

  boolean isEmpty() {
    return text().isEmpty() && reasoning.isEmpty() && refusal.isEmpty() && calls().isEmpty();
  }

  /** Servers say the same thoughts under several names: the first name that has any is taken. */
  private void think(Thoughts as, @Nullable String member, String more) {
    if (thoughtsMember == null || !more.isEmpty() && as.compareTo(thoughts) <= 0) {
      thoughtsMember = member;
    }
    if (more.isEmpty() || as.compareTo(thoughts) > 0) {
      return;
    }
    reasoning = more;
    thoughts = as;
  }

  private void call(ToolCallDelta bit) {
    if (calls.isEmpty()) {
      calls = new ArrayList<>(2);
    }
    calls.add(bit);
  }

  /** As if nothing had been read. */
  void clear() {
    text = "";
    textAt = NOWHERE;
    spoken = "";
    reasoning = "";
    thoughts = Thoughts.NONE;
    refusal = "";
    unknown = Map.of();
    thoughtsMember = null;
    seal = null;
    calls = List.of();
    function = null;
  }

  // ---- reading

  /** Adds what the object says that the parser stands at, if it is one. */
  void read(JsonParser in) {
    if (in.currentToken() != JsonToken.START_OBJECT) {
      in.skipChildren();
      return;
    }
    while (in.nextToken() != JsonToken.END_OBJECT) {
      String name = in.currentName();
      in.nextToken();
      switch (name) {
        case "content" -> content(in);
        case "reasoning_content" -> think(in, Thoughts.CONTENT, name);
        case "reasoning" -> think(in, Thoughts.PLAIN, name);
        case "reasoning_text" -> think(in, Thoughts.TEXT, name);
        case "thinking" -> think(in, Thoughts.THINKING, name);
        case "reasoning_details" -> think(in, Thoughts.DETAILS, name);
        case "refusal" -> refusal = LenientValues.words(in);
        case "audio" -> audio(in);
        case "tool_calls" -> toolCalls(in);
        case "function_call" -> {
          if (in.currentToken() == JsonToken.START_OBJECT) {
            function = functionCall(in, "arguments");
          } else {
            in.skipChildren();
          }
        }
        default -> {
          if (KNOWN.contains(name)) {
            in.skipChildren();
          } else {
            keep(name, UnknownMembers.read(in));
          }
        }
      }
    }
  }

  private void audio(JsonParser in) {
    ServerJson.eachMember(
        in,
        name -> {
          if (name.equals("transcript")) {
            spoken = LenientValues.words(in);
          }
        });
  }

  /** What is no text is wanted back as it is. */
  private void think(JsonParser in, Thoughts as, String name) {
    if (!in.currentToken().isStructStart()) {
      boolean isText = in.currentToken() == JsonToken.VALUE_STRING;
      think(as, isText ? name : null, LenientValues.words(in));
      return;
    }
    Object value = UnknownMembers.read(in);
    if (value != null) {
      think(as, null, LenientValues.words(value));
      keep(name, value);
    }
  }

  /** Text, or a part, or parts and texts. */
  private void content(JsonParser in) {
    boolean isFirst = text.isEmpty();
    textAt = NOWHERE;
    switch (in.currentToken()) {
      case START_ARRAY -> {
        ContentParts parts = new ContentParts();
        while (in.nextToken() != JsonToken.END_ARRAY) {
          if (in.currentToken() == JsonToken.START_OBJECT) {
            parts.take(in);
          } else if (in.currentToken() == JsonToken.VALUE_STRING) {
            parts.take(in.getString());
          } else {
            in.skipChildren();
          }
        }
        take(parts);
      }
      case START_OBJECT -> {
        ContentParts parts = new ContentParts();
        parts.take(in);
        take(parts);
      }
      default -> {
        if (isFirst && in.currentToken() == JsonToken.VALUE_STRING) {
          textAt = (int) in.currentTokenLocation().getByteOffset();
        }
        String said = LenientValues.string(in);
        text = said == null ? text : said;
      }
    }
  }

  private void take(ContentParts parts) {
    text = parts.text().isEmpty() ? text : parts.text();
    think(Thoughts.PARTS, "content", parts.thoughts());
    seal = parts.seal();
    refusal = parts.refusal().isEmpty() ? refusal : parts.refusal();
  }

  private void toolCalls(JsonParser in) {
    if (in.currentToken() == JsonToken.START_OBJECT) {
      call(toolCall(in));
      return;
    }
    if (in.currentToken() != JsonToken.START_ARRAY) {
      in.skipChildren();
      return;
    }
    while (in.nextToken() != JsonToken.END_ARRAY) {
      if (in.currentToken() == JsonToken.START_OBJECT) {
        call(toolCall(in));
      } else {
        in.skipChildren();
      }
    }
  }

  /** Some servers leave {@code function} out, and have its members in the call itself. */
  private ToolCallDelta toolCall(JsonParser in) {
    int index = -1;
    String id = null;
    String called = null;
    String arguments = "";
    ToolCallDelta function = new ToolCallDelta(-1, null, null, "");
    boolean custom = false;
    Map<String, Object> unknown = Map.of();
    while (in.nextToken() != JsonToken.END_OBJECT) {
      String name = in.currentName();
      in.nextToken();
      if (name.equals("index")) {
        index = LenientValues.index(in);
      } else if (name.equals("id")) {
        id = LenientValues.scalar(in);
      } else if (name.equals("function") && in.currentToken() == JsonToken.START_OBJECT) {
        ToolCallDelta other = functionCall(in, "arguments");
        function = custom ? function : other;
      } else if (name.equals(CustomTools.TYPE) && in.currentToken() == JsonToken.START_OBJECT) {
        // Some servers have both members in each call, one of them empty.
        ToolCallDelta other = functionCall(in, CustomTools.INPUT);
        if (other.name() != null || !other.arguments().isEmpty()) {
          function = other;
          custom = true;
        }
      } else if (name.equals("type")) {
        in.skipChildren();
      } else if (name.equals("name")) {
        called = LenientValues.scalar(in);
      } else if (name.equals("arguments")) {
        arguments = arguments(in);
      } else {
        unknown = with(unknown, name, UnknownMembers.read(in));
      }
    }
    if (!function.unknown().isEmpty()) {
      unknown = with(unknown, custom ? CustomTools.TYPE : "function", function.unknown());
    }
    called = function.name() == null ? blankToNull(called) : function.name();
    arguments = function.arguments().isEmpty() ? arguments : function.arguments();
    return new ToolCallDelta(index, blankToNull(id), called, arguments, unknown, custom);
  }

  private static Map<String, Object> with(
      Map<String, Object> members, String name, @Nullable Object value) {
    if (value == null) {
      return members;
    }
    Map<String, Object> all = members.isEmpty() ? new LinkedHashMap<>() : members;
    all.put(name, value);
    return all;
  }

  /**
   * @param said the member that what it is called with is in
   */
  private ToolCallDelta functionCall(JsonParser in, String said) {
    String called = null;
    String arguments = "";
    String parameters = "";
    Map<String, Object> unknown = Map.of();
    while (in.nextToken() != JsonToken.END_OBJECT) {
      String member = in.currentName();
      in.nextToken();
      if (member.equals("name")) {
        called = LenientValues.scalar(in);
      } else if (member.equals(said)) {
        arguments = arguments(in);
      } else if (member.equals("parameters")) {
        // The name that some models have for them.
        parameters = arguments(in);
      } else {
        unknown = with(unknown, member, UnknownMembers.read(in));
      }
    }
    arguments = arguments.isEmpty() ? parameters : arguments;
    return new ToolCallDelta(-1, null, blankToNull(called), arguments, unknown, false);
  }

  /** Some servers say nothing as an empty text, or as a word. */
  private static @Nullable String blankToNull(@Nullable String text) {
    return text == null || text.isBlank() || text.equals("null") ? null : text;
  }

  /** A string that holds JSON; some servers send the JSON itself. */
  private String arguments(JsonParser in) {
    if (!in.currentToken().isStructStart()) {
      String text = LenientValues.string(in);
      return text == null ? "" : text;
    }
    return ServerJson.value(in, json).toString();
  }
}
