package io.heddle.upstream;

import io.heddle.base.UntrustedJson;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

/** The JSON that model servers of all kinds send: how it is parsed, and what its objects are. */
final class ServerJson {

  /** A model names members as its user asks it to, where a server sends arguments as an object. */
  private static final int MOST_NESTING = 1000;

  private static final JsonFactory FACTORY = UntrustedJson.factory(MOST_NESTING);
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

  /** Whether it is what stands behind the last chunk of Chat Completions, and of other streams. */
  static boolean isDone(byte[] data, int length) {
    int end = length;
    while (end > 0 && data[end - 1] == ' ') {
      end--;
    }
    if (end != DONE.length()) {
      return false;
    }
    for (int i = 0; i < end; i++) {
      if (data[i] != DONE.charAt(i)) {
        return false;
      }
    }
    return true;
  }

  /** JSON, and not what a server of this kind sends. */
  static final class UnexpectedJson extends RuntimeException {
    private static final long serialVersionUID = 1L;

    UnexpectedJson(String message) {
      super(message, null, false, false);
    }
  }
}
