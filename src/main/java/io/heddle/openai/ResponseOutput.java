package io.heddle.openai;

import io.heddle.json.Json;
import io.heddle.json.JsonWriter;
import io.heddle.turn.Opaque;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One item of a response in the making.
 *
 * @see ResponseEvents
 */
abstract sealed class ResponseOutput {

  final String id;
  final int index;
  boolean open = true;

  private ResponseOutput(String id, int index) {
    this.id = id;
    this.index = index;
  }

  /** The item as it is now. */
  abstract Json json(String status);

  static Json quoted(String status) {
    return Json.text(status);
  }

  /** What the model thinks. */
  static final class Thought extends ResponseOutput {
    final StringBuilder text = new StringBuilder();
    @Nullable String sealed;

    Thought(String id, int index) {
      super(id, index);
    }

    @Override
    Json json(String status) {
      if (sealed != null) {
        return JsonWriter.object(sealed.length() + 128)
            .string("id", id)
            .string("type", "reasoning")
            .raw("summary", Json.EMPTY_ARRAY)
            .raw("content", Json.EMPTY_ARRAY)
            .string("encrypted_content", sealed)
            .raw("status", quoted(status))
            .done();
      }
      return ItemOutput.reasoning(id, Json.text(text.toString()), quoted(status));
    }

    Json part(String type) {
      return Parts.thought(type, Json.text(text.toString()));
    }

    /** Before anything is thought. */
    Json empty() {
      return JsonWriter.object(128)
          .string("id", id)
          .string("type", "reasoning")
          .raw("summary", Json.EMPTY_ARRAY)
          .raw("content", Json.EMPTY_ARRAY)
          .string("status", ResponseForm.IN_PROGRESS)
          .done();
    }
  }

  /** What the model says, in one part or, when it also refuses, in more. */
  static final class Said extends ResponseOutput {
    final List<Part> parts = new ArrayList<>();

    Said(String id, int index) {
      super(id, index);
    }

    @Override
    Json json(String status) {
      Json content = Json.array(parts.stream().map(Part::json).toList());
      return ItemOutput.message(id, quoted(status), Json.of("\"assistant\""), content);
    }

    @Nullable Part last() {
      return parts.isEmpty() ? null : parts.getLast();
    }
  }

  /** One part of what is said. */
  record Part(boolean refusal, int index, StringBuilder text) {

    Json json() {
      return refusal
          ? Parts.refusal(Json.text(text.toString()))
          : Parts.outputText(text.toString());
    }
  }

  /** A function or a custom tool that the client is to call. */
  static final class Called extends ResponseOutput {
    final int call;
    final String callId;
    final Namespaces.Name name;
    final boolean custom;
    final StringBuilder arguments = new StringBuilder();
    @Nullable Opaque opaque;

    /**
     * @param custom whether it is of a custom tool, which the arguments are the input of
     */
    Called(String id, int index, int call, String callId, Namespaces.Name name, boolean custom) {
      super(id, index);
      this.call = call;
      this.callId = callId;
      this.name = name;
      this.custom = custom;
    }

    @Override
    Json json(String status) {
      return ItemOutput.called(
          custom,
          id,
          Json.text(callId),
          name,
          Json.text(arguments.toString()),
          quoted(status),
          opaque == null ? null : opaque.members());
    }
  }

  /** The summary of the thread that the model was told. */
  static final class Compacted extends ResponseOutput {
    private final Json body;

    /**
     * @param body of its message
     */
    Compacted(String id, int index, Json body) {
      super(id, index);
      this.body = body;
    }

    @Override
    Json json(String status) {
      return CompactionItem.json(id, body);
    }
  }
}
