package io.heddle.upstream;

import io.heddle.json.Json;
import io.heddle.json.JsonValue;
import io.heddle.json.JsonWriter;
import io.heddle.turn.ModelCall;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A call as Responses has it: the whole thread as items, without what another server said for
 * itself. Items have no ids but thoughts, because the server stores none.
 */
final class ResponsesRequest {

  private static final int LONGEST_ID = 64;
  private static final int LONGEST_NAME = 64;
  private static final String HEDDLE = "heddle1.";
  private static final Pattern ILLEGAL = Pattern.compile("[^A-Za-z0-9_-]");

  private final String upstream;
  private final boolean thinks;
  private final JsonWriter out;
  private final ResponsesParts parts;

  /** Calls whose output is still to come, and whether they are of a custom tool. */
  private final Set<String> open = new HashSet<>();

  private final Set<String> custom = new HashSet<>();
  private final Set<String> thoughts = new HashSet<>();
  private boolean first = true;

  private ResponsesRequest(String upstream, boolean thinks, int capacity) {
    this.upstream = upstream;
    this.thinks = thinks;
    out = new JsonWriter(capacity);
    parts = new ResponsesParts(out);
  }

  /**
   * The body of a request to this model.
   *
   * @param upstream the server's name
   * @param summary what to ask of the server's thoughts; empty: nothing
   * @param thinks whether the model is told its thoughts and asked for them
   */
  static byte[] body(
      String model, ModelCall call, String upstream, String summary, boolean thinks) {
    int size = 512 + call.parameters().length();
    for (Json message : call.messages()) {
      size += message.length() + 64;
    }
    return new ResponsesRequest(upstream, thinks, size).write(model, call, summary).toBytes();
  }

  private JsonWriter write(String model, ModelCall call, String summary) {
    out.ascii("{\"model\":").string(model);
    out.some("instructions", call.system());
    out.ascii(",\"input\":[");
    for (Json message : call.messages()) {
      message(PromptMessage.of(message));
    }
    out.ascii("],\"stream\":true,\"store\":false");
    ResponsesParameters.write(out, JsonValue.of(call.parameters()).members(), summary, thinks);
    return out.ascii("}");
  }

  private void message(PromptMessage message) {
    switch (message.role()) {
      case "assistant" -> answer(message);
      case "tool" -> output(message);
      case "system", "developer" -> said(message, message.role());
      default -> said(message, "user");
    }
  }

  /** A message that says nothing is refused. */
  private void said(PromptMessage message, String role) {
    List<PromptPart> told = message.told();
    if (told.isEmpty()) {
      return;
    }
    begin().ascii("{\"type\":\"message\",\"role\":").string(role).ascii(",\"content\":");
    parts.content(told, false);
    out.ascii("}");
  }

  private void output(PromptMessage message) {
    JsonValue id = message.toolCallId();
    String call = id == null ? "" : id.text();
    if (!open.remove(call)) {
      return;
    }
    boolean isCustom = custom.remove(call);
    begin().ascii("{\"type\":\"");
    out.ascii(isCustom ? "custom_tool_call_output" : "function_call_output");
    out.ascii("\",\"call_id\":").string(callId(call)).ascii(",\"output\":");
    parts.output(message.told());
    out.ascii("}");
  }

  // ---- answers

  private void answer(PromptMessage message) {
    List<PromptMessage.Call> calls = new ArrayList<>(message.calls());
    calls.removeIf(call -> call.id() == null || call.name() == null);
    Text text = new Text(message);
    List<JsonValue> order = kept(message);
    boolean placed = text.isIn(order);
    if (!placed) {
      text.write();
    }
    List<JsonValue> before = new ArrayList<>(1);
    for (JsonValue item : order) {
      Map<String, JsonValue> members = item.members();
      switch (word(members, "type")) {
        case "reasoning" -> before.add(item);
        case "message" -> {
          if (placed && text.next(members, before)) {
            before.clear();
          }
        }
        case "function_call", "custom_tool_call" -> {
          PromptMessage.Call call = taken(calls, word(members, "call_id"));
          if (call != null) {
            thoughts(before);
            call(call, word(members, "type").equals("custom_tool_call"));
          }
          before.clear();
        }
        // What they thought of is not told, and a thought alone is refused.
        default -> before.clear();
      }
    }
    for (PromptMessage.Call call : calls) {
      call(call, false);
    }
    // Another Heddle puts what its own model's server sealed behind the answer.
    before.removeIf(item -> !word(item.members(), "encrypted_content").startsWith(HEDDLE));
    thoughts(before);
  }

  /** In the server's own order, what it said of this answer; nothing when another one answered. */
  private List<JsonValue> kept(PromptMessage message) {
    JsonValue all = message.givenBackTo(upstream).get(ResponsesOutput.KEPT);
    if (all == null || !word(all.members(), "upstream").equals(upstream)) {
      return List.of();
    }
    JsonValue items = all.members().get("items");
    return items == null ? List.of() : items.elements();
  }

