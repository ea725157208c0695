package io.heddle.openai;

import io.heddle.json.Json;
import io.heddle.json.JsonValue;
import io.heddle.json.JsonWriter;
import io.heddle.session.Message;
import io.heddle.turn.Summary;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The items of a message; {@link ItemInput} says how the ones that clients made are stored. */
final class ItemOutput {

  private static final Json COMPLETED = Json.of("\"completed\"");

  private ItemOutput() {}

  /**
   * At least one.
   *
   * @param session the id of the message's, which the items' ids end with
   */
  static List<Item> items(Message message, String session) {
    Summary summary = Summary.of(message.body());
    if (summary != null) {
      return List.of(compaction(message, summary, session));
    }
    JsonValue body = OpenAiJson.object(message.body());
    String suffix = ItemIds.suffix(session, message.id(), body);
    JsonValue whole = whole(body);
    if (whole != null) {
      return List.of(kept(message, whole, body, suffix));
    }
    return switch (body.word("role")) {
      case "assistant" -> answer(message, body, suffix);
      case "tool" -> {
        String id = ItemIds.only(message.id(), ItemIds.OUTPUT) + suffix;
        yield List.of(new Item(id, message.id(), toolOutput(id, body)));
      }
      default -> {
        String id = ItemIds.only(message.id(), ItemIds.MESSAGE) + suffix;
        yield List.of(new Item(id, message.id(), said(id, body)));
      }
    };
  }

  private static Item compaction(Message message, Summary summary, String session) {
    String local = ItemIds.only(message.id(), ItemIds.COMPACTION);
    boolean ours = summary.number() > 0 || !local.equals(message.id());
    String id = ours ? local + ItemIds.suffix(session) : local;
    return new Item(id, message.id(), CompactionItem.json(id, message.body()));
  }

  static List<Item> items(List<Message> messages, String session) {
    return messages.stream().flatMap(message -> items(message, session).stream()).toList();
  }

  /**
   * The body of a message with some of its items only.
   *
   * @param wanted ids of items
   */
  static Json only(Json body, List<Item> all, Set<String> wanted) {
    if (all.stream().allMatch(item -> wanted.contains(item.id()))) {
      return body;
    }
    Set<String> types = new HashSet<>();
    List<Boolean> calls = new ArrayList<>();
    for (Item item : all) {
      String type = OpenAiJson.object(item.json()).word("type");
      boolean kept = wanted.contains(item.id());
      if (isCall(type)) {
        calls.add(kept);
      } else if (kept) {
        types.add(type);
      }
    }
    JsonWriter out = JsonWriter.object(body.length());
    OpenAiJson.object(body)
        .members()
        .forEach((name, value) -> {
          switch (name) {
            case "content" -> out.raw(name, types.contains("message") ? value.json() : null);
            case "refusal" -> keep(out, name, value, types.contains("message"));
            case "reasoning" -> keep(out, name, value, types.contains("reasoning"));
            case "toolCalls" -> {
              List<Json> kept = new ArrayList<>();
              List<JsonValue> elements = value.array();
              for (int i = 0; i < elements.size(); i++) {
                if (i < calls.size() && calls.get(i)) {
                  kept.add(elements.get(i).json());
                }
              }
              if (!kept.isEmpty()) {
                out.raw(name, Json.array(kept));
              }
            }
            default -> out.member(name, value);
          }
        });
    return out.done();
  }

  /** Whether an item of this type is one of an answer's {@code toolCalls}. */
  static boolean isCall(String type) {
    return type.equals(ItemInput.CALL) || type.equals(ItemInput.CUSTOM_CALL);
  }

  private static void keep(JsonWriter out, String name, JsonValue value, boolean keep) {
    if (keep) {
      out.member(name, value);
    }
  }

  /** The item of a body that is one item and has no id yet. */
  static JsonValue only(Json body) {
    JsonValue fields = OpenAiJson.object(body);
    Json item =
        switch (fields.word("role")) {
          case "tool" -> toolOutput("", fields);
          case "assistant" ->
              fields.has("toolCalls")
                  ? call("", StoredCall.of(fields).getFirst(), fields)
                  : said("", fields);
          default -> said("", fields);
        };
    return OpenAiJson.value(item);
  }

  // ---- items that clients made and messages cannot say

  /** The item that was kept whole, or null. */
  private static @Nullable JsonValue whole(JsonValue body) {
    JsonValue metadata = body.get("metadata");
    JsonValue kept =
        metadata == null || !metadata.isObject() ? null : metadata.object().get(ItemInput.WHOLE);
    if (kept != null && kept.isObject()) {
      return kept.object();
    }
    JsonValue content = body.get("content");
    if (content == null || !content.isArray()) {
      return null;
    }
    List<JsonValue> parts = content.array();
    if (parts.size() != 1 || !parts.getFirst().isObject()) {
      return null;
    }
    JsonValue part = parts.getFirst().object();
    JsonValue item = part.word("type").equals(ItemInput.PART) ? part.get("item") : null;
    return item != null && item.isObject() ? item.object() : null;
  }

