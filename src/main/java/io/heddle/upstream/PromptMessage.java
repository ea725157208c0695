package io.heddle.upstream;

import io.heddle.json.Json;
import io.heddle.json.JsonValue;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A stored message as model servers are told it, whatever their form: role, ordered parts,
 * thoughts, tool calls, refusal, and what one server said for itself. All kinds of model servers
 * translate from here. Values are slices of the stored JSON, so that what is copied on is copied
 * byte for byte.
 */
final class PromptMessage {

  private final Map<String, JsonValue> members;
  private final String role;

  private PromptMessage(Map<String, JsonValue> members) {
    this.members = members;
    JsonValue said = members.get("role");
    role = said != null && said.isString() ? said.text() : "";
  }

  static PromptMessage of(Json body) {
    return new PromptMessage(JsonValue.of(body).members());
  }

  static List<PromptMessage> of(List<Json> bodies) {
    List<PromptMessage> messages = new ArrayList<>(bodies.size());
    for (Json body : bodies) {
      messages.add(of(body));
    }
    return messages;
  }

  /**
   * {@code system}, {@code developer}, {@code user}, {@code assistant}, {@code tool}, or a word.
   */
  String role() {
    return role;
  }

  boolean isFrom(String from) {
    return role.equals(from);
  }

  /** A member as it is stored; null for none and for null. */
  @Nullable JsonValue member(String name) {
    JsonValue value = members.get(name);
    return value == null || value.isNull() ? null : value;
  }

  private @Nullable JsonValue string(String name) {
    JsonValue value = members.get(name);
    return value != null && value.isString() ? value : null;
  }

  private @Nullable JsonValue words(String name) {
    JsonValue text = string(name);
    return text == null || isEmpty(text) ? null : text;
  }

  /** Whether it is a string without a character. */
  static boolean isEmpty(JsonValue value) {
    return value.isString() && value.length() == 2;
  }

  /**
   * Those of its parts that a model is told. Items that clients stored are those of other servers,
   * or of tools that only their server runs.
   */
  List<PromptPart> told() {
    List<PromptPart> told = parts();
    told.removeIf(PromptPart.Item.class::isInstance);
    return told;
  }

  /** In order; a text alone is one part. Parts of the Responses wire are among them. */
  List<PromptPart> parts() {
    JsonValue content = member("content");
    if (content == null) {
      return new ArrayList<>(0);
    }
    if (content.isString()) {
      List<PromptPart> text = new ArrayList<>(1);
      if (!isEmpty(content)) {
        text.add(new PromptPart.Text(content, null));
      }
      return text;
    }
    List<JsonValue> stored = content.elements();
    List<PromptPart> parts = new ArrayList<>(stored.size());
    for (JsonValue part : stored) {
      parts.add(PromptPart.of(part));
    }
    return parts;
  }

  /** The words with which an answer refused, or null. */
  @Nullable JsonValue refusal() {
    return words("refusal");
  }

  /** What a model thought before it said the rest, or null. */
  @Nullable JsonValue reasoning() {
    return words("reasoning");
  }

  /** Whether it has a list of tool calls, be it empty. */
  boolean hasCalls() {
    return members.containsKey("toolCalls");
  }

  /** Of an answer, in order. */
  List<Call> calls() {
    JsonValue calls = members.get("toolCalls");
    if (calls == null) {
      return List.of();
    }
    List<Call> all = new ArrayList<>();
    for (JsonValue call : calls.elements()) {
      if (call.isObject()) {
        all.add(new Call(call.members(), call));
      }
    }
    return all;
  }

  /** The call whose output this is, or null. */
  @Nullable JsonValue toolCallId() {
    return string("toolCallId");
  }

  /** Whether a model answered it here; otherwise a client sent it. */
  boolean isAnswer() {
    return members.containsKey("turn");
  }

  /** What a server said beside the answer, or a client for the server that it asks. */
  Kept kept() {
    JsonValue kept = members.get("upstream");
    Map<String, JsonValue> all = kept == null ? Map.of() : kept.members();
    return all.isEmpty() ? Kept.NOTHING : new Kept(all);
  }

  /**
   * Whether the upstream of this name is told what was kept: it said so, or a client sends it. An
   * answer that was given here is its server's, be that known or not.
   */
  boolean isKeptFor(String upstream, Kept kept) {
    String server = kept.server();
    return server == null ? !isAnswer() : server.equals(upstream);
  }

  /** Members of an answer that are given back to the server of this name. */
  Map<String, JsonValue> givenBackTo(String upstream) {
    Kept kept = kept();
    return isKeptFor(upstream, kept) ? kept.message() : Map.of();
  }

  /**
   * What only one server understands.
   *
   * @param members as they are stored
   */
  record Kept(Map<String, JsonValue> members) {

    private static final Kept NOTHING = new Kept(Map.of());

    /** Whose it is; null for the server that a client asks. */
    @Nullable String server() {
      return text("name");
    }

    /** The member in which the server says its thoughts, and wants them back; null for none. */
    @Nullable String reasoning() {
      return text("reasoning");
    }

    /** Members of the message. */
    Map<String, JsonValue> message() {
      return inner("message");
    }

    /** Members of tool calls, by the ids of the calls. */
    Map<String, JsonValue> toolCalls() {
      return inner("toolCalls");
    }

    private @Nullable String text(String name) {
      JsonValue value = members.get(name);
      return value != null && value.isString() ? value.text() : null;
    }

    private Map<String, JsonValue> inner(String name) {
      JsonValue value = members.get(name);
      return value == null ? Map.of() : value.members();
    }
  }

  /**
   * A tool call.
   *
   * @param members as they are stored
   */
  record Call(Map<String, JsonValue> members, JsonValue json) {

    /** {@code function} or {@code custom}. */
    String type() {
      JsonValue type = members.get("type");
      return type != null && type.isString() ? type.text() : "function";
    }

    @Nullable JsonValue id() {
      JsonValue id = members.get("id");
      return id != null && id.isString() ? id : null;
    }

    @Nullable JsonValue name() {
      return inner("name");
    }

    /** A string: JSON of a function, any text of a custom tool. */
    @Nullable JsonValue arguments() {
      return inner(type().equals("custom") ? "input" : "arguments");
    }

    private @Nullable JsonValue inner(String name) {
      JsonValue object = members.get(type());
      JsonValue value = object == null ? null : object.members().get(name);
      return value != null && value.isString() ? value : null;
    }
  }
}
