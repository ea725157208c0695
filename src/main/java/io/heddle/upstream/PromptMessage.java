package io.heddle.upstream;

import io.heddle.json.Json;
import io.heddle.json.JsonValue;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A stored message as model servers are told it, whatever their form: role, ordered parts,
 * thoughts, tool calls, refusal, and what one server said for itself. All kinds of model servers
 * translate from here. Values are slices of the stored JSON, so that what is copied on is copied
 * byte for byte.
 */
final class PromptMessage {

  private final Members members;
  private final String role;

  private PromptMessage(Members members) {
    this.members = members;
    role = members.textOrEmpty("role");
  }

  static PromptMessage of(Json body) {
    return new PromptMessage(Members.of(body));
  }

  static List<PromptMessage> of(List<Json> bodies) {
    return bodies.stream().map(PromptMessage::of).toList();
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

  /** As they are stored. */
  Members members() {
    return members;
  }

  private @Nullable JsonValue words(String name) {
    JsonValue text = members.string(name);
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
    JsonValue content = members.get("content");
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
    return members.all().containsKey("toolCalls");
  }

  /** Of an answer, in order. */
  List<Call> calls() {
    return members.elements("toolCalls").stream()
        .filter(JsonValue::isObject)
        .map(Call::of)
        .toList();
  }

  /** The call whose output this is, or null. */
  @Nullable JsonValue toolCallId() {
    return members.string("toolCallId");
  }

  /** Whether a model answered it here; otherwise a client sent it. */
  boolean isAnswer() {
    return members.all().containsKey("turn");
  }

  /** What a server said beside the answer, or a client for the server that it asks. */
  Kept kept() {
    return new Kept(members.inner("upstream"));
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
  Members givenBackTo(String upstream) {
    Kept kept = kept();
    return isKeptFor(upstream, kept) ? kept.message() : Members.NONE;
  }

  /**
   * What only one server understands.
   *
   * @param members as they are stored
   */
  record Kept(Members members) {

    /** Whose it is; null for the server that a client asks. */
    @Nullable String server() {
      return members.text("name");
    }

    /** The member in which the server says its thoughts, and wants them back; null for none. */
    @Nullable String reasoning() {
      return members.text("reasoning");
    }

    /** Members of the message. */
    Members message() {
      return members.inner("message");
    }

    /** Members of tool calls, by the ids of the calls. */
    Members toolCalls() {
      return members.inner("toolCalls");
    }
  }

  /**
   * A tool call.
   *
   * @param members as they are stored
   */
  record Call(Members members, JsonValue json) {

    static Call of(JsonValue call) {
      return new Call(Members.of(call), call);
    }

    /** {@code function} or {@code custom}. */
    String type() {
      String type = members.text("type");
      return type == null ? "function" : type;
    }

    boolean isCustom() {
      return type().equals(CustomTools.TYPE);
    }

    @Nullable JsonValue id() {
      return members.string("id");
    }

    @Nullable JsonValue name() {
      return members.inner(type()).string("name");
    }

    /** A string: JSON of a function, any text of a custom tool. */
    @Nullable JsonValue arguments() {
      return members.inner(type()).string(isCustom() ? CustomTools.INPUT : "arguments");
    }
  }
}
