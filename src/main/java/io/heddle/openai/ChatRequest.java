package io.heddle.openai;

import io.heddle.json.Json;
import io.heddle.json.JsonValue;
import io.heddle.json.JsonWriter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The request for a chat completion.
 *
 * @param messages as they are stored, the leading instructions left out
 * @param instructions what the leading system messages say, or null
 * @param prompt those messages, when their text is not all they say; else none
 * @param usage whether a stream is to end with what it took
 * @param parameters what the model's server is told beside messages and model, as it came
 * @param conversation the session that the metadata name, or null
 */
record ChatRequest(
    @Nullable String model,
    List<Json> messages,
    @Nullable String instructions,
    List<Json> prompt,
    boolean stream,
    boolean usage,
    Json parameters,
    @Nullable String conversation) {

  static final String CONVERSATION = "conversation_id";

  /** Members that are Heddle's to understand; everything else is the model's server's. */
  private static final Set<String> OWN =
      Set.of("model", "messages", "stream", "stream_options", "metadata", "store", "n");

  private static final byte[] ASSISTANT =
      "{\"role\":\"assistant\",".getBytes(StandardCharsets.US_ASCII);

  /** What the answers of Heddle have no place for. */
  private static final Set<String> UNSUPPORTED =
      Set.of("functions", "function_call", "audio", "moderation");

  static ChatRequest read(JsonValue body) {
    refuseUnsupported(body);
    ParameterRanges.chat(body);
    List<JsonValue> given = body.required("messages").array();
    if (given.isEmpty()) {
      throw OpenAiJson.refuse("messages", "must have at least one message");
    }
    JsonValue options = body.get("stream_options");
    JsonValue metadata = body.get("metadata");
    Metadata.read(metadata);
    int leading = leading(given);
    List<Json> messages = new ArrayList<>(given.size());
    for (JsonValue message : given.subList(leading, given.size())) {
      messages.add(message(message));
    }
    return new ChatRequest(
        body.text("model"),
        messages,
        instructions(given.subList(0, leading)),
        prompt(given.subList(0, leading)),
        body.flag("stream"),
        options != null && options.object().flag("include_usage"),
        parameters(body),
        metadata == null ? null : metadata.object().text(CONVERSATION));
  }

  /**
   * The messages that a thread does not have yet: clients of this wire send the whole of it each
   * time. New is what comes after the last answer; in an empty thread, everything.
   */
  List<Json> added(boolean empty) {
    if (empty) {
      return messages;
    }
    int from = messages.size();
    while (from > 0
        && !OpenAiJson.object(messages.get(from - 1)).word("role").equals("assistant")) {
      from--;
    }
    return messages.subList(from, messages.size());
  }

  /**
   * The same, without instructions that the thread has: some clients put theirs behind the
   * conversation each time, and the model would be told them once more with each turn.
   *
   * @param thread what it has, as it is stored
   */
  List<Json> added(List<Json> thread) {
    List<Json> added = added(thread.isEmpty());
    if (added.stream().noneMatch(ChatRequest::isInstruction)) {
      return added;
    }
    Map<Json, Integer> there = new HashMap<>();
    count(thread, 1, there);
    count(messages.subList(0, messages.size() - added.size()), -1, there);
    List<Json> left = new ArrayList<>(added.size());
    for (Json message : added) {
      if (!isInstruction(message) || there.merge(content(message), -1, Integer::sum) < 0) {
        left.add(message);
      }
    }
    return left;
  }

  private static void count(List<Json> messages, int each, Map<Json, Integer> counts) {
    for (Json message : messages) {
      if (isInstruction(message)) {
        counts.merge(content(message), each, Integer::sum);
      }
    }
  }

  private static boolean isInstruction(Json message) {
    String role = OpenAiJson.object(message).word("role");
    return role.equals("system") || role.equals("developer");
  }

  private static Json content(Json message) {
    return PendingToolCalls.content(OpenAiJson.object(message));
  }

  /**
   * Whether an answer and the tool calls that belong to it are messages of their own, which most
   * servers refuse.
   */
  boolean isSplit() {
    boolean before = false;
    for (Json message : messages) {
      boolean assistant = isAssistant(message.utf8());
      if (before && assistant && OpenAiJson.object(message).has("toolCalls")) {
        return true;
      }
      before = assistant;
    }
    return false;
  }

  /** Of a message that was made here, in which the role comes first. */
  private static boolean isAssistant(byte[] message) {
    int length = ASSISTANT.length;
    return message.length > length && Arrays.equals(message, 0, length, ASSISTANT, 0, length);
  }

  private static void refuseUnsupported(JsonValue body) {
    for (String name : UNSUPPORTED) {
      if (body.has(name)) {
        throw unsupported(name, "Heddle does not support '" + name + "'.");
      }
    }
    JsonValue choices = body.get("n");
    if (choices != null && choices.integer(1, 128) > 1) {
      throw unsupported("n", "Heddle gives one choice.");
    }
    if (body.flag("store")) {
      throw unsupported(
          "store", "Heddle does not store chat completions; name a session, or use Responses.");
    }
    JsonValue logprobs = body.get("top_logprobs");
    if (body.flag("logprobs") || (logprobs != null && logprobs.integer(0, 20) > 0)) {
      throw unsupported("logprobs", "Heddle does not pass on 'logprobs'.");
    }
    JsonValue modalities = body.get("modalities");
    if (modalities != null
        && modalities.array().stream().anyMatch(kind -> !kind.text().equals("text"))) {
      throw unsupported("modalities", "Heddle gives answers of text only.");
    }
  }

  private static WireException unsupported(String param, String what) {
    return WireError.unsupported(param, what).toException();
  }

  private static Json parameters(JsonValue body) {
    JsonWriter out = JsonWriter.object(256);
    out.given(body, name -> !OWN.contains(name));
    return out.done();
  }

  // ---- messages

  /** How many system messages, which have nothing but text, stand before all others. */
  private static int leading(List<JsonValue> messages) {
    int leading = 0;
    while (leading < messages.size() && text(messages.get(leading)) != null) {
      leading++;
    }
    return leading;
  }

  private static @Nullable String instructions(List<JsonValue> messages) {
    if (messages.isEmpty()) {
      return null;
    }
    List<String> texts = new ArrayList<>();
    for (JsonValue message : messages) {
      String text = text(message);
      if (text != null) {
        texts.add(text);
      }
    }
    return String.join("\n\n", texts);
  }

  /** Parts may have more than a text: marks for a cache. */
  private static List<Json> prompt(List<JsonValue> messages) {
    for (JsonValue message : messages) {
      JsonValue content = message.object().get("content");
      if (content != null
          && content.isArray()
          && content.array().stream().anyMatch(part -> part.object().members().size() > 2)) {
        return messages.stream().map(ChatRequest::message).toList();
      }
    }
    return List.of();
  }

  /** The text of a system message; null for any other. */
  private static @Nullable String text(JsonValue message) {
    JsonValue fields = message.object();
    String role = fields.word("role");
    JsonValue content = fields.get("content");
    if (content == null || (!role.equals("system") && !role.equals("developer"))) {
      return null;
    }
    if (content.isString()) {
      return content.text();
    }
    StringBuilder text = new StringBuilder();
    for (JsonValue part : content.array()) {
      JsonValue of = part.object();
      if (!of.word("type").equals("text")) {
        return null;
      }
      text.append(of.word("text"));
    }
    return text.toString();
  }

  private static Json message(JsonValue message) {
    JsonValue fields = message.object();
    String role = fields.required("role").text();
    switch (role) {
      case "user", "assistant", "system", "developer", "tool" -> {}
      case "function" ->
          throw unsupported(fields.pathOf("role"), "Heddle does not support functions; use tools.");
      default ->
          throw OpenAiJson.refuse(
              fields.pathOf("role"), "must be one of system, developer, user, assistant, tool");
    }
    JsonValue content = fields.get("content");
    JsonValue calls = fields.get("tool_calls");
    for (String name : List.of("function_call", "audio")) {
      if (fields.has(name)) {
        throw unsupported(
            fields.pathOf(name), "Heddle does not support '" + name + "' of a message.");
      }
    }
    boolean empty = content == null && calls == null && !fields.has("refusal");
    // Clients send again what they were given, also an answer or an output without a word.
    boolean mayBeEmpty = role.equals("assistant") || role.equals("tool");
    if (empty && !mayBeEmpty) {
      throw OpenAiJson.missing(fields.pathOf("content"));
    }
    JsonWriter out = JsonWriter.object(message.json().length() + 64).string("role", role);
    boolean nothing = content != null && content.json().equals(Json.EMPTY_ARRAY);
    if (mayBeEmpty && (empty || nothing && calls == null)) {
      // An answer without a word is told to no model, an output is.
      out.string("content", role.equals("tool") ? "" : null);
    } else {
      out.raw("content", content == null ? null : Parts.stored(content));
    }
    out.some("name", fields.string("name")).some("refusal", fields.string("refusal"));
    out.string("status", "completed");
    if (calls != null && hasCalls(calls)) {
      out.raw("toolCalls", calls.json());
    }
    if (role.equals("assistant")) {
      OpaqueMembers.ofClient(fields, out);
    }
    Json callId = fields.string("tool_call_id");
    if (role.equals("tool") && callId == null) {
      throw OpenAiJson.missing(fields.pathOf("tool_call_id"));
    }
    return out.some("toolCallId", callId).done();
  }

  /** Whether there are any; each says what is called. */
  private static boolean hasCalls(JsonValue calls) {
    List<JsonValue> all = calls.array();
    for (JsonValue call : all) {
      JsonValue fields = call.object();
      String type = fields.word("type").equals("custom") ? "custom" : "function";
      fields.required(type).object().requiredString("name");
    }
    return !all.isEmpty();
  }
}
