package io.heddle.upstream;

import io.heddle.base.JsonBuffer;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Writes tool calls as Chat Completions has them, with what their server said of them. */
final class ChatCalls {

  /** What a tool call has with every server. */
  private static final Set<String> OF_CALL = Set.of("id", "type", "function", "custom");

  private static final byte[] NO_ARGUMENTS =
      "\"arguments\":\"\"".getBytes(StandardCharsets.US_ASCII);

  private ChatCalls() {}

  /**
   * @param kept members to add, by id of call
   * @param takesUnknown whether members that the calls themselves have and not every server knows
   *     are told
   * @param takesCustom whether calls of custom tools are told as such, and not as functions
   */
  static void write(
      JsonBuffer out,
      List<PromptMessage.Call> calls,
      Map<String, Slice> kept,
      boolean takesUnknown,
      boolean takesCustom) {
    String before = "[";
    for (PromptMessage.Call call : calls) {
      boolean isFlat = !takesCustom && call.type().equals(CustomTools.TYPE);
      call(out.ascii(before), call, kept, takesUnknown, isFlat);
      before = ",";
    }
    out.ascii("]");
  }

  private static void call(
      JsonBuffer out,
      PromptMessage.Call call,
      Map<String, Slice> kept,
      boolean takesUnknown,
      boolean isFlat) {
    Slice id = kept.isEmpty() ? null : call.id();
    Slice more = id == null ? null : kept.get(id.text());
    Map<String, Slice> added = more == null ? Map.of() : more.members();
    boolean all = takesUnknown || OF_CALL.containsAll(call.members().keySet());
    boolean bare = call.json().contains(NO_ARGUMENTS);
    if (all && added.isEmpty() && !isFlat && !bare) {
      call.json().writeTo(out);
      return;
    }
    Map<String, Slice> members = new LinkedHashMap<>(call.members());
    if (!all) {
      members.keySet().retainAll(OF_CALL);
    }
    added.forEach(members::putIfAbsent);
    Slice ofFunction = added.get("function");
    String before = "{";
    for (Map.Entry<String, Slice> member : members.entrySet()) {
      out.ascii(before);
      before = ",";
      if (isFlat && member.getKey().equals(CustomTools.TYPE)) {
        CustomTools.call(member.getValue(), out.ascii("\"function\":"));
        continue;
      }
      out.string(member.getKey()).ascii(":");
      if (isFlat && member.getKey().equals("type")) {
        out.ascii("\"function\"");
      } else if ((bare || ofFunction != null) && member.getKey().equals("function")) {
        function(out, member.getValue(), ofFunction);
      } else {
        member.getValue().writeTo(out);
      }
    }
    out.ascii(before.equals("{") ? "{}" : "}");
  }

  /** No arguments are told as an object without members: many servers read them as JSON. */
  private static void function(JsonBuffer out, Slice function, @Nullable Slice added) {
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
    out.ascii("}");
  }

  private static boolean is(@Nullable Slice value, String text) {
    return value != null && value.isString() && value.text().equals(text);
  }
}
