package io.heddle.upstream;

import io.heddle.json.JsonValue;
import io.heddle.json.JsonWriter;
import io.heddle.turn.ModelCall;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A call as Responses has it: the whole thread as items, without what another server said for
 * itself. Items have no ids but thoughts, because the server stores none.
 */
final class ResponsesRequest {

  private static final String HEDDLE = "heddle1.";

  private final String upstream;
  private final boolean thinks;
  private final JsonWriter out;
  private final ResponsesParts parts;

  /** Calls whose output is still to come, and whether they are of a custom tool. */
  private final Set<String> open = new HashSet<>();

  private final Set<String> custom = new HashSet<>();
  private final Set<String> thoughts = new HashSet<>();

  private ResponsesRequest(String upstream, boolean thinks, JsonWriter out) {
    this.upstream = upstream;
    this.thinks = thinks;
    this.out = out;
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
    return JsonWriter.written(
        out -> new ResponsesRequest(upstream, thinks, out).write(model, call, summary));
  }

  private void write(String model, ModelCall call, String summary) {
    out.ascii("{\"model\":").string(model);
    out.some("instructions", call.system());
    out.ascii(",\"input\":[");
    PromptMessage.of(call.messages()).forEach(this::message);
    out.ascii("],\"stream\":true,\"store\":false");
    ResponsesParameters.write(out, Members.of(call.parameters()), summary, thinks);
    out.ascii("}");
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
    out.next().ascii("{\"type\":\"message\",\"role\":").string(role).ascii(",\"content\":");
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
    out.next().ascii("{\"type\":\"");
    out.ascii(isCustom ? "custom_tool_call_output" : "function_call_output");
    out.ascii("\",\"call_id\":").string(WireIds.shortened(call)).ascii(",\"output\":");
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
      Members members = Members.of(item);
      String type = members.textOrEmpty("type");
      switch (type) {
        case "reasoning" -> before.add(item);
        case "message" -> {
          if (placed && text.next(members, before)) {
            before.clear();
          }
        }
        case "function_call", "custom_tool_call" -> {
          PromptMessage.Call call = taken(calls, members.textOrEmpty("call_id"));
          if (call != null) {
            thoughts(before);
            call(call, type.equals("custom_tool_call"));
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
    before.removeIf(item -> !Members.of(item).textOrEmpty("encrypted_content").startsWith(HEDDLE));
    thoughts(before);
  }

  /** In the server's own order, what it said of this answer; nothing when another one answered. */
  private List<JsonValue> kept(PromptMessage message) {
    Members all = message.givenBackTo(upstream).inner(ResponsesOutput.KEPT);
    return upstream.equals(all.text("upstream")) ? all.elements("items") : List.of();
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
      String id = Members.of(item).textOrEmpty("id");
      if (thinks && (id.isEmpty() || thoughts.add(id))) {
        item.writeTo(out.next());
      }
    }
  }

  private void call(PromptMessage.Call call, boolean wasCustom) {
    String id = call.id() == null ? "" : call.id().text();
    String name = call.name() == null ? "" : call.name().text();
    boolean isCustom = wasCustom || call.isCustom();
    open.add(id);
    if (isCustom) {
      custom.add(id);
    }
    out.next().ascii(isCustom ? "{\"type\":\"custom_tool_call\"" : "{\"type\":\"function_call\"");
    out.ascii(",\"call_id\":")
        .string(WireIds.shortened(id))
        .ascii(",\"name\":")
        .string(WireIds.replaced(name));
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
        Members members = Members.of(item);
        if (!"message".equals(members.text("type"))) {
          continue;
        }
        some = true;
        int from = members.number("from", -1);
        int to = members.number("to", -1);
        if (to > from && (alone == null || from < at || to > alone.length())) {
          return false;
        }
        at = Math.max(at, to);
      }
      return some && alone != null && at == alone.length();
    }

    /** The next message of it, behind what was thought before; false when it says nothing. */
    boolean next(Members item, List<JsonValue> before) {
      int from = item.number("from", -1);
      int to = item.number("to", -1);
      String text = alone == null || to <= from ? "" : alone.substring(from, to);
      if (text.isEmpty() && (refusal == null || written > 0)) {
        before.clear();
        return false;
      }
      thoughts(before);
      out.next().ascii("{\"type\":\"message\",\"role\":\"assistant\",\"content\":");
      if (refusal == null) {
        out.string(text);
      } else {
        parts.refused(text, refusal);
        refusal = null;
      }
      phase(item.string("phase"));
      written++;
      return true;
    }

    /** All of it. */
    void write() {
      JsonValue refused = refusal;
      if (told.isEmpty() && refused == null || "".equals(alone) && refused == null) {
        return;
      }
      out.next().ascii("{\"type\":\"message\",\"role\":\"assistant\",\"content\":");
      if (refused == null) {
        parts.content(told, true);
      } else {
        parts.refused(alone == null ? "" : alone, refused);
      }
      out.ascii("}");
    }

    private void phase(@Nullable JsonValue phase) {
      out.some("phase", phase);
      out.ascii("}");
    }
  }
}
