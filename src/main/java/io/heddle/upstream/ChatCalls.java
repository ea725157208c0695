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
      Members kept,
      boolean takesUnknown,
      Dialect dialect) {
    Members.list(out, calls, call -> write(out, call, kept, takesUnknown, dialect));
  }

  private static void write(
      JsonWriter out,
      PromptMessage.Call call,
      Members kept,
      boolean takesUnknown,
      Dialect dialect) {
    JsonValue id = kept.isEmpty() ? null : call.id();
    Members added = id == null ? Members.NONE : kept.inner(id.text());
    boolean all = takesUnknown || OF_CALL.containsAll(call.members().all().keySet());
    boolean isFlat = !dialect.has(Dialect.Quirk.CUSTOM_TOOLS) && call.isCustom();
    Json arguments = dialect.has(Dialect.Quirk.OBJECT_ARGUMENTS) ? mended(call) : null;
    if (all
        && added.isEmpty()
        && arguments == null
        && !isFlat
        && !dialect.has(Dialect.Quirk.MISTRALS_FORMS)) {
      call.json().writeTo(out);
      return;
    }
    Map<String, JsonValue> members = new LinkedHashMap<>(call.members().all());
    if (!all) {
      members.keySet().retainAll(OF_CALL);
    }
    added.all().forEach(members::putIfAbsent);
    JsonValue ofFunction = added.all().get(FUNCTION);
    JsonValue custom = isFlat ? members.remove(CustomTools.TYPE) : null;
    if (custom != null) {
      // What else is there under this name is what a server said of it.
      ofFunction = members.put(FUNCTION, CustomTools.call(custom));
      members.put("type", FUNCTION_TYPE);
    }
    boolean isChanged = ofFunction != null || arguments != null || dialect.refusesUnknown();
    JsonValue more = ofFunction;
    new Members(members)
        .writeTo(
            out,
            (name, value) -> {
              if (name.equals("id")) {
                writeId(out, value, dialect);
              } else if (name.equals(FUNCTION) && isChanged) {
                writeFunction(out, value, more, arguments, dialect);
              } else {
                value.writeTo(out);
              }
            });
  }

  /** An id in the form that the server takes. */
  static void writeId(JsonWriter out, JsonValue id, Dialect dialect) {
    if (dialect.has(Dialect.Quirk.MISTRALS_FORMS) && id.isString()) {
      out.string(WireIds.ofNine(id.text()));
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

  private static void writeFunction(
      JsonWriter out,
      JsonValue function,
      @Nullable JsonValue added,
      @Nullable Json arguments,
      Dialect dialect) {
    Map<String, JsonValue> members = new LinkedHashMap<>(function.members());
    if (members.isEmpty()) {
      function.writeTo(out);
      return;
    }
    if (added != null) {
      added.members().forEach(members::putIfAbsent);
    }
    if (dialect.refusesUnknown()) {
      members.keySet().retainAll(OF_FUNCTION);
    }
    new Members(members)
        .writeTo(
            out,
            (name, value) -> {
              if (arguments != null && name.equals("arguments")) {
                out.string(arguments.toString());
              } else {
                value.writeTo(out);
              }
            });
  }
}
