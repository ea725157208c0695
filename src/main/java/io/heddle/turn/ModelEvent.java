package io.heddle.turn;

import io.heddle.json.Json;
import org.jspecify.annotations.Nullable;

/** What a model says, bit by bit. */
public sealed interface ModelEvent {

  /** Characters of the answer, about. */
  default int length() {
    return switch (this) {
      case ToolCall call ->
          call.arguments().length()
              + 64
              + (call.opaque() == null ? 0 : call.opaque().members().length());
      case Text _, Reasoning _, Refusal _, Compaction _, Finish _ -> growth().length();
    };
  }

  /** What it puts behind what was said before: text, or arguments of a call. */
  default String growth() {
    return switch (this) {
      case Text(String text) -> text;
      case Reasoning(String text) -> text;
      case Refusal(String text) -> text;
      case ToolCall call -> call.arguments();
      case Compaction _, Finish _ -> "";
    };
  }

  /** The same with another text; this itself where it is the very same, or there is none. */
  @SuppressWarnings("ReferenceEquality")
  default ModelEvent withGrowth(String other) {
    return other == growth()
        ? this
        : switch (this) {
          case Text _ -> new Text(other);
          case Reasoning _ -> new Reasoning(other);
          case Refusal _ -> new Refusal(other);
          case ToolCall(int index, String id, String name, _, Opaque opaque, boolean custom) ->
              new ToolCall(index, id, name, other, opaque, custom);
          case Compaction _, Finish _ -> this;
        };
  }

  record Text(String text) implements ModelEvent {}

  record Reasoning(String text) implements ModelEvent {}

  record Refusal(String text) implements ModelEvent {}

  /**
   * Before the answer: the thread was compacted, as the order of the turn asked for.
   *
   * @param message the id of the summary's message
   * @param body of that message
   */
  record Compaction(String message, Json body) implements ModelEvent {}

  /**
   * A bit of a tool call.
   *
   * @param index which of the answer's tool calls
   * @param id with the first bit of a call
   * @param name with the first bit of a call
   * @param arguments to be put behind those before: JSON, or any text for a custom tool
   * @param opaque all that the call's server said of it beside that, so far; null for nothing new
   * @param custom with the first bit of a call: whether it is of a custom tool, and no function
   */
  record ToolCall(
      int index,
      @Nullable String id,
      @Nullable String name,
      String arguments,
      @Nullable Opaque opaque,
      boolean custom)
      implements ModelEvent {

    public ToolCall(int index, @Nullable String id, @Nullable String name, String arguments) {
      this(index, id, name, arguments, null);
    }

    public ToolCall(
        int index,
        @Nullable String id,
        @Nullable String name,
        String arguments,
        @Nullable Opaque opaque) {
      this(index, id, name, arguments, opaque, false);
    }
  }

  /**
   * The end.
   *
   * @param reason {@code stop}, {@code length}, {@code tool_calls}, {@code content_filter}
   * @param usage null when the server did not say
   * @param model the one that answered
   * @param opaque what its server said of the answer beside what is known, or null
   */
  record Finish(
      String reason, @Nullable Usage usage, @Nullable String model, @Nullable Opaque opaque)
      implements ModelEvent {

    public Finish(String reason, @Nullable Usage usage, @Nullable String model) {
      this(reason, usage, model, null);
    }
  }
}
