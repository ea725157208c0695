package io.heddle.turn;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.knuddels.jtokkit.Encodings;
import com.knuddels.jtokkit.api.Encoding;
import com.knuddels.jtokkit.api.EncodingType;
import io.heddle.base.Json;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/**
 * Counts tokens as o200k_base makes them; other models' counts differ by some percent. Counting is
 * work and reads its tables from a file the first time: not for an event loop.
 */
final class Tokens {

  private static final int REMEMBERED = 50_000;

  /** What a message costs beside its text. */
  private static final int PER_MESSAGE = 4;

  /** A picture, a sound, a file: its bytes are no text, and what it costs only the model knows. */
  private static final int PER_ATTACHMENT = 800;

  /** Longer texts are counted in parts: some tokenizers take the square of a word's length. */
  private static final int PART = 8192;

  /** By hash and length of a body: for one in many millions the count is another's. */
  private final Cache<Long, Integer> known = Caffeine.newBuilder().maximumSize(REMEMBERED).build();

  /** Of one model's tables, loaded when first asked for. */
  private static final class Tables {
    static final Encoding O200K =
        Encodings.newLazyEncodingRegistry().getEncoding(EncodingType.O200K_BASE);
  }

  long of(String text) {
    long tokens = 0;
    for (int from = 0; from < text.length(); from += PART) {
      String part = text.substring(from, Math.min(text.length(), from + PART));
      tokens += Tables.O200K.countTokensOrdinary(part);
    }
    return tokens;
  }

  /** Of a message's body: its texts, names and arguments. */
  int of(Json body) {
    return known.get((long) body.hashCode() << 32 | body.length(), _ -> count(body));
  }

  private int count(Json body) {
    long tokens = PER_MESSAGE;
    try (JsonParser in = Pieces.parser(body.utf8())) {
      in.nextToken();
      while (in.nextToken() == JsonToken.PROPERTY_NAME) {
        String name = in.currentName();
        JsonToken value = in.nextToken();
        boolean told =
            switch (name) {
              case "content", "name", "refusal", "toolCalls", "toolCallId" -> true;
              default -> false;
            };
        if (told) {
          tokens += value(in, value);
        } else if (value.isStructStart()) {
          in.skipChildren();
        }
      }
    } catch (JacksonException _) {
      tokens += body.length() / 4;
    }
    return (int) Math.min(Integer.MAX_VALUE, tokens);
  }

  private long value(JsonParser in, JsonToken value) {
    return switch (value) {
      case VALUE_STRING -> of(in.getString());
      case START_ARRAY -> {
        long tokens = 0;
        for (JsonToken next = in.nextToken(); next != JsonToken.END_ARRAY; next = in.nextToken()) {
          tokens += value(in, next);
        }
        yield tokens;
      }
      case START_OBJECT -> part(in);
      default -> 1;
    };
  }

  /** An object inside a message: a part of its content, or a tool call. */
  private long part(JsonParser in) {
    long tokens = 0;
    boolean attachment = false;
    while (in.nextToken() == JsonToken.PROPERTY_NAME) {
      String name = in.currentName();
      JsonToken value = in.nextToken();
      switch (name) {
        case "text", "refusal", "name", "arguments", "input", "function", "custom" ->
            tokens += value(in, value);
        case "image_url", "input_audio", "file", "file_data", "file_id", "file_url" -> {
          attachment = true;
          in.skipChildren();
        }
        default -> {
          if (value.isStructStart()) {
            in.skipChildren();
          }
        }
      }
    }
    return attachment ? tokens + PER_ATTACHMENT : tokens;
  }
}
