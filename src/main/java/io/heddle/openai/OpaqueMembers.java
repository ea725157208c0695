package io.heddle.openai;

import io.heddle.json.Json;
import io.heddle.json.JsonParsers;
import io.heddle.json.JsonValue;
import io.heddle.json.JsonWriter;
import io.heddle.session.Message;
import io.heddle.turn.Opaque;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.json.JsonFactory;

/**
 * What a model's server said beside what is known, on its way to clients and back: clients send
 * answers again with all that they had, and some servers refuse the next step of a tool loop
 * without it. A stored message has it under {@code upstream}, which names the server; on the wire
 * it stands where the server put it.
 */
final class OpaqueMembers {

  private static final String UPSTREAM = "upstream";
  private static final String ANNOTATIONS = "annotations";

  /** Members in which servers say their thoughts as text. */
  private static final List<String> THOUGHTS = List.of("reasoning_content", "reasoning");

  /** Members of an assistant's message that are known, or are the client's own notes. */
  private static final Set<String> OF_MESSAGE =
      Set.of(
          "role",
          "content",
          "name",
          "refusal",
          "tool_calls",
          "tool_call_id",
          "function_call",
          "audio",
          ANNOTATIONS,
          "parsed",
          "id",
          "index",
          "object",
          "type",
          "status",
          "metadata",
          "created",
          "created_at",
          "createdAt");

  private static final Set<String> OF_CALL = Set.of("index", "id", "type", "function", "custom");

  private static final Set<String> OF_ITEM =
      Set.of("id", "type", "status", "arguments", "input", "call_id", "name");

  /** What clients and OpenAI add to an item of a function call, and no server of Chat wants. */
  private static final Set<String> NOTES_OF_ITEM =
      Set.of("namespace", "created_by", "caller", "agent", "phase", "parsed_arguments", "metadata");

  private static final String SEAL = "heddle1.";

  private static final JsonFactory SEALED = JsonParsers.factory(48);

  private OpaqueMembers() {}

  // ---- from clients

  /** Adds what an assistant's message of Chat Completions has beside what is known. */
  static void ofClient(JsonValue message, JsonWriter stored) {
    String thoughts = null;
    JsonWriter others = null;
    for (Map.Entry<String, JsonValue> member : message.members().entrySet()) {
      String name = member.getKey();
      JsonValue value = member.getValue();
      if (OF_MESSAGE.contains(name) || value.isNull()) {
        continue;
      }
      if (thoughts == null && isThought(message, name)) {
        thoughts = name;
        stored.raw("reasoning", value.json());
      } else {
        others = (others == null ? JsonWriter.object(256) : others).member(name, value);
      }
    }
    if (thoughts == null && others == null) {
      return;
    }
    JsonWriter opaque = JsonWriter.object(256);
    opaque.some("reasoning", thoughts);
    if (others != null) {
      opaque.raw("message", others.done());
    }
    stored.raw(UPSTREAM, opaque.done());
  }

  private static boolean isThought(JsonValue message, String name) {
    return THOUGHTS.contains(name) && !message.word(name).isEmpty();
  }

  /** Adds to a tool call what its item has beside what is known. */
  static JsonWriter ofItem(JsonValue item, JsonWriter call) {
    item.members()
        .forEach((name, value) -> {
          if (!OF_ITEM.contains(name)
              && !OF_CALL.contains(name)
              && !NOTES_OF_ITEM.contains(name)
              && !value.isNull()) {
            call.member(name, value);
          }
        });
    return call;
  }

  // ---- to clients

  /** Adds to a tool call of Chat Completions what its server said of it. */
  static JsonWriter toCall(JsonWriter call, @Nullable Opaque opaque) {
    return opaque == null ? call : add(call, opaque.members(), OF_CALL);
  }

  /** Adds to an item of a function call what its server said of it. */
  static JsonWriter toItem(JsonWriter item, @Nullable Json members) {
    return members == null ? item : add(item, members, OF_ITEM);
  }

  /** Adds to a message of Chat Completions what its server said of it. */
  static JsonWriter toMessage(JsonWriter message, @Nullable Json members) {
    return members == null ? message : add(message, members, OF_MESSAGE);
  }

  /** The sources of an answer, which every message of Chat Completions has; perhaps none. */
  static Json annotations(@Nullable Json members) {
    JsonValue sources = members == null ? null : OpenAiJson.object(members).get(ANNOTATIONS);
    return sources != null && sources.isArray() ? sources.json() : Json.EMPTY_ARRAY;
  }

  /** What the server said of a stored tool call, or the client that sent it; null for nothing. */
  static @Nullable Json ofCall(JsonValue body, JsonValue call) {
    JsonValue opaque = body.get(UPSTREAM);
    JsonValue calls =
        opaque == null || !opaque.isObject() ? null : opaque.object().get("toolCalls");
    JsonValue ours =
        calls == null || !calls.isObject() ? null : calls.object().get(call.word("id"));
    if (ours != null && ours.isObject()) {
      return ours.json();
    }
    if (OF_CALL.containsAll(call.members().keySet())) {
      return null;
    }
    return add(JsonWriter.object(256), call.json(), OF_CALL).done();
  }

  /** What the server said of the answer that a turn came to; null for nothing. */
  static @Nullable Json ofAnswer(List<Message> output) {
    for (Message message : output) {
      JsonValue opaque = OpenAiJson.object(message.body()).get(UPSTREAM);
      JsonValue members =
          opaque == null || !opaque.isObject() ? null : opaque.object().get("message");
      if (members != null && members.isObject()) {
        return members.json();
      }
    }
    return null;
  }

  static @Nullable Json of(@Nullable Opaque opaque) {
    return opaque == null || opaque.members().length() <= 2 ? null : opaque.members();
  }

  // ---- sealed: for clients that keep answers themselves, and drop what they do not know

  /** What a server said, under its name, as the content of an item of the type reasoning. */
  static String sealed(Opaque by, @Nullable Json message, Map<String, Json> calls) {
    Json stored = Opaque.stored(by.upstream(), by.reasoning(), message, calls);
    return SEAL + Base64.getUrlEncoder().withoutPadding().encodeToString(stored.utf8());
  }

  /** What was sealed here; null for anything else. Clients may have made it: it is checked. */
  static @Nullable Json opened(String content) {
    if (!content.startsWith(SEAL)) {
      return null;
    }
    try {
      byte[] json = Base64.getUrlDecoder().decode(content.substring(SEAL.length()));
      JsonValue line = OpenAiJson.read(SEALED, json);
      return line.isObject() ? line.json() : null;
    } catch (RuntimeException _) {
      return null;
    }
  }

  private static JsonWriter add(JsonWriter to, Json members, Set<String> known) {
    OpenAiJson.object(members)
        .members()
        .forEach((name, value) -> {
          if (!known.contains(name)) {
            to.member(name, value);
          }
        });
    return to;
  }
}
