package io.heddle.upstream;

import io.heddle.json.JsonParsers;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.function.Consumer;
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
  private static final String DONE = "[DONE]";

  private ServerJson() {}

  static JsonParser parser(byte[] json, int length) {
    return FACTORY.createParser(ObjectReadContext.empty(), json, 0, length);
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

  /** Whether it is what stands behind the last chunk of Chat Completions, and of other streams. */
  static boolean isDone(byte[] data, int length) {
    int from = 0;
    int end = length;
    while (from < end && isAround(data[from])) {
      from++;
    }
    while (end > from && isAround(data[end - 1])) {
      end--;
    }
    if (end - from != DONE.length()) {
      return false;
    }
    for (int i = 0; i < DONE.length(); i++) {
      char wanted = DONE.charAt(i);
      if (data[from + i] != wanted && data[from + i] != Character.toLowerCase(wanted)) {
        return false;
      }
    }
    return true;
  }

  private static boolean isAround(byte next) {
    return next == ' ' || next == '"' || next == '\t';
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
