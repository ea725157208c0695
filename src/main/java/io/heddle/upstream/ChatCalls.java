package io.heddle.upstream;

import io.heddle.json.Json;
import io.heddle.json.JsonValue;
import io.heddle.json.JsonWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Writes tool calls as Chat Completions has them, with what their server said of them. */
final class ChatCalls {

  private static final String FUNCTION = "function";
  private static final JsonValue FUNCTION_TYPE = JsonValue.of(Json.of("\"function\""));

  /** What a tool call has with every server. */
  private static final Set<String> OF_CALL = Set.of("id", "type", FUNCTION, CustomTools.TYPE);

  private static final Set<String> OF_FUNCTION = Set.of("name", "arguments");

  private ChatCalls() {}

  /**
   * @param kept members to add, by id of call
   * @param takesUnknown whether members that the calls themselves have and not every server knows
   *     are told
   */
  static void write(
      JsonWriter out,
      List<PromptMessage.Call> calls,
      Map<String, JsonValue> kept,
      boolean takesUnknown,
      Dialect dialect) {
    out.ascii("[");
    for (PromptMessage.Call call : calls) {
      call(out.next(), call, kept, takesUnknown, dialect);
    }
    out.ascii("]");
  }

  private static void call(
      JsonWriter out,
      PromptMessage.Call call,
      Map<String, JsonValue> kept,
      boolean takesUnknown,
      Dialect dialect) {
    JsonValue id = kept.isEmpty() ? null : call.id();
    JsonValue more = id == null ? null : kept.get(id.text());
    Map<String, JsonValue> added = more == null ? Map.of() : more.members();
    boolean all = takesUnknown || OF_CALL.containsAll(call.members().keySet());
    boolean isFlat = !dialect.takesCustomTools() && call.type().equals(CustomTools.TYPE);
    Json arguments = dialect.wantsObjectArguments() ? mended(call) : null;
    if (all && added.isEmpty() && arguments == null && !isFlat && !dialect.hasItsOwnForms()) {
      call.json().writeTo(out);
      return;
    }
    Map<String, JsonValue> members = new LinkedHashMap<>(call.members());
    if (!all) {
      members.keySet().retainAll(OF_CALL);
    }
    added.forEach(members::putIfAbsent);
    JsonValue ofFunction = added.get(FUNCTION);
    JsonValue custom = isFlat ? members.remove(CustomTools.TYPE) : null;
    if (custom != null) {
      // What else is there under this name is what a server said of it.
      ofFunction = members.put(FUNCTION, CustomTools.call(custom));
      members.put("type", FUNCTION_TYPE);
    }
    out.ascii("{");
    for (Map.Entry<String, JsonValue> member : members.entrySet()) {
      out.next().string(member.getKey()).ascii(":");
      if (member.getKey().equals("id")) {
        id(out, member.getValue(), dialect);
      } else if (member.getKey().equals(FUNCTION)
          && (ofFunction != null || arguments != null || dialect.refusesUnknown())) {
        function(out, member.getValue(), ofFunction, arguments, dialect);
      } else {
        member.getValue().writeTo(out);
      }
    }
    out.ascii("}");
  }

  /** An id in the form that the server takes. */
  static void id(JsonWriter out, JsonValue id, Dialect dialect) {
    if (dialect.hasItsOwnForms() && id.isString()) {
      out.string(ChatCallIds.ofNine(id.text()));
    } else {
      id.writeTo(out);
    }
  }

  /** Arguments as an object; null when they are one, or there are none. */
  private static @Nullable Json mended(PromptMessage.Call call) {
    JsonValue arguments = call.type().equals(FUNCTION) ? call.arguments() : null;
    if (arguments == null) {
      return null;
    }
    String text = arguments.text();
    return ToolInput.isObject(Json.of(text)) ? null : ToolInput.object(text, false);
  }

  private static void function(
      JsonWriter out,
      JsonValue function,
      @Nullable JsonValue added,
      @Nullable Json arguments,
      Dialect dialect) {
    if (function.members().isEmpty()) {
      function.writeTo(out);
      return;
    }
    Map<String, JsonValue> members = new LinkedHashMap<>(function.members());
    if (added != null) {
      added.members().forEach(members::putIfAbsent);
    }
    if (dialect.refusesUnknown()) {
      members.keySet().retainAll(OF_FUNCTION);
    }
    out.ascii("{");
    for (Map.Entry<String, JsonValue> member : members.entrySet()) {
      out.next().string(member.getKey()).ascii(":");
      if (arguments != null && member.getKey().equals("arguments")) {
        out.string(arguments.toString());
      } else {
        member.getValue().writeTo(out);
      }
    }
    out.ascii("}");
  }
}
