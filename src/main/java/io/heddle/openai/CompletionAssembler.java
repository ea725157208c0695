package io.heddle.openai;

import io.heddle.json.Json;
import io.heddle.json.JsonWriter;
import io.heddle.turn.AnswerBuilder;
import io.heddle.turn.ModelEvent;
import io.heddle.turn.TurnEvent.Said;
import io.heddle.turn.Usage;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A completion as one object. */
final class CompletionAssembler {

  private final AnswerBuilder answer = new AnswerBuilder();
  private ModelEvent.@Nullable Finish finish;

  void addAll(List<ModelEvent> pieces) {
    pieces.forEach(this::add);
  }

  void add(ModelEvent piece) {
    answer.add(piece);
    if (piece instanceof ModelEvent.Finish end) {
      finish = end;
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
    Said said = answer.said();
    List<ModelEvent.ToolCall> calls = said.toolCalls();
    boolean speaks = !said.text().isEmpty() || (calls.isEmpty() && said.refusal().isEmpty());
    JsonWriter message =
        JsonWriter.object(out)
            .string("role", "assistant")
            .string("content", speaks ? said.text() : null)
            .string("refusal", said.refusal().isEmpty() ? null : said.refusal())
            .raw("annotations", OpaqueMembers.annotations(opaque));
    message.some("reasoning_content", said.reasoning().isEmpty() ? null : said.reasoning());
    if (!calls.isEmpty()) {
      message.raw(
          "tool_calls",
          Json.array(
              calls.stream()
                  .map(call ->
                      ChatForm.call(
                          0,
                          false,
                          call.id() == null ? "" : call.id(),
                          call.name() == null ? "" : call.name(),
                          call.arguments(),
                          call.opaque(),
                          call.custom()))
                  .toList()));
    }
    OpaqueMembers.toMessage(message, opaque);
    message.end();
  }
}
