package io.heddle.upstream;

import io.heddle.turn.Usage;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;

/**
 * One object of a server: a chunk of a stream, a whole completion, or an error. What is not known
 * is skipped; what is known must be of its type.
 */
final class ChatChunk {

  private static final JsonFactory FACTORY = JsonFactory.builder().build();

  /** A bit of a tool call, as the server has it. */
  record CallBit(int index, @Nullable String id, @Nullable String name, String arguments) {}

  private final StringBuilder text = new StringBuilder();
  private @Nullable String reasoning;
  private @Nullable String otherReasoning;
  private @Nullable String refusal;
  private @Nullable String reason;
  private @Nullable String model;
  private @Nullable Usage usage;
  private @Nullable ServerError error;
  private final List<CallBit> calls = new ArrayList<>();
  private boolean hasChoices;

  private ChatChunk() {}

  /**
   * @throws JacksonException for what is not JSON
   */
  static ChatChunk read(byte[] json, int length) {
    ChatChunk chunk = new ChatChunk();
    try (JsonParser in = FACTORY.createParser(ObjectReadContext.empty(), json, 0, length)) {
      if (in.nextToken() != JsonToken.START_OBJECT) {
        throw new NotAChunk("it is not an object");
      }
      chunk.members(in);
      if (in.nextToken() != null) {
        throw new NotAChunk("there is more behind it");
      }
    }
    return chunk;
  }

  /** JSON, and not what a server of this wire sends. */
  static final class NotAChunk extends RuntimeException {
    private static final long serialVersionUID = 1L;

    NotAChunk(String message) {
      super(message, null, false, false);
    }
  }

  String text() {
    return text.toString();
  }

  /** Some servers say it under both names. */
  String reasoning() {
    return reasoning != null ? reasoning : otherReasoning != null ? otherReasoning : "";
  }

  String refusal() {
    return refusal == null ? "" : refusal;
  }

  @Nullable String reason() {
    return reason;
  }

  @Nullable String model() {
    return model;
  }

  @Nullable Usage usage() {
    return usage;
  }

  @Nullable ServerError error() {
    return error;
  }

  List<CallBit> calls() {
    return calls;
  }

  /** Whether it has choices, be they none. */
  boolean hasChoices() {
    return hasChoices;
  }

  private void members(JsonParser in) {
    ServerError.Members flat = new ServerError.Members();
    boolean isError = false;
    while (in.nextToken() != JsonToken.END_OBJECT) {
      String name = in.currentName();
      in.nextToken();
      switch (name) {
        case "choices" -> choices(in);
        case "usage" -> usage(in);
        case "model" -> model = string(in);
        case "error" -> {
          if (in.currentToken() != JsonToken.VALUE_NULL) {
            error = ServerError.read(in);
          }
        }
        case "object" -> isError = "error".equals(string(in));
        default -> flat.take(name, in);
      }
    }
    if (isError && error == null) {
      error = flat.error();
    }
  }

  private void choices(JsonParser in) {
    if (in.currentToken() != JsonToken.START_ARRAY) {
      in.skipChildren();
      return;
    }
    hasChoices = true;
    boolean first = true;
    while (in.nextToken() != JsonToken.END_ARRAY) {
      if (first && in.currentToken() == JsonToken.START_OBJECT) {
        choice(in);
      } else {
        in.skipChildren();
      }
      first = false;
    }
  }

  /** Only the answer 0 was asked for; another's bits must not get into it. */
  private void choice(JsonParser in) {
    boolean ours = true;
    while (in.nextToken() != JsonToken.END_OBJECT) {
      String name = in.currentName();
      in.nextToken();
      switch (name) {
        case "index" -> ours = in.currentToken() != JsonToken.VALUE_NUMBER_INT || number(in) == 0;
        case "delta", "message" -> delta(in);
        case "finish_reason" -> {
          String said = string(in);
          reason = said == null || said.isEmpty() ? reason : said;
        }
        default -> in.skipChildren();
      }
    }
    if (!ours) {
      text.setLength(0);
      reasoning = otherReasoning = refusal = reason = null;
      calls.clear();
    }
  }

  private void delta(JsonParser in) {
    if (in.currentToken() != JsonToken.START_OBJECT) {
      in.skipChildren();
      return;
    }
    while (in.nextToken() != JsonToken.END_OBJECT) {
      String name = in.currentName();
      in.nextToken();
      switch (name) {
        case "content" -> content(in);
        case "reasoning_content" -> reasoning = string(in);
        case "reasoning" -> otherReasoning = string(in);
        case "refusal" -> refusal = string(in);
        case "tool_calls" -> toolCalls(in);
        default -> in.skipChildren();
      }
    }
  }

