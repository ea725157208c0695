package io.heddle.api;

import io.heddle.base.Json;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import java.util.HashSet;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.TokenStreamContext;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.core.exc.StreamConstraintsException;
import tools.jackson.core.json.JsonFactory;

/**
 * Reads one JSON text token by token and refuses, by the path of the field, whatever is not as it
 * must be. The current token is always the first of a value that nobody has taken yet.
 */
final class StrictJson {

  private static final int SHOWN_PATH = 200;

  private final JsonParser in;
  private final int invalidUtf8;
  private String name = "";
  private char[] nameChars = new char[64];

  private StrictJson(JsonParser in, int invalidUtf8) {
    this.in = in;
    this.invalidUtf8 = invalidUtf8;
  }

  static JsonFactory factory(int maxNesting) {
    return JsonFactory.builder()
        .streamReadConstraints(StreamReadConstraints.builder().maxNestingDepth(maxNesting).build())
        .build();
  }

  /**
   * The one value of a text, read by {@code shape}.
   *
   * @throws ProblemException {@code invalid-json} for what is not JSON, and what the shape refuses
   */
  static <T> T read(JsonFactory factory, byte[] text, Function<StrictJson, T> shape) {
    if (text.length == 0) {
      throw Problem.of(ProblemCode.INVALID_JSON, "The body is empty").toException();
    }
    // Without this the parser would take it for UTF-16 or UTF-32 and read on.
    if (text[0] == 0 || (text.length > 1 && text[1] == 0)) {
      throw Problem.of(ProblemCode.INVALID_JSON, "The body is not UTF-8").toException();
    }
    try (JsonParser parser = factory.createParser(ObjectReadContext.empty(), text)) {
      StrictJson in = new StrictJson(parser, Utf8.firstInvalid(text));
      try {
        if (parser.nextToken() == null) {
          throw Problem.of(ProblemCode.INVALID_JSON, "The body is empty").toException();
        }
        T value = shape.apply(in);
        in.end();
        return value;
      } catch (JacksonException e) {
        throw in.broken(e, factory.streamReadConstraints());
      }
    }
  }

  private void end() {
    if (in.nextToken() != null) {
      throw invalidJson("There is more after the end of the JSON text", in.currentTokenLocation());
    }
    if (invalidUtf8 >= 0) {
      throw Problem.of(ProblemCode.INVALID_JSON, "The body is not UTF-8").toException();
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
      throw refuse("The field is there twice");
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

  /** Whether it has neither NUL nor half a surrogate pair. */
  private static boolean isSound(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == 0) {
        return false;
      }
      if (Character.isSurrogate(c)) {
        boolean pair =
            Character.isHighSurrogate(c)
                && i + 1 < text.length()
                && Character.isLowSurrogate(text.charAt(i + 1));
        if (!pair) {
          return false;
        }
        i++;
      }
    }
    return true;
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
    if (in.currentToken() == JsonToken.VALUE_NUMBER_FLOAT) {
      throw wrongType("a whole number");
    }
    if (in.currentToken() != JsonToken.VALUE_NUMBER_INT) {
      throw wrongType("a number");
    }
    // By its text: a number of hundred digits must be refused, not overflow.
    long value = in.getStringLength() > 18 ? Long.MAX_VALUE : in.getLongValue();
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
      throw refuse("is not UTF-8 (byte " + invalidUtf8 + " of the body)");
    }
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
    String path = path(in.streamReadContext());
    return path.length() <= SHOWN_PATH ? path : path.substring(0, SHOWN_PATH) + "…";
  }

  private static String path(@Nullable TokenStreamContext context) {
    if (context == null || context.inRoot()) {
      return "";
    }
    String parent = path(context.getParent());
    if (context.inArray()) {
      return context.hasCurrentIndex() ? parent + "[" + context.getCurrentIndex() + "]" : parent;
    }
    if (!context.hasCurrentName()) {
      return parent;
    }
    return parent.isEmpty() ? context.currentName() : parent + "." + context.currentName();
  }

  private ProblemException broken(JacksonException error, StreamReadConstraints constraints) {
    TokenStreamLocation location = error.getLocation();
    if (error instanceof StreamConstraintsException) {
      int depth = constraints.getMaxNestingDepth();
      if (in.streamReadContext().getNestingDepth() >= depth) {
        return Problem.of(
                ProblemCode.INVALID_JSON, "The body is nested deeper than " + depth + " levels")
            .with("limit", depth)
            .toException();
      }
      return invalidJson("A number or a name is too long", location);
    }
    if (invalidUtf8 >= 0 && (location == null || location.getByteOffset() >= invalidUtf8)) {
      return refuse("is not UTF-8 (byte " + invalidUtf8 + " of the body)");
    }
    return invalidJson(error.getOriginalMessage(), location);
  }

  private static ProblemException invalidJson(
      String detail, @Nullable TokenStreamLocation location) {
    if (location == null || location.getLineNr() < 1) {
      return Problem.of(ProblemCode.INVALID_JSON, detail).toException();
    }
    int line = location.getLineNr();
    int column = location.getColumnNr();
    String place = " (line " + line + ", column " + column + ")";
    return Problem.of(ProblemCode.INVALID_JSON, detail + place)
        .with("line", line)
        .with("column", column)
        .toException();
  }
}
