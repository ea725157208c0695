package io.heddle.openai;

import io.heddle.base.SessionKey;
import io.heddle.json.Json;
import io.heddle.json.JsonValue;
import io.heddle.json.JsonWriter;
import io.heddle.session.NewMessage;
import io.heddle.turn.ItemPart;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Makes a message of an item. What the message cannot say is kept beside it, so that every item is
 * given back with all it had:
 *
 * <ul>
 *   <li>{@code message}, {@code function_call}, {@code custom_tool_call} and their outputs become
 *       messages that any chat model understands; an item with more than those have is kept whole
 *       in the message's metadata under {@value #WHOLE};
 *   <li>any other item is a message with one part of the type {@value #PART}, which no model is
 *       told.
 * </ul>
 */
final class ItemInput {

  static final String WHOLE = "openai.item";
  static final String PART = ItemPart.TYPE;
  static final String REFERENCE = "item_reference";
  static final String CALL = "function_call";
  static final String CUSTOM_CALL = "custom_tool_call";

  private static final String COMPLETED = "completed";

  private ItemInput() {}

  /**
   * The type of an item; a message and a reference, which is nothing but an id, may leave it out.
   */
  static String type(JsonValue item) {
    JsonValue fields = item.object();
    JsonValue type = fields.get("type");
    if (type != null) {
      return type.text();
    }
    if (!fields.has("role")) {
      if (fields.has("id") && fields.members().size() <= 2) {
        return REFERENCE;
      }
      throw OpenAiJson.missing(fields.pathOf("type"));
    }
    return "message";
  }

  static NewMessage message(JsonValue item) {
    JsonValue fields = item.object();
    String type = type(item);
    if (CompactionItem.isOne(type)) {
      // Numbers are of the thread that the summary was made for.
      ItemIds.Made made = ItemIds.made(fields.word("id"));
      boolean own = made == null || made.session() == null;
      return new NewMessage(own ? id(fields) : null, CompactionItem.body(fields));
    }
    if (type.equals(CompactionItem.TRIGGER)) {
      throw OpenAiJson.refuse(
          fields.pathOf("type"), "must be the last item of the input of a request for a response");
    }
    String id = id(fields);
    Json mapped =
        switch (type) {
          case "message" -> said(fields);
          case CALL -> call(fields, false);
          case CUSTOM_CALL -> call(fields, true);
          case "function_call_output", "custom_tool_call_output" -> output(fields);
          default -> null;
        };
    if (mapped == null) {
      return new NewMessage(id, other(item, fields));
    }
    JsonValue shown = ItemOutput.only(mapped).object();
    boolean whole =
        fields.members().entrySet().stream()
            .filter(member -> !member.getKey().equals("id"))
            .allMatch(member -> JsonSubset.covers(shown.get(member.getKey()), member.getValue()));
    return new NewMessage(id, whole ? mapped : with(mapped, item.json()));
  }

  /** The id that an item keeps: its own, unless Heddle made it for another place. */
  private static @Nullable String id(JsonValue fields) {
    String id = fields.text("id");
    if (id == null || id.isEmpty() || ItemIds.isPlace(id)) {
      return null;
    }
    ItemIds.Made made = ItemIds.made(id);
    if (made != null && made.session() != null) {
      return made.local();
    }
    if (!SessionKey.isId(id)) {
      throw OpenAiJson.refuse(fields.pathOf("id"), "must be [A-Za-z0-9._:@-]{1,128}");
    }
    return id;
  }

  /** Null for a role that items may have, and no chat model has. */
  private static @Nullable Json said(JsonValue fields) {
    JsonValue said = fields.required("role");
    String role = said.text();
    return switch (role) {
      case "user", "assistant", "system", "developer" -> {
        JsonValue content =
            role.equals("assistant") && !fields.has("content")
                ? OpenAiJson.value(Json.of("\"\""), fields.pathOf("content"))
                : fields.required("content");
        yield JsonWriter.object(content.json().length() + 96)
            .string("role", role)
            .raw("content", Parts.stored(content))
            .string("status", status(fields))
            .done();
      }
      case "unknown", "critic", "discriminator", "tool" -> null;
      default -> throw said.refuse("must be one of user, assistant, system, developer");
    };
  }

  private static Json call(JsonValue fields, boolean custom) {
    Json name = fields.requiredString("name");
    String namespace = fields.word("namespace");
    if (!namespace.isEmpty()) {
      name = Json.text(Namespaces.flat(namespace, fields.word("name")));
    }
    String type = custom ? "custom" : "function";
    String member = custom ? "input" : "arguments";
    Json function =
        JsonWriter.object(128).raw("name", name).raw(member, fields.requiredString(member)).done();
    Json call =
        OpaqueMembers.ofItem(
                fields,
                JsonWriter.object(fields.length() + 96)
                    .raw("id", fields.requiredString("call_id"))
                    .string("type", type)
                    .raw(type, function))
            .done();
    return JsonWriter.object(call.length() + 96)
        .string("role", "assistant")
        .raw("content", null)
        .string("status", status(fields))
        .raw("toolCalls", Json.array(List.of(call)))
        .done();
  }

  private static Json output(JsonValue fields) {
    JsonValue output = Parts.textOrParts(fields.required("output"));
    if (output.isArray()) {
      Parts.check(output);
    }
    return JsonWriter.object(output.json().length() + 96)
        .string("role", "tool")
        .raw("content", output.json())
        .string("status", status(fields))
        .raw("toolCallId", fields.requiredString("call_id"))
        .done();
  }

  private static Json other(JsonValue item, JsonValue fields) {
    // What a tool of the client's answers is the user's, everything else the model's.
    boolean answer = fields.word("type").endsWith("_output");
    Json part =
        JsonWriter.object(item.json().length() + 48)
            .string("type", PART)
            .raw("item", item.json())
            .done();
    boolean thought = fields.word("type").equals("reasoning");
    return JsonWriter.object(2 * part.length() + 96)
        .string("role", answer || "user".equals(fields.word("role")) ? "user" : "assistant")
        .raw("content", Json.array(List.of(part)))
        .some("reasoning", thought ? thoughts(fields) : null)
        .some("upstream", thought ? OpaqueMembers.opened(fields.word("encrypted_content")) : null)
        .string("status", COMPLETED)
        .done();
  }

  /** What a model thought, for servers that want it back: all of it, or else its summary. */
  private static @Nullable String thoughts(JsonValue reasoning) {
    for (String name : List.of("content", "summary")) {
      JsonValue parts = reasoning.get(name);
      if (parts != null && parts.isArray()) {
        String text =
            parts.array().stream()
                .filter(JsonValue::isObject)
                .map(part -> part.object().word("text"))
                .filter(said -> !said.isEmpty())
                .collect(Collectors.joining("\n\n"));
        if (!text.isEmpty()) {
          return text;
        }
      }
    }
    return null;
  }

  private static Json with(Json message, Json item) {
    Json metadata = JsonWriter.object(item.length() + 32).raw(WHOLE, item).done();
    JsonWriter out = JsonWriter.object(message.length() + metadata.length() + 16);
    OpenAiJson.object(message).members().forEach(out::member);
    return out.raw("metadata", metadata).done();
  }

  private static String status(JsonValue fields) {
    String status = fields.word("status");
    return status.isEmpty() || status.equals(COMPLETED) ? COMPLETED : "incomplete";
  }
}
