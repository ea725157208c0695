package io.heddle.openai;

import io.heddle.base.Json;
import io.heddle.base.JsonBuffer;
import io.heddle.live.Frame;
import io.heddle.turn.Piece;
import io.heddle.turn.Usage;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A completion as the chunks of a stream. */
final class ChatChunks {

  private static final byte[] DONE = "[DONE]".getBytes(StandardCharsets.US_ASCII);

  private final ChatForm form;

  /** Calls of custom tools: only the first bit of a call says that it is one. */
  private final Set<Integer> customs = new HashSet<>(0);

  /** With what each chunk begins, up to its choices. */
  private final byte[] opening;

  private boolean begun;

  ChatChunks(ChatForm form) {
    this.form = form;
    byte[] object = form.open("chat.completion.chunk", 0, null).toJson().utf8();
    opening = Arrays.copyOf(object, object.length - 1);
  }

  List<Frame> piece(Piece piece) {
    return switch (piece) {
      case Piece.Text(String text) -> said("content", text);
      // Not OpenAI's, but what the servers that show thoughts agree on.
      case Piece.Reasoning(String text) -> said("reasoning_content", text);
      case Piece.Refusal(String text) -> said("refusal", text);
      case Piece.ToolCall call ->
          delta(
              "tool_calls",
              JsonObject.array(
                  List.of(
                      ChatForm.call(
                          call.index(),
                          true,
                          call.id(),
                          call.name(),
                          call.arguments(),
                          call.opaque(),
                          isCustom(call)))));
      case Piece.Compaction _ -> List.of();
      case Piece.Finish finish ->
          end(finish.reason(), finish.usage(), OpaqueMembers.of(finish.opaque()));
    };
  }

  private boolean isCustom(Piece.ToolCall call) {
    return call.custom() ? customs.add(call.index()) : customs.contains(call.index());
  }

  /**
   * @param opaque members that the server added to its message, or null
   */
  List<Frame> end(String reason, @Nullable Usage usage, @Nullable Json opaque) {
    List<Frame> frames = new ArrayList<>(begin());
    if (opaque != null) {
      JsonObject delta = OpaqueMembers.toMessage(new JsonObject(opaque.length()), opaque);
      Json sources = OpaqueMembers.annotations(opaque);
      delta.some("annotations", sources.length() > 2 ? sources : null);
      frames.add(chunk(delta.toJson(), null));
    }
    frames.add(chunk(Json.EMPTY_OBJECT, reason));
    if (form.usage()) {
      frames.add(
          frame(
              form.open("chat.completion.chunk", 256, null)
                  .raw("choices", JsonObject.EMPTY_ARRAY)
                  .raw("usage", usage == null ? null : ChatForm.usage(usage))));
    }
    frames.add(Frame.data(DONE));
    return frames;
  }

  private List<Frame> said(String name, String text) {
    Json delta =
        new JsonBuffer(text.length() + 40)
            .ascii("{\"")
            .ascii(name)
            .ascii("\":")
            .string(text)
            .ascii("}")
            .toJson();
    return delta(delta);
  }

  private List<Frame> delta(String name, Json value) {
    return delta(new JsonObject(value.length() + 32).raw(name, value).toJson());
  }

  private List<Frame> delta(Json delta) {
    Frame frame = chunk(delta, null);
    if (begun) {
      return List.of(frame);
    }
    List<Frame> frames = new ArrayList<>(begin());
    frames.add(frame);
    return frames;
  }

  private List<Frame> begin() {
    if (begun) {
      return List.of();
    }
    begun = true;
    return List.of(
        chunk(new JsonObject(64).string("role", "assistant").string("content", "").toJson(), null));
  }

  private Frame chunk(Json delta, @Nullable String reason) {
    JsonBuffer out =
        new JsonBuffer(opening.length + delta.length() + 96)
            .raw(opening, 0, opening.length)
            .ascii(",\"choices\":[{\"index\":0,\"delta\":")
            .raw(delta)
            .ascii(",\"logprobs\":null,\"finish_reason\":")
            .string(reason)
            .ascii(form.usage() ? "}],\"usage\":null}" : "}]}");
    return Frame.data(out.toBytes());
  }

  private static Frame frame(JsonObject chunk) {
    return Frame.data(chunk.toJson().utf8());
  }
}
