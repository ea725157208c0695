package io.heddle.upstream;

import io.heddle.base.Json;
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

  private final Map<String, Slice> members;
  private final String role;

  private PromptMessage(Map<String, Slice> members) {
    this.members = members;
    Slice said = members.get("role");
    role = said != null && said.isString() ? said.text() : "";
  }

  static PromptMessage of(Json body) {
    return new PromptMessage(Slice.of(body).members());
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
  @Nullable Slice member(String name) {
    Slice value = members.get(name);
    return value == null || value.isNull() ? null : value;
  }

  private @Nullable Slice string(String name) {
    Slice value = members.get(name);
    return value != null && value.isString() ? value : null;
  }

  /** In order; a text alone is one part. Parts of the Responses wire are among them. */
  List<PromptPart> parts() {
    Slice content = member("content");
    if (content == null) {
      return List.of();
    }
    if (content.isString()) {
      return content.to() - content.from() == 2
          ? List.of()
          : List.of(new PromptPart.Text(content, null));
    }
    List<PromptPart> parts = new ArrayList<>();
    for (Slice part : content.elements()) {
      parts.add(PromptPart.of(part));
    }
    return parts;
  }

  /** The words with which an answer refused, or null. */
  @Nullable Slice refusal() {
    Slice refusal = string("refusal");
    return refusal == null || refusal.to() - refusal.from() == 2 ? null : refusal;
  }

  /** What a model thought before it said the rest, or null. */
  @Nullable Slice reasoning() {
    Slice reasoning = string("reasoning");
    return reasoning == null || reasoning.to() - reasoning.from() == 2 ? null : reasoning;
  }

  /** Of an answer, in order. */
  List<Call> calls() {
    Slice calls = members.get("toolCalls");
    List<Call> all = new ArrayList<>();
    for (Slice call : calls == null ? List.<Slice>of() : calls.elements()) {
      if (call.isObject()) {
        all.add(new Call(call.members(), call));
      }
    }
    return all;
  }

  /** The call whose output this is, or null. */
  @Nullable Slice toolCallId() {
    return string("toolCallId");
  }

  /** Whether a model answered it here; otherwise a client sent it. */
  boolean isAnswer() {
    return members.containsKey("turn");
  }

  /**
   * Members of an answer that are given back to the server of this name: what it said for itself,
   * and what a client sends without a name, which is for the server that it asks.
   */
  Map<String, Slice> givenBackTo(String upstream) {
    Slice kept = members.get("upstream");
    if (kept == null || !kept.isObject()) {
      return Map.of();
    }
    Map<String, Slice> all = kept.members();
    Slice name = all.get("name");
    boolean isOurs = name != null && name.isString() ? name.text().equals(upstream) : !isAnswer();
    Slice message = all.get("message");
    return isOurs && message != null ? message.members() : Map.of();
  }

  /**
   * A tool call.
   *
   * @param members as they are stored
   */
  record Call(Map<String, Slice> members, Slice json) {

    /** {@code function} or {@code custom}. */
    String type() {
      Slice type = members.get("type");
      return type != null && type.isString() ? type.text() : "function";
    }

    @Nullable Slice id() {
      Slice id = members.get("id");
      return id != null && id.isString() ? id : null;
    }

    @Nullable Slice name() {
      return inner("name");
    }

    /** A string: JSON of a function, any text of a custom tool. */
    @Nullable Slice arguments() {
      return inner(type().equals("custom") ? "input" : "arguments");
    }

    private @Nullable Slice inner(String name) {
      Slice object = members.get(type());
      Slice value = object == null ? null : object.members().get(name);
      return value != null && value.isString() ? value : null;
    }
  }
}
