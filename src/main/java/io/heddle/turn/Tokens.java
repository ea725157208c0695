package io.heddle.turn;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.knuddels.jtokkit.Encodings;
import com.knuddels.jtokkit.api.Encoding;
import com.knuddels.jtokkit.api.EncodingType;
import io.heddle.json.Json;
import io.heddle.json.JsonParsers;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/**
 * Counts tokens as o200k_base makes them; other models' counts differ by some percent. Counting is
 * work and reads its tables from a file the first time: not for an event loop.
 */
final class Tokens {

  /** No token of the tables has more bytes. */
  static final int LONGEST = 128;

  private static final int REMEMBERED = 50_000;

  /** What a message costs beside its text. */
  private static final int PER_MESSAGE = 4;

  /** A picture, a sound, a file: its bytes are no text, and what it costs only the model knows. */
  private static final int PER_ATTACHMENT = 800;

  /** Of a file's text, a token for so many characters of its base64; of a sound likewise. */
  private static final int FILE_CHARS = 8;

  private static final int SOUND_CHARS = 2000;

  /** Texts are counted in parts of about so many characters, cut where no word is cut. */
  private static final int PART = 1024;

  /**
   * A run of letters, of spaces or of signs is cut after so many characters: the tokenizer takes
   * the square of a word's length, and words longer than this are none. A cut costs at most a token
   * more than the whole.
   */
  private static final int LONGEST_RUN = 64;

  /** Strings under these names are not told to a model, when they are short. */
  private static final Set<String> LABELS =
      Set.of("type", "id", "index", "status", "detail", "format", "call_id", "annotations");

  private static final int LONGEST_LABEL = 64;

  /** Names that stand for their value and are not told beside it. */
  private static final Set<String> UNTOLD_NAMES =
      Set.of("text", "refusal", "name", "arguments", "input", "function", "custom", "content");

  /** Parameters that steer a server and are not told to a model. */
  private static final Set<String> NO_INPUT =
      Set.of(
          "user",
          "stop",
          "metadata",
          "logit_bias",
          "service_tier",
          "verbosity",
          "reasoning_effort",
          "safety_identifier",
          "prompt_cache_key",
          "prompt_cache_retention");

  /** Of a body, by its hash and length: for one in many millions the count is another's. */
  private final Cache<Long, Integer> known = Caffeine.newBuilder().maximumSize(REMEMBERED).build();

  /** Of one model's tables, loaded when first asked for. */
  private static final class Tables {
    static final Encoding O200K =
        Encodings.newLazyEncodingRegistry().getEncoding(EncodingType.O200K_BASE);
  }

  /**
   * What of a message, or of a call's parameters, is told to a model.
   *
   * @param fixed tokens that need no counting
   * @param texts to be counted
   */
  record Told(long fixed, List<String> texts) {

    static Told of(String text) {
      return new Told(0, List.of(text));
    }
  }

  long of(String text) {
    long tokens = 0;
    for (int from = 0; from < text.length(); ) {
      int to = end(text, from);
      tokens += count(text, from, to);
      from = to;
    }
    return tokens;
  }

  /** Of a message's body: its texts, names and arguments. */
  int of(Json body) {
    return known.get(key(body), _ -> sum(told(body)));
  }

  /** What {@link #of(Json)} remembers of a body, or null. */
  @Nullable Integer known(Json body) {
    return known.getIfPresent(key(body));
  }

  void remember(Json body, long tokens) {
    known.put(key(body), (int) Math.min(Integer.MAX_VALUE, tokens));
  }

  private static Long key(Json body) {
    return (long) body.hashCode() << 32 | body.length();
  }

  private int sum(Told told) {
    long tokens = told.fixed();
    for (String text : told.texts()) {
      tokens += of(text);
    }
    return (int) Math.min(Integer.MAX_VALUE, tokens);
  }

  // ---- texts

  long count(String text, int from, int to) {
    return Tables.O200K.countTokensOrdinary(text.substring(from, to));
  }

  /** Where the part of a text that begins at {@code from} ends: after it, and soon. */
  static int end(String text, int from) {
    int most = Math.min(text.length(), from + PART);
    int run = 0;
    int kind = -1;
    int space = -1;
    for (int at = from; at < most; at++) {
      char c = text.charAt(at);
      int of = kind(c);
      if (of == kind) {
        run++;
        if (run >= LONGEST_RUN && !Character.isLowSurrogate(c)) {
          return at;
        }
      } else {
        if (of == SPACE) {
          space = at;
        }
        kind = of;
        run = 1;
      }
    }
    if (most == text.length()) {
      return most;
    }
    // A word belongs to the space before it.
    if (space > from) {
      return space;
    }
    return Character.isLowSurrogate(text.charAt(most)) ? most - 1 : most;
  }

  private static final int SPACE = 0;

  private static int kind(char c) {
    if (c < 0x80) {
      if (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z') {
        return 1;
      }
      return c >= '0' && c <= '9' ? 2 : c <= ' ' ? SPACE : 3;
    }
    if (Character.isWhitespace(c) || Character.isSpaceChar(c)) {
      return SPACE;
    }
    return Character.isDigit(c) ? 2 : 1;
  }