  private static PromptMessage.@Nullable Call taken(List<PromptMessage.Call> calls, String id) {
    for (PromptMessage.Call call : calls) {
      if (id.isEmpty() || call.id() != null && call.id().text().equals(id)) {
        calls.remove(call);
        return call;
      }
    }
    return null;
  }

  /** Each of them once: the server refuses an item that is there twice. */
  private void thoughts(List<JsonValue> items) {
    for (JsonValue item : items) {
      String id = word(item.members(), "id");
      if (thinks && (id.isEmpty() || thoughts.add(id))) {
        item.writeTo(begin());
      }
    }
  }

  private void call(PromptMessage.Call call, boolean wasCustom) {
    String id = call.id() == null ? "" : call.id().text();
    String name = call.name() == null ? "" : call.name().text();
    boolean isCustom = wasCustom || call.type().equals("custom");
    open.add(id);
    if (isCustom) {
      custom.add(id);
    }
    begin().ascii(isCustom ? "{\"type\":\"custom_tool_call\"" : "{\"type\":\"function_call\"");
    out.ascii(",\"call_id\":").string(callId(id)).ascii(",\"name\":").string(name(name));
    out.ascii(isCustom ? ",\"input\":" : ",\"arguments\":");
    JsonValue arguments = call.arguments();
    if (arguments == null || PromptMessage.isEmpty(arguments)) {
      out.string(isCustom ? "" : "{}");
    } else {
      arguments.writeTo(out);
    }
    out.ascii("}");
  }

  /** What an answer says, which may have been several messages of its server. */
  private final class Text {
    private final List<PromptPart> told;
    private final @Nullable String alone;
    private @Nullable JsonValue refusal;
    private int written;

    Text(PromptMessage message) {
      told = message.told();
      refusal = message.refusal();
      StringBuilder all = new StringBuilder();
      boolean onlyText = true;
      for (PromptPart part : told) {
        if (part instanceof PromptPart.Text(JsonValue text, _)) {
          all.append(text.text());
        } else {
          onlyText = false;
        }
      }
      alone = onlyText ? all.toString() : null;
    }

    /** Whether it is what these items say: a client may have changed it. */
    boolean isIn(List<JsonValue> order) {
      int at = 0;
      boolean some = false;
      for (JsonValue item : order) {
        Map<String, JsonValue> members = item.members();
        if (!word(members, "type").equals("message")) {
          continue;
        }
        some = true;
        int from = number(members, "from");
        int to = number(members, "to");
        if (to > from && (alone == null || from < at || to > alone.length())) {
          return false;
        }
        at = Math.max(at, to);
      }
      return some && alone != null && at == alone.length();
    }

    /** The next message of it, behind what was thought before; false when it says nothing. */
    boolean next(Map<String, JsonValue> item, List<JsonValue> before) {
      int from = number(item, "from");
      int to = number(item, "to");
      String text = alone == null || to <= from ? "" : alone.substring(from, to);
      if (text.isEmpty() && (refusal == null || written > 0)) {
        before.clear();
        return false;
      }
      thoughts(before);
      begin().ascii("{\"type\":\"message\",\"role\":\"assistant\",\"content\":");
      if (refusal == null) {
        out.string(text);
      } else {
        parts.refused(text, refusal);
        refusal = null;
      }
      phase(item.get("phase"));
      written++;
      return true;
    }

    /** All of it. */
    void write() {
      JsonValue refused = refusal;
      if (told.isEmpty() && refused == null || "".equals(alone) && refused == null) {
        return;
      }
      begin().ascii("{\"type\":\"message\",\"role\":\"assistant\",\"content\":");
      if (refused == null) {
        parts.content(told, true);
      } else {
        parts.refused(alone == null ? "" : alone, refused);
      }
      out.ascii("}");
    }

    private void phase(@Nullable JsonValue phase) {
      if (phase != null && phase.isString()) {
        phase.writeTo(out.ascii(",\"phase\":"));
      }
      out.ascii("}");
    }
  }

  // ----

  private JsonWriter begin() {
    if (!first) {
      out.ascii(",");
    }
    first = false;
    return out;
  }

  private static String word(Map<String, JsonValue> members, String name) {
    JsonValue value = members.get(name);
    return value != null && value.isString() ? value.text() : "";
  }

  private static int number(Map<String, JsonValue> members, String name) {
    JsonValue value = members.get(name);
    String text = value == null ? "" : value.toString();
    return text.matches("[0-9]{1,9}") ? Integer.parseInt(text) : -1;
  }

  /** Ids of other servers may be longer than this one takes. */
  private static String callId(String id) {
    if (id.length() <= LONGEST_ID) {
      return id;
    }
    try {
      byte[] hash =
          MessageDigest.getInstance("SHA-256").digest(id.getBytes(StandardCharsets.UTF_8));
      return "call_" + HexFormat.of().formatHex(hash, 0, 20);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  /** A name that a model made up is refused with the whole thread. */
  private static String name(String name) {
    String legal = ILLEGAL.matcher(name).replaceAll("_");
    return legal.substring(0, Math.min(LONGEST_NAME, legal.length()));
  }
}
