package io.heddle.openai;

import io.heddle.json.Json;
import io.heddle.json.JsonWriter;
import io.heddle.turn.ModelEvent;
import io.heddle.turn.Opaque;
import io.heddle.turn.Usage;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** A completion as one object. */
final class CompletionAssembler {

  private final StringBuilder text = new StringBuilder();
  private final StringBuilder reasoning = new StringBuilder();
  private final StringBuilder refusal = new StringBuilder();
  private final Map<Integer, Bits> calls = new TreeMap<>();
  private ModelEvent.@Nullable Finish finish;

  private static final class Bits {
    @Nullable String id;
    @Nullable String name;
    final StringBuilder arguments = new StringBuilder();
    @Nullable Opaque opaque;
    boolean custom;
  }

  void addAll(List<ModelEvent> pieces) {
    pieces.forEach(this::add);
  }

  void add(ModelEvent piece) {
    switch (piece) {
      case ModelEvent.Text(String more) -> text.append(more);
      case ModelEvent.Reasoning(String more) -> reasoning.append(more);
      case ModelEvent.Refusal(String more) -> refusal.append(more);
      case ModelEvent.ToolCall bit -> {
        Bits bits = calls.computeIfAbsent(bit.index(), _ -> new Bits());
        bits.id = bit.id() == null ? bits.id : bit.id();
        bits.name = bit.name() == null ? bits.name : bit.name();
        bits.custom |= bit.custom();
        bits.arguments.append(bit.arguments());
        bits.opaque = bit.opaque() == null ? bits.opaque : bit.opaque();
      }
      case ModelEvent.Compaction _ -> {}
      case ModelEvent.Finish end -> finish = end;
    }
  }

  /** Of a call that has come to its {@link ModelEvent.Finish}. */
  Json json(ChatForm form) {
    ModelEvent.Finish end = finish;
    return end == null
        ? json(form, "stop", null, null, null)
        : json(form, end.reason(), end.usage(), end.model(), OpaqueMembers.of(end.opaque()));
  }

  /**
   * @param opaque members that the server added to its message, or null
   */
  Json json(
      ChatForm form,
      String reason,
      @Nullable Usage usage,
      @Nullable String model,
      @Nullable Json opaque) {
    return new Json(
        JsonWriter.written(out -> {
          JsonWriter all = form.open(out, "chat.completion", model);
          all.name("choices").ascii("[");
          JsonWriter choice = JsonWriter.object(out).number("index", 0);
          choice.name("message");
          writeMessage(out, opaque);
          choice.raw("logprobs", null).string("finish_reason", reason).end().ascii("]");
          ChatForm.usage(usage, all.name("usage"));
          all.end();
        }));
  }

  private void writeMessage(JsonWriter out, @Nullable Json opaque) {
    boolean said = !text.isEmpty() || (calls.isEmpty() && refusal.isEmpty());
    JsonWriter message =
        JsonWriter.object(out)
            .string("role", "assistant")
            .string("content", said ? text.toString() : null)
            .string("refusal", refusal.isEmpty() ? null : refusal.toString())
            .raw("annotations", OpaqueMembers.annotations(opaque));
    if (!reasoning.isEmpty()) {
      message.string("reasoning_content", reasoning.toString());
    }
    if (!calls.isEmpty()) {
      message.raw(
          "tool_calls",
          Json.array(
              calls.values().stream()
                  .map(call ->
                      ChatForm.call(
                          0,
                          false,
                          call.id == null ? "" : call.id,
                          call.name == null ? "" : call.name,
                          call.arguments.toString(),
                          call.opaque,
                          call.custom))
                  .toList()));
    }
    OpaqueMembers.toMessage(message, opaque);
    message.end();
  }
}
