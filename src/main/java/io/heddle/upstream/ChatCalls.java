package io.heddle.upstream;

import io.heddle.base.JsonBuffer;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Writes the tool calls of an answer as Chat Completions has them. */
final class ChatCalls {

  /** What a tool call has with every server. */
  private static final Set<String> OF_CALL = Set.of("id", "type", "function", "custom");

  private static final byte[] NO_ARGUMENTS =
      "\"arguments\":\"\"".getBytes(StandardCharsets.US_ASCII);

  private final JsonBuffer out;
  private final boolean takesUnknown;

  /**
   * @param takesUnknown whether members that the calls themselves have and not every server knows
   *     are told
   */
  ChatCalls(JsonBuffer out, boolean takesUnknown) {
    this.out = out;
    this.takesUnknown = takesUnknown;
  }

  /**
   * @param opaque members to add, by id of call
   */
  void write(Slice calls, @Nullable Slice opaque) {
    Map<String, Slice> added = opaque == null ? Map.of() : opaque.members();
    if (added.isEmpty() && takesUnknown && !calls.contains(NO_ARGUMENTS)) {
      calls.writeTo(out);
      return;
    }
    String before = "[";
    for (Slice call : calls.elements()) {
      out.ascii(before);
      call(call, added);
      before = ",";
    }
    out.ascii("]");
  }

  private void call(Slice call, Map<String, Slice> added) {
    if (!call.isObject()) {
      call.writeTo(out);
      return;
    }
    Map<String, Slice> members = new LinkedHashMap<>();
    call.members()
        .forEach((name, value) -> {
          if (takesUnknown || OF_CALL.contains(name)) {
            members.put(name, value);
          }
        });
    Slice id = members.get("id");
    Slice more = id != null && id.isString() ? added.get(id.text()) : null;
    Map<String, Slice> ofServer = more == null ? Map.of() : more.members();
    Slice function = members.get("function");
    if (id != null && function != null && is(ofServer.get("type"), ChatMessage.CUSTOM)) {
      custom(id, function);
      return;
    }
    ofServer.forEach(members::putIfAbsent);
    String before = "{";
    for (Map.Entry<String, Slice> member : members.entrySet()) {
      out.ascii(before).string(member.getKey()).ascii(":");
      if (member.getValue() == function) {
        function(function, ofServer.get("function"));
      } else {
        member.getValue().writeTo(out);
      }
      before = ",";
    }
    out.ascii(before.equals("{") ? "{}" : "}");
  }

  /** A call of a tool that takes any text, as its server made it. */
  private void custom(Slice id, Slice function) {
    Map<String, Slice> called = function.members();
    id.writeTo(out.ascii("{\"id\":"));
    text(called.get("name"), out.ascii(",\"type\":\"custom\",\"custom\":{\"name\":"));
    text(called.get("arguments"), out.ascii(",\"input\":"));
    out.ascii("}}");
  }

  private static void text(@Nullable Slice text, JsonBuffer out) {
    if (text == null) {
      out.ascii("\"\"");
    } else {
      text.writeTo(out);
    }
  }

  /** No arguments are told as an object without members: many servers read them as JSON. */
  private void function(Slice function, @Nullable Slice added) {
    Map<String, Slice> members = function.members();
    if (members.isEmpty()) {
      function.writeTo(out);
      return;
    }
    if (added != null) {
      added.members().forEach(members::putIfAbsent);
    }
    String before = "{";
    for (Map.Entry<String, Slice> member : members.entrySet()) {
      out.ascii(before).string(member.getKey()).ascii(":");
      if (member.getKey().equals("arguments") && is(member.getValue(), "")) {
        out.ascii("\"{}\"");
      } else {
        member.getValue().writeTo(out);
      }
      before = ",";
    }
    out.ascii(before.equals("{") ? "{}" : "}");
  }

  private static boolean is(@Nullable Slice value, String text) {
    return value != null && value.isString() && value.text().equals(text);
  }
}