  /** Text, or parts of which those with a text are taken. */
  private void content(JsonParser in) {
    if (in.currentToken() != JsonToken.START_ARRAY) {
      String said = string(in);
      text.append(said == null ? "" : said);
      return;
    }
    while (in.nextToken() != JsonToken.END_ARRAY) {
      if (in.currentToken() != JsonToken.START_OBJECT) {
        in.skipChildren();
        continue;
      }
      while (in.nextToken() != JsonToken.END_OBJECT) {
        String name = in.currentName();
        in.nextToken();
        if (name.equals("text") && in.currentToken() == JsonToken.VALUE_STRING) {
          text.append(in.getString());
        } else {
          in.skipChildren();
        }
      }
    }
  }

  private void toolCalls(JsonParser in) {
    if (in.currentToken() != JsonToken.START_ARRAY) {
      in.skipChildren();
      return;
    }
    while (in.nextToken() != JsonToken.END_ARRAY) {
      if (in.currentToken() == JsonToken.START_OBJECT) {
        toolCall(in);
      } else {
        in.skipChildren();
      }
    }
  }

  private void toolCall(JsonParser in) {
    int index = -1;
    String id = null;
    String called = null;
    String arguments = "";
    while (in.nextToken() != JsonToken.END_OBJECT) {
      String name = in.currentName();
      in.nextToken();
      if (name.equals("index") && in.currentToken() == JsonToken.VALUE_NUMBER_INT) {
        index = (int) Math.min(number(in), Integer.MAX_VALUE);
      } else if (name.equals("id")) {
        id = string(in);
      } else if (name.equals("function") && in.currentToken() == JsonToken.START_OBJECT) {
        while (in.nextToken() != JsonToken.END_OBJECT) {
          String member = in.currentName();
          in.nextToken();
          if (member.equals("name")) {
            called = string(in);
          } else if (member.equals("arguments")) {
            arguments = arguments(in);
          } else {
            in.skipChildren();
          }
        }
      } else {
        in.skipChildren();
      }
    }
    calls.add(
        new CallBit(index, id == null || id.isEmpty() ? null : id, blankToNull(called), arguments));
  }

  private static @Nullable String blankToNull(@Nullable String text) {
    return text == null || text.isBlank() ? null : text;
  }

  /** A string that holds JSON; some servers send the JSON itself. */
  private static String arguments(JsonParser in) {
    if (!in.currentToken().isStructStart()) {
      String text = string(in);
      return text == null ? "" : text;
    }
    StringWriter copy = new StringWriter();
    try (JsonGenerator out = FACTORY.createGenerator(ObjectWriteContext.empty(), copy)) {
      out.copyCurrentStructure(in);
    }
    return copy.toString();
  }

  private void usage(JsonParser in) {
    if (in.currentToken() != JsonToken.START_OBJECT) {
      in.skipChildren();
      return;
    }
    long input = 0;
    long output = 0;
    long cached = 0;
    long reasoned = 0;
    while (in.nextToken() != JsonToken.END_OBJECT) {
      String name = in.currentName();
      in.nextToken();
      switch (name) {
        case "prompt_tokens" -> input = number(in);
        case "completion_tokens" -> output = number(in);
        case "prompt_tokens_details" -> cached = detail(in, "cached_tokens");
        case "completion_tokens_details" -> reasoned = detail(in, "reasoning_tokens");
        default -> in.skipChildren();
      }
    }
    usage = new Usage(input, output, cached, reasoned);
  }

  private static long detail(JsonParser in, String wanted) {
    if (in.currentToken() != JsonToken.START_OBJECT) {
      in.skipChildren();
      return 0;
    }
    long value = 0;
    while (in.nextToken() != JsonToken.END_OBJECT) {
      String name = in.currentName();
      in.nextToken();
      if (name.equals(wanted)) {
        value = number(in);
      } else {
        in.skipChildren();
      }
    }
    return value;
  }

  /** A count: what is not one, or cannot be, is 0. */
  private static long number(JsonParser in) {
    if (in.currentToken() == JsonToken.VALUE_NUMBER_INT && in.getStringLength() <= 15) {
      return Math.max(0, in.getLongValue());
    }
    in.skipChildren();
    return 0;
  }

  private static @Nullable String string(JsonParser in) {
    return switch (in.currentToken()) {
      case VALUE_STRING -> in.getString();
      case VALUE_NULL -> null;
      default -> {
        String name = in.currentName();
        throw new NotAChunk(name + " is not a string");
      }
    };
  }
}
