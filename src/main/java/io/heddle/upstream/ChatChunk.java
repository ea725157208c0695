package io.heddle.upstream;

import io.heddle.turn.Usage;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/**
 * One object of a server: a chunk of a stream, a whole completion, or an error. Unknown members are
 * skipped. Text must be text; everything else is taken in any form that has one meaning.
 */
final class ChatChunk {

  private final byte[] json;
  private final ChatMessage delta;
  private @Nullable ChatMessage message;
  private @Nullable String reason;
  private @Nullable String model;
  private @Nullable Usage usage;
  private @Nullable ServerError error;
  private @Nullable ServerError words;
  private boolean hasChoices;

  private ChatChunk(byte[] json) {
    this.json = json;
    this.delta = new ChatMessage(json);
  }

  /**
   * @throws JacksonException for what is not JSON
   * @throws ServerJson.UnexpectedJson for JSON that is not one object
   */
  static ChatChunk read(byte[] json, int length) {
    try (JsonParser in = ServerJson.parser(json, length)) {
      ServerJson.firstObject(in);
      ChatChunk chunk = new ChatChunk(json);
      chunk.members(in);
      ServerJson.end(in);
      return chunk;
    }
  }

  /** The next object that a parser of these bytes finds; null at the end. */
  static @Nullable ChatChunk next(JsonParser in, byte[] json) {
    if (!ServerJson.nextObject(in)) {
      return null;
    }
    ChatChunk chunk = new ChatChunk(json);
    chunk.members(in);
    return chunk;
  }

  ChatMessage delta() {
    return delta;
  }

  /** Of a completion that is whole, or the answer so far that some servers send with each delta. */
  @Nullable ChatMessage message() {
    return message;
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

  /** What it says when it is no chunk at all, and not surely an error. */
  @Nullable ServerError words() {
    return words;
  }

  /** Whether it was read from these very bytes, and not from some that had to be mended. */
  @SuppressWarnings("ArrayEquals") // the same array, not an equal one
  boolean isOf(byte[] bytes) {
    return json == bytes;
  }

  /** Where the string begins that is all that it says; -1 when it says more, or in another form. */
  int textAt() {
    boolean isAll =
        message == null && reason == null && usage == null && error == null && words == null;
    return isAll ? delta.textAt() : -1;
  }

  /** Whether it has choices, be they none. */
  boolean hasChoices() {
    return hasChoices;
  }

  private void members(JsonParser in) {
    ErrorMembers flat = new ErrorMembers();
    boolean isError = false;
    boolean namesChoices = false;
    while (in.nextToken() != JsonToken.END_OBJECT) {
      String name = in.currentName();
      in.nextToken();
      switch (name) {
        case "choices" -> {
          namesChoices = true;
          choices(in);
        }
        case "usage" -> usage = UsageReader.read(in, json, usage);
        case "x_groq" ->
            ServerJson.eachMember(
                in,
                inner -> usage = inner.equals("usage") ? UsageReader.read(in, json, usage) : usage);
        case "model" -> model = LenientValues.scalar(in);
        case "error" -> error(in);
        case "base_resp" -> {
          ServerError said = ServerError.read(in);
          error = said.code() == null && said.status() == 0 ? error : said;
        }
        case "object" -> isError = "error".equals(LenientValues.scalar(in));
        default -> flat.take(name, in);
      }
    }
    if (error == null && !namesChoices && (isError || flat.isError())) {
      error = flat.error();
    } else if (error == null && !namesChoices && flat.hasMessage()) {
      words = flat.error();
    }
    if (error != null && (hasChoices || usage != null) && error.isEmpty()) {
      // Some servers have the member in each chunk.
      error = null;
    }
    if (error != null && !error.isEmpty()) {
      error = error.beside(flat.error());
    }
  }

  private void error(JsonParser in) {
    if (in.currentToken() != JsonToken.VALUE_NULL && in.currentToken() != JsonToken.VALUE_FALSE) {
      error = ServerError.read(in);
    }
  }

  private void choices(JsonParser in) {
    if (in.currentToken() == JsonToken.START_OBJECT) {
      // Some servers have but one.
      hasChoices = true;
      choice(in);
      return;
    }
    if (in.currentToken() != JsonToken.START_ARRAY) {
      in.skipChildren();
      return;
    }
    hasChoices = true;
    boolean found = false;
    while (in.nextToken() != JsonToken.END_ARRAY) {
      if (!found && in.currentToken() == JsonToken.START_OBJECT) {
        found = choice(in);
      } else {
        in.skipChildren();
      }
    }
  }

  /** Only the answer 0 was asked for; another's bits must not get into it. */
  private boolean choice(JsonParser in) {
    boolean ours = true;
    boolean isOfChat = false;
    String text = "";
    String ofModel = null;
    while (in.nextToken() != JsonToken.END_OBJECT) {
      String name = in.currentName();
      in.nextToken();
      switch (name) {
        case "index" -> ours = LenientValues.count(in) == 0;
        case "delta" -> {
          isOfChat |= in.currentToken() == JsonToken.START_OBJECT;
          delta.read(in);
        }
        case "message" -> {
          isOfChat |= in.currentToken() == JsonToken.START_OBJECT;
          if (in.currentToken() == JsonToken.START_OBJECT) {
            message = new ChatMessage(json);
            message.read(in);
          } else {
            in.skipChildren();
          }
        }
        case "text" -> text = LenientValues.words(in);
        case "finish_reason" -> reason(in);
        case "native_finish_reason" -> ofModel = LenientValues.scalar(in);
        case "usage" -> usage = UsageReader.read(in, json, usage);
        case "error" -> error(in);
        default -> in.skipChildren();
      }
    }
    if (!isOfChat) {
      // Of the older completions.
      delta.say(text);
    }
    if (reason != null && ofModel != null && FinishReason.of(ofModel) == FinishReason.FAILURE) {
      // A router says "stop" for it.
      reason = ofModel;
    }
    if (!ours) {
      delta.clear();
      message = null;
      reason = null;
    }
    return ours;
  }

  /** Of an object with a type, and perhaps words about it. */
  private String reasonOf(JsonParser in) {
    String said = "other";
    ErrorMembers members = new ErrorMembers();
    if (in.currentToken() == JsonToken.START_OBJECT) {
      while (in.nextToken() != JsonToken.END_OBJECT) {
        String name = in.currentName();
        in.nextToken();
        if (name.equals("type") && in.currentToken() == JsonToken.VALUE_STRING) {
          said = in.getString();
        } else {
          members.take(name, in);
        }
      }
    }
    in.skipChildren();
    if (members.hasMessage() && FinishReason.of(said) == FinishReason.FAILURE) {
      error = members.error();
    }
    return said;
  }

  /** Some servers say "null" until they have one. */
  private void reason(JsonParser in) {
    if (in.currentToken() == JsonToken.VALUE_FALSE) {
      return;
    }
    String said = in.currentToken().isStructStart() ? reasonOf(in) : LenientValues.scalar(in);
    if (said != null && !said.isBlank() && !said.equalsIgnoreCase("null")) {
      reason = said.strip();
    }
  }
}
