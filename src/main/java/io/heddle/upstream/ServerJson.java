package io.heddle.upstream;

import io.heddle.json.JsonParsers;
import io.heddle.json.JsonValue;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

/** The JSON that model servers of all kinds send: how it is parsed, and what its objects are. */
final class ServerJson {

  /** A model names members as its user asks it to, where a server sends arguments as an object. */
  private static final int MOST_NESTING = 1000;

  private static final JsonFactory FACTORY = JsonParsers.carelessFactory(MOST_NESTING);

  /** Some servers put it into quotes. */
  private static final Pattern DONE = Pattern.compile("(?i)[ \"\t]*\\[DONE][ \"\t]*");

  private static final int LONGEST_DONE = 64;

  private ServerJson() {}

  static JsonParser parser(byte[] json, int length) {
    return FACTORY.createParser(ObjectReadContext.empty(), json, 0, length);
  }

  /** A parser that stands at a value which was found in JSON before. */
  static JsonParser parser(JsonValue value) {
    JsonParser in = parser(value.json().utf8(), value.length());
    in.nextToken();
    return in;
  }

  /** The object or array that a parser of these bytes stands at, which is read to its end. */
  static JsonValue value(JsonParser in, byte[] json) {
    int from = (int) in.currentTokenLocation().getByteOffset();
    in.skipChildren();
    in.finishToken();
    return JsonValue.of(json, from, (int) in.currentLocation().getByteOffset());
  }

  /**
   * Goes to the start of the next object; false at the end.
   *
   * @throws JacksonException for what is not JSON
   * @throws UnexpectedJson for what is no object
   */
  static boolean nextObject(JsonParser in) {
    JsonToken first = in.nextToken();
    if (first != null && first != JsonToken.START_OBJECT) {
      throw new UnexpectedJson("it is not an object");
    }
    return first != null;
  }

  /**
   * Goes to the start of the first object, which must be there.
   *
   * @throws JacksonException for what is not JSON
   * @throws UnexpectedJson for what is no object
   */
  static void firstObject(JsonParser in) {
    if (!nextObject(in)) {
      throw new UnexpectedJson("there is nothing");
    }
  }

  /**
   * @throws UnexpectedJson when something stands behind the object that was read
   */
  static void end(JsonParser in) {
    if (in.nextToken() != null) {
      throw new UnexpectedJson("there is more behind it");
    }
  }

  /** Hands over the members of an object, at their values; what is not read of them is skipped. */
  static void eachMember(JsonParser in, Consumer<String> member) {
    if (in.currentToken() != JsonToken.START_OBJECT) {
      in.skipChildren();
      return;
    }
    while (in.nextToken() != JsonToken.END_OBJECT) {
      String name = in.currentName();
      in.nextToken();
      member.accept(name);
      in.skipChildren();
    }
  }

  /** The same for one member. */
  static void member(JsonParser in, String wanted, Runnable member) {
    eachMember(
        in,
        name -> {
          if (name.equals(wanted)) {
            member.run();
          }
        });
  }

  /** Whether it is what stands behind the last chunk of Chat Completions, and of other streams. */
  static boolean isDone(byte[] data, int length) {
    // Most data begins with a brace, and many servers send no more than a token in it.
    return length <= LONGEST_DONE
        && length > 0
        && data[0] != '{'
        && DONE.matcher(new String(data, 0, length, StandardCharsets.ISO_8859_1)).matches();
  }

  /**
   * Reads a document. One with bytes that are no characters, which some servers send when they cut
   * a character in two, is read with a mark in the place of each.
   */
  static <T> T read(byte[] json, int length, Reader<T> reader) {
    try {
      return reader.read(json, length);
    } catch (JacksonException e) {
      byte[] mended = mended(json, length);
      if (mended == null) {
        throw e;
      }
      return reader.read(mended, mended.length);
    }
  }

  /** Null when all of it are characters. */
  static byte @Nullable [] mended(byte[] json, int length) {
    byte[] mended =
        new String(json, 0, length, StandardCharsets.UTF_8).getBytes(StandardCharsets.UTF_8);
    return Arrays.equals(mended, 0, mended.length, json, 0, length) ? null : mended;
  }

  /** Makes something of a document. */
  interface Reader<T> {
    T read(byte[] json, int length);
  }

  /** JSON, and not what a server of this kind sends. */
  static final class UnexpectedJson extends RuntimeException {
    private static final long serialVersionUID = 1L;

    UnexpectedJson(String message) {
      super(message, null, false, false);
    }
  }
}
