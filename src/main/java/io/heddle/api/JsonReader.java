package io.heddle.api;

import io.heddle.base.Json;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.Surrogates;
import io.heddle.base.UntrustedJson;
import io.heddle.base.WholeNumbers;
import io.heddle.web.InvalidJson;
import java.util.HashSet;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.core.exc.StreamConstraintsException;
import tools.jackson.core.json.JsonFactory;

/**
 * Reads one JSON text token by token and refuses, by the path of the field, whatever is not as it
 * must be. The current token is always the first of a value that nobody has taken yet.
 */
final class JsonReader {

  private final JsonParser in;
  private final int invalidUtf8;
  private String name = "";
  private char[] nameChars = new char[64];

  private JsonReader(JsonParser in, int invalidUtf8) {
    this.in = in;
    this.invalidUtf8 = invalidUtf8;
  }

  static JsonFactory factory(int maxNesting) {
    return UntrustedJson.factory(maxNesting);
  }

  /**
   * The one value of a text, read by {@code shape}.
   *
   * @throws ProblemException {@code invalid-json} for what is not JSON, and what the shape refuses
   */
  static <T> T read(JsonFactory factory, byte[] text, Function<JsonReader, T> shape) {
    if (text.length == 0) {
      throw InvalidJson.empty();
    }
    if (InvalidJson.isWide(text)) {
      throw InvalidJson.notUtf8();
    }
    try (JsonParser parser = factory.createParser(ObjectReadContext.empty(), text)) {
      JsonReader in = new JsonReader(parser, Utf8.firstInvalid(text));
      try {
        if (parser.nextToken() == null) {
          throw InvalidJson.empty();
        }
        T value = shape.apply(in);
        in.end();
        return value;
      } catch (JacksonException e) {
        throw in.isNotUtf8(e)
            ? in.notUtf8()
            : InvalidJson.of(e, parser.streamReadContext(), factory.streamReadConstraints());
      }
    }
  }

  private void end() {
    if (in.nextToken() != null) {
      throw InvalidJson.more(in.currentTokenLocation());
    }
    if (invalidUtf8 >= 0) {
      throw InvalidJson.notUtf8();
    }
  }

  // ---- objects and arrays

  /** Enters an object. */
  void object() {
    if (in.currentToken() != JsonToken.START_OBJECT) {
      throw wrongType("an object");
    }
  }

  /** Goes to the value of the object's next member; false at the object's end. */
  boolean nextMember() {
    if (in.nextToken() != JsonToken.PROPERTY_NAME) {
      return false;
    }
    name = in.currentName();
    in.nextToken();
    return true;
  }

  /** The name of the member that {@link #nextMember} went to. */
  String name() {
    return name;
  }

  /** Enters an array. */
  void array() {
    if (in.currentToken() != JsonToken.START_ARRAY) {
      throw wrongType("an array");
    }
  }

  /** Goes to the array's next element; false at its end. */
  boolean nextElement() {
    return in.nextToken() != JsonToken.END_ARRAY;
  }

  /** Adds a bit to those of the members seen; refuses a second time. */
  int once(int seen, int bit) {
    if ((seen & 1 << bit) != 0) {
      throw refuse("is there twice");
    }
    return seen | 1 << bit;
  }

  // ---- values

  boolean isNull() {
    return in.currentToken() == JsonToken.VALUE_NULL;
  }

  boolean isString() {
    return in.currentToken() == JsonToken.VALUE_STRING;
  }

  boolean isArray() {
    return in.currentToken() == JsonToken.START_ARRAY;
  }

  boolean isObject() {
    return in.currentToken() == JsonToken.START_OBJECT;
  }

  String string(int min, int max) {
    if (!isString()) {
      throw wrongType("a string");
    }
    String text = in.getString();
    length(text.length(), min, max);
    if (!isSound(text)) {
      throw unsound();
    }
    checkUtf8();
    return text;
  }

  private static boolean isSound(String text) {
    return text.indexOf(0) < 0 && Surrogates.arePaired(text);
  }

  /** The value if it is a string of at most so many characters; else null, and it is skipped. */
  @Nullable String shortString(int max) {
    if (isString()) {
      String text = in.getString();
      return text.length() <= max && isSound(text) ? text : null;
    }
    in.skipChildren();
    return null;
  }

  long integer(long min, long max) {
    if (in.currentToken() != JsonToken.VALUE_NUMBER_INT
        && in.currentToken() != JsonToken.VALUE_NUMBER_FLOAT) {
      throw wrongType("a number");
    }
    // By its text: a number of hundred digits must be refused, not overflow.
    Long whole = WholeNumbers.parse(in.getString());
    if (whole == null) {
      throw wrongType("a whole number");
    }
    long value = whole;
    if (value < min || value > max) {
      throw refuse("must be " + min + " to " + max);
    }
    return value;
  }

  boolean bool() {
    return switch (in.currentToken()) {
      case VALUE_TRUE -> true;
      case VALUE_FALSE -> false;
      default -> throw wrongType("true or false");
    };
  }