  private static Item kept(Message message, JsonValue item, JsonValue body, String suffix) {
    String prefix =
        switch (item.word("type")) {
          case "", "message" -> ItemIds.MESSAGE;
          case ItemInput.CALL -> ItemIds.CALL;
          case "function_call_output" -> ItemIds.OUTPUT;
          case "reasoning" -> ItemIds.REASONING;
          default -> ItemIds.OTHER;
        };
    String id = ItemIds.only(message.id(), prefix) + suffix;
    boolean said = body.has("metadata") && prefix.equals(ItemIds.MESSAGE) && item.has("role");
    JsonWriter out = JsonWriter.object(item.length() + 128).string("id", id);
    item.members()
        .forEach((name, value) -> {
          if (!name.equals("id") && !(said && isText(name, value))) {
            out.member(name, value);
          }
        });
    if (said) {
      // What a message always has, and this one was not given, or not as parts.
      OpenAiJson.object(said(id, body))
          .members()
          .forEach((name, value) -> {
            JsonValue given = item.members().get(name);
            if (!name.equals("id") && (given == null || isText(name, given))) {
              out.member(name, value);
            }
          });
    }
    return new Item(id, message.id(), out.done());
  }

  private static boolean isText(String name, JsonValue value) {
    return name.equals("content") && value.isString();
  }

  // ---- messages

  private static Json said(String id, JsonValue body) {
    JsonValue content = body.get("content");
    Json parts =
        body.word("role").equals("assistant")
            ? Parts.output(content, body.get("refusal"))
            : Parts.input(content);
    return message(id, body.raw("status", COMPLETED), body.raw("role", Json.of("\"user\"")), parts);
  }

  static Json message(String id, Json status, Json role, Json content) {
    return JsonWriter.object(content.length() + 128)
        .string("id", id)
        .string("type", "message")
        .raw("status", status)
        .raw("role", role)
        .raw("content", content)
        .done();
  }

  private static List<Item> answer(Message message, JsonValue body, String suffix) {
    JsonValue content = body.get("content");
    JsonValue refusal = body.get("refusal");
    JsonValue reasoning = body.get("reasoning");
    List<StoredCall> toolCalls = StoredCall.of(body);
    boolean text =
        refusal != null
            || (toolCalls.isEmpty() && reasoning == null)
            || (content != null && !content.json().equals(Json.of("\"\"")));
    boolean single =
        !body.has("turn")
            && reasoning == null
            && (text ? toolCalls.isEmpty() : toolCalls.size() == 1);
    List<Item> items = new ArrayList<>(toolCalls.size() + 2);
    if (reasoning != null && reasoning.isString()) {
      String id = ItemIds.reasoning(message.id()) + suffix;
      items.add(new Item(id, message.id(), reasoning(id, reasoning.json(), COMPLETED)));
    }
    if (text) {
      String id = message.id() + suffix;
      items.add(new Item(id, message.id(), said(id, body)));
    }
    for (int i = 0; i < toolCalls.size(); i++) {
      String local =
          single ? ItemIds.only(message.id(), ItemIds.CALL) : ItemIds.call(message.id(), i);
      String id = local + suffix;
      items.add(new Item(id, message.id(), call(id, toolCalls.get(i), body)));
    }
    return items;
  }

  /** What was thought is its own summary too: many clients show nothing but summaries. */
  static Json reasoning(String id, Json text, Json status) {
    return JsonWriter.object(2 * text.length() + 256)
        .string("id", id)
        .string("type", "reasoning")
        .raw("summary", Json.array(List.of(Parts.thought("summary_text", text))))
        .raw("content", Json.array(List.of(Parts.thought("reasoning_text", text))))
        .raw("status", status)
        .done();
  }

  private static Json call(String id, StoredCall call, JsonValue body) {
    return called(
        call.isCustom(),
        id,
        call.fields().raw("id", Json.of("\"\"")),
        Namespaces.apart(call.name()),
        call.made().raw(call.argumentsName(), Json.of("\"\"")),
        body.raw("status", COMPLETED),
        OpaqueMembers.ofCall(body, call.fields()));
  }

  /**
   * @param custom whether it is of a custom tool, which the arguments are the input of
   * @param opaque members that the model's server added to the call, or null
   */
  static Json called(
      boolean custom,
      String id,
      Json callId,
      Namespaces.Name name,
      Json arguments,
      Json status,
      @Nullable Json opaque) {
    JsonWriter item =
        JsonWriter.object(arguments.length() + 256)
            .string("id", id)
            .string("type", custom ? ItemInput.CUSTOM_CALL : ItemInput.CALL)
            .raw("status", status)
            .raw(custom ? "input" : "arguments", arguments)
            .raw("call_id", callId)
            .string("name", name.name())
            .some("namespace", name.namespace());
    return OpaqueMembers.toItem(item, opaque).done();
  }

  private static Json toolOutput(String id, JsonValue body) {
    JsonValue content = body.get("content");
    return JsonWriter.object(content == null ? 128 : content.json().length() + 128)
        .string("id", id)
        .string("type", "function_call_output")
        .raw("status", body.raw("status", COMPLETED))
        .raw("call_id", body.raw("toolCallId", Json.of("\"\"")))
        .raw("output", Parts.toolOutput(content))
        .done();
  }
}