  // ---- messages

  /** What a model is told of a message. */
  static Told told(Json body) {
    Reading reading = new Reading();
    reading.fixed = PER_MESSAGE;
    String thoughts = null;
    boolean calls = false;
    try (JsonParser in = JsonParsers.parser(body.utf8())) {
      in.nextToken();
      while (in.nextToken() == JsonToken.PROPERTY_NAME) {
        String name = in.currentName();
        JsonToken value = in.nextToken();
        switch (name) {
          case "content", "name", "refusal", "toolCallId" -> reading.value(in, value);
          case "toolCalls" -> {
            calls = true;
            reading.value(in, value);
          }
          // Given back between the steps of a tool loop.
          case "reasoning" -> {
            thoughts = value == JsonToken.VALUE_STRING ? in.getString() : null;
            in.skipChildren();
          }
          default -> {
            if (value.isStructStart()) {
              in.skipChildren();
            }
          }
        }
      }
      if (calls && thoughts != null) {
        reading.texts.add(thoughts);
      }
    } catch (JacksonException _) {
      reading.fixed += body.length();
    }
    return new Told(reading.fixed, reading.texts);
  }

  /**
   * What a model is told of a call's parameters: tools, the form of the answer, a prediction, and
   * whatever else has a text or members, since a server may tell it. As JSON, which is never
   * shorter than what is made of it.
   */
  static Told parameters(Json parameters) {
    List<String> texts = new ArrayList<>();
    byte[] utf8 = parameters.utf8();
    long fixed = 0;
    try (JsonParser in = JsonParsers.parser(utf8)) {
      in.nextToken();
      while (in.nextToken() == JsonToken.PROPERTY_NAME) {
        String name = in.currentName();
        JsonToken value = in.nextToken();
        if (value.isStructStart()) {
          int from = (int) in.currentTokenLocation().getByteOffset();
          in.skipChildren();
          int to = (int) in.currentLocation().getByteOffset();
          if (!NO_INPUT.contains(name)) {
            texts.add(new String(utf8, from, to - from, StandardCharsets.UTF_8));
          }
        } else if (value == JsonToken.VALUE_STRING && !NO_INPUT.contains(name)) {
          texts.add(in.getString());
        }
      }
    } catch (JacksonException _) {
      fixed = parameters.length();
      texts.clear();
    }
    return new Told(fixed, texts);
  }

  /** Picks up what counts. */
  private static final class Reading {
    private final List<String> texts = new ArrayList<>();
    private long fixed;

    private void value(JsonParser in, JsonToken value) {
      switch (value) {
        case VALUE_STRING -> texts.add(in.getString());
        case START_ARRAY -> {
          for (JsonToken next = in.nextToken();
              next != JsonToken.END_ARRAY;
              next = in.nextToken()) {
            value(in, next);
          }
        }
        case START_OBJECT -> object(in);
        case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> fixed += 1 + in.getStringLength() / 2;
        default -> fixed++;
      }
    }

    /** A part of a content, a tool call, or what is in one: whoever gets it, gets all of it. */
    private void object(JsonParser in) {
      int before = texts.size();
      long fixedBefore = fixed;
      boolean untold = false;
      while (in.nextToken() == JsonToken.PROPERTY_NAME) {
        String name = in.currentName();
        JsonToken value = in.nextToken();
        switch (name) {
          case "image_url", "input_audio", "file", "file_data", "file_id", "file_url" ->
              fixed += attachment(name, in, value);
          default -> {
            if (LABELS.contains(name)
                && value == JsonToken.VALUE_STRING
                && in.getStringLength() <= LONGEST_LABEL) {
              untold |= name.equals("type") && in.getString().equals(ItemPart.TYPE);
            } else if (LABELS.contains(name)
                && value.isScalarValue()
                && value != JsonToken.VALUE_STRING) {
              continue;
            } else {
              if (!UNTOLD_NAMES.contains(name)) {
                texts.add(name);
              }
              value(in, value);
            }
          }
        }
      }
      if (untold) {
        texts.subList(before, texts.size()).clear();
        fixed = fixedBefore;
      }
    }

    /** By its length, where it is sent itself: what is in it is not looked at. */
    private static long attachment(String name, JsonParser in, JsonToken value) {
      long chars = 0;
      int depth = 0;
      for (JsonToken at = value; ; at = in.nextToken()) {
        if (at.isStructStart()) {
          depth++;
        } else if (at.isStructEnd()) {
          depth--;
        } else if (at == JsonToken.VALUE_STRING) {
          chars += in.getStringLength();
        }
        if (depth == 0) {
          break;
        }
      }
      return switch (name) {
        case "image_url" -> PER_ATTACHMENT;
        case "input_audio" -> PER_ATTACHMENT + chars / SOUND_CHARS;
        default -> PER_ATTACHMENT + chars / FILE_CHARS;
      };
    }
  }
}
