package io.heddle.openai;

import io.heddle.json.Json;
import io.heddle.json.JsonWriter;
import io.heddle.live.Frame;
import io.heddle.turn.ModelEvent;
import io.heddle.turn.Usage;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A completion as the chunks of a stream. Those that are there at once go out as one frame. */
final class ChatChunks {

  private static final String OBJECT = "chat.completion.chunk";

  /** Bytes that most chunks have around what they say. */
  private static final int AROUND = 64;

  private final ChatForm form;

  /** Calls of custom tools: only the first bit of a call says that it is one. */
  private final Set<Integer> customs = new HashSet<>(0);

  /** With what each chunk begins, up to its delta. */
  private final byte[] opening;

  private boolean begun;

  ChatChunks(ChatForm form) {
    this.form = form;
    opening =
        JsonWriter.written(
            out -> form.open(out, OBJECT, null).name("choices").ascii("[{\"index\":0,\"delta\":"));
  }

  /** To be sent in order, once; null when there is nothing to tell. */
  @Nullable Frame of(List<ModelEvent> pieces) {
    int about = 0;
    for (ModelEvent piece : pieces) {
      if (!(piece instanceof ModelEvent.Compaction)) {
        about += opening.length + AROUND + piece.length();
      }
    }
    return about == 0
        ? null
        : Frame.data(
            about,
            out -> {
              for (ModelEvent piece : pieces) {
                add(piece, out);
              }
            });
  }

  private void add(ModelEvent piece, JsonWriter out) {
    switch (piece) {
      case ModelEvent.Text(String text) -> said("content", text, out);
      // Not OpenAI's, but what the servers that show thoughts agree on.
      case ModelEvent.Reasoning(String text) -> said("reasoning_content", text, out);
      case ModelEvent.Refusal(String text) -> said("refusal", text, out);
      case ModelEvent.ToolCall call -> called(call, out);
      case ModelEvent.Compaction _ -> {}
      case ModelEvent.Finish finish ->
          ended(finish.reason(), finish.usage(), OpaqueMembers.of(finish.opaque()), out);
    }
  }

  /**
   * @param opaque members that the server added to its message, or null
   */
  Frame end(String reason, @Nullable Usage usage, @Nullable Json opaque) {
    int about = 4 * (opening.length + AROUND) + (opaque == null ? 0 : opaque.length());
    return Frame.data(about, out -> ended(reason, usage, opaque, out));
  }

  private void said(String name, String text, JsonWriter out) {
    begin(out);
    open(out).ascii("{\"").ascii(name).ascii("\":").string(text).ascii("}");
    close(null, out);
  }

  private void called(ModelEvent.ToolCall call, JsonWriter out) {
    boolean isCustom = call.custom() ? customs.add(call.index()) : customs.contains(call.index());
    Json told =
        ChatForm.call(
            call.index(), true, call.id(), call.name(), call.arguments(), call.opaque(), isCustom);
    begin(out);
    open(out).ascii("{\"tool_calls\":[").raw(told).ascii("]}");
    close(null, out);
  }

  private void ended(String reason, @Nullable Usage usage, @Nullable Json opaque, JsonWriter out) {
    begin(out);
    if (opaque != null) {
      JsonWriter delta = OpaqueMembers.toMessage(JsonWriter.object(opaque.length()), opaque);
      Json sources = OpaqueMembers.annotations(opaque);
      delta.some("annotations", sources.length() > 2 ? sources : null);
      open(out).raw(delta.done());
      close(null, out);
    }
    open(out).ascii("{}");
    close(reason, out);
    if (form.usage()) {
      JsonWriter last = form.open(next(out), OBJECT, null).raw("choices", Json.EMPTY_ARRAY);
      ChatForm.usage(usage, last.name("usage"));
      last.end();
    }
    next(out).ascii("[DONE]");
  }

  private void begin(JsonWriter out) {
    if (!begun) {
      begun = true;
      open(out).ascii("{\"role\":\"assistant\",\"content\":\"\"}");
      close(null, out);
    }
  }

  /** Begins a chunk, up to its delta. */
  private JsonWriter open(JsonWriter out) {
    return next(out).raw(opening, 0, opening.length);
  }

  private void close(@Nullable String reason, JsonWriter out) {
    out.ascii(",\"logprobs\":null,\"finish_reason\":").string(reason);
    out.ascii(form.usage() ? "}],\"usage\":null}" : "}]}");
  }

  private static JsonWriter next(JsonWriter out) {
    return out.length() == 0 ? out : out.ascii(Frame.BETWEEN_EVENTS);
  }
}
