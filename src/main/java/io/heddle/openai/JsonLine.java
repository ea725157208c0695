package io.heddle.openai;

import io.heddle.base.Json;
import io.heddle.base.JsonWriter;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.UntrustedJson;
import io.heddle.web.InvalidJson;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

/**
 * Puts a client's JSON text on one line, token by token: strings by their characters, numbers by
 * their text. Whatever is cut out of it afterwards is sound JSON.
 */
final class JsonLine {

  private final JsonFactory factory;

  JsonLine(int maxNesting) {
    factory = UntrustedJson.factory(maxNesting);
  }

  /**
   * @throws ProblemException {@code invalid-json}
   */
  Json read(byte[] text) {
    if (text.length == 0) {
      throw InvalidJson.empty();
    }
    if (InvalidJson.isWide(text)) {
      throw InvalidJson.notUtf8();
    }
    if (!isAscii(text)) {
      try {
        // The parser itself lets overlong forms and surrogates pass.
        StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(text));
      } catch (CharacterCodingException _) {
        throw InvalidJson.notUtf8();
      }
    }
    try (JsonParser in = factory.createParser(ObjectReadContext.empty(), text)) {
      try {
        if (in.nextToken() == null) {
          throw InvalidJson.empty();
        }
        JsonWriter out = new JsonWriter(text.length);
        copy(in, out);
        if (in.nextToken() != null) {
          throw InvalidJson.more(in.currentTokenLocation());
        }
        return out.toJson();
      } catch (JacksonException e) {
        throw InvalidJson.of(e, in.streamReadContext(), factory.streamReadConstraints());
      }
    }
  }

  /** Most of what programs send, of which nothing has to be decoded to see that it is sound. */
  private static boolean isAscii(byte[] text) {
    int all = 0;
    for (byte one : text) {
      all |= one;
    }
    return all >= 0;
  }

  private static void copy(JsonParser in, JsonWriter out) {
    switch (in.currentToken()) {
      case START_OBJECT -> {
        String before = "{";
        while (in.nextToken() == JsonToken.PROPERTY_NAME) {
          out.ascii(before).string(sound(in.currentName())).ascii(":");
          before = ",";
          in.nextToken();
          copy(in, out);
        }
        out.ascii(before.equals("{") ? "{}" : "}");
      }
      case START_ARRAY -> {
        String before = "[";
        while (in.nextToken() != JsonToken.END_ARRAY) {
          out.ascii(before);
          before = ",";
          copy(in, out);
        }
        out.ascii(before.equals("[") ? "[]" : "]");
      }
      case VALUE_STRING -> out.string(sound(in.getString()));
      case VALUE_TRUE -> out.ascii("true");
      case VALUE_FALSE -> out.ascii("false");
      case VALUE_NULL -> out.ascii("null");
      default -> out.ascii(in.getString());
    }
  }

  /** What the store takes in no message: NUL, and half a surrogate pair, which UTF-8 cannot say. */
  private static String sound(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == 0) {
        throw Problem.of(ProblemCode.INVALID_JSON, "A string has a NUL character").toException();
      }
      if (Character.isSurrogate(c)) {
        if (!Character.isHighSurrogate(c)
            || i + 1 == text.length()
            || !Character.isLowSurrogate(text.charAt(i + 1))) {
          throw Problem.of(ProblemCode.INVALID_JSON, "A string has half a surrogate pair")
              .toException();
        }
        i++;
      }
    }
    return text;
  }
}