  /** Copies a string of a bounded length. */
  void copyString(JsonScratch out, int min, int max) {
    if (!isString()) {
      throw wrongType("a string");
    }
    length(in.getStringLength(), min, max);
    copyText(out);
  }

  /** Copies the whole value, on one line; strings by their characters, numbers by their text. */
  void copy(JsonScratch out) {
    switch (in.currentToken()) {
      case START_OBJECT -> {
        out.one('{');
        boolean more = false;
        while (nextMember()) {
          if (more) {
            out.one(',');
          }
          more = true;
          copyName(out);
          copy(out);
        }
        out.one('}');
      }
      case START_ARRAY -> {
        out.one('[');
        boolean more = false;
        while (nextElement()) {
          if (more) {
            out.one(',');
          }
          more = true;
          copy(out);
        }
        out.one(']');
      }
      case VALUE_STRING -> copyText(out);
      case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT ->
          out.ascii(in.getStringCharacters(), in.getStringOffset(), in.getStringLength());
      case VALUE_TRUE -> out.ascii("true");
      case VALUE_FALSE -> out.ascii("false");
      case VALUE_NULL -> out.ascii("null");
      default -> throw wrongType("a value");
    }
  }

  /**
   * The whole value, which must be an object without a name twice; further inside it is not looked
   * at.
   *
   * @param size about how many bytes it has
   * @param refused names that it must not have
   */
  Json copyObject(int size, Set<String> refused) {
    object();
    JsonScratch out = new JsonScratch(size);
    Set<String> names = new HashSet<>();
    out.one('{');
    while (nextMember()) {
      if (!names.isEmpty()) {
        out.one(',');
      }
      if (!names.add(name)) {
        throw refuse("is there twice");
      }
      if (refused.contains(name)) {
        throw refuse("is not the caller's to set here");
      }
      copyName(out);
      copy(out);
    }
    out.one('}');
    return out.json(0, out.length());
  }

  /** Copies the name of the current member and the colon after it. */
  void copyName(JsonScratch out) {
    int count = name.length();
    if (nameChars.length < count) {
      nameChars = new char[count];
    }
    name.getChars(0, count, nameChars, 0);
    if (!out.quoted(nameChars, 0, count)) {
      throw unsound();
    }
    checkUtf8();
    out.one(':');
  }

  private void copyText(JsonScratch out) {
    char[] text = in.getStringCharacters();
    if (!out.quoted(text, in.getStringOffset(), in.getStringLength())) {
      throw unsound();
    }
    checkUtf8();
  }

  private void length(int length, int min, int max) {
    if (length < min) {
      throw refuse(min == 1 ? "must not be empty" : "must have at least " + min + " characters");
    }
    if (length > max) {
      throw refuse("has " + length + " characters; at most " + max + " are allowed", max);
    }
  }

  private void checkUtf8() {
    if (invalidUtf8 >= 0 && in.currentLocation().getByteOffset() > invalidUtf8) {
      throw notUtf8();
    }
  }

  /** Whether the parser stumbled over bytes that are none. */
  private boolean isNotUtf8(JacksonException error) {
    if (invalidUtf8 < 0 || error instanceof StreamConstraintsException) {
      return false;
    }
    TokenStreamLocation location = error.getLocation();
    return location == null || location.getByteOffset() >= invalidUtf8;
  }

  private ProblemException notUtf8() {
    return refuse("is not UTF-8 (byte " + invalidUtf8 + " of the body)");
  }

  // ---- refusals

  /** {@code invalid-request}, naming the current field. */
  ProblemException refuse(String detail) {
    return refusal(path(), detail).toException();
  }

  ProblemException refuse(String detail, long limit) {
    return refusal(path(), detail).with("limit", limit).toException();
  }

  /** {@code invalid-request}, naming a member of the object that the current token is or ends. */
  ProblemException refuseMember(String object, String member, String detail) {
    return refusal(object.isEmpty() ? member : object + "." + member, detail).toException();
  }

  ProblemException unknownField() {
    String path = path();
    return Problem.field(
            ProblemCode.UNKNOWN_FIELD, path, "This call does not know the field " + path)
        .toException();
  }

  private ProblemException wrongType(String expected) {
    String is =
        switch (in.currentToken()) {
          case START_OBJECT -> "an object";
          case START_ARRAY -> "an array";
          case VALUE_STRING -> "a string";
          case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> "a number";
          case VALUE_TRUE, VALUE_FALSE -> "a boolean";
          default -> "null";
        };
    return refuse("must be " + expected + ", not " + is);
  }

  private ProblemException unsound() {
    return refuse("has a NUL character or half a surrogate pair");
  }

  private static Problem refusal(String path, String detail) {
    if (path.isEmpty()) {
      return Problem.of(ProblemCode.INVALID_REQUEST, "The body " + detail);
    }
    return Problem.field(ProblemCode.INVALID_REQUEST, path, path + " " + detail);
  }

  /** The path of the current value as a client would write it, {@code messages[2].metadata.x}. */
  String path() {
    return JsonPath.of(in.streamReadContext());
  }
}
