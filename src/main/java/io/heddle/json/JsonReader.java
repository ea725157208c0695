package io.heddle.json;

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
public final class JsonReader {

  private final JsonParser in;
  private final InvalidJson.Form form;
  private final int invalidUtf8;
  private String name = "";
  private char[] nameChars = new char[64];

  private JsonReader(JsonParser in, InvalidJson.Form form, int invalidUtf8) {
    this.in = in;
    this.form = form;
    this.invalidUtf8 = invalidUtf8;
  }

  /**
   * The one value of a text, read by {@code shape}.
   *
   * @param factory bounds the nesting
   * @param form of what is thrown for a text that is not JSON, and for what the shape refuses
   */
  public static <T> T read(
      JsonFactory factory, InvalidJson.Form form, byte[] text, Function<JsonReader, T> shape) {
    if (text.length == 0) {
      throw form.of(InvalidJson.empty());
    }
    if (Utf8.isWide(text)) {
      throw form.of(InvalidJson.notUtf8());
    }
    try (JsonParser parser = factory.createParser(ObjectReadContext.empty(), text)) {
      JsonReader in = new JsonReader(parser, form, Utf8.firstInvalid(text));
      try {
        if (parser.nextToken() == null) {
          throw form.of(InvalidJson.empty());
        }
        T value = shape.apply(in);
        in.end();
        return value;
      } catch (JacksonException e) {
        throw in.isNotUtf8(e)
            ? in.notUtf8()
            : form.of(
                InvalidJson.of(e, parser.streamReadContext(), factory.streamReadConstraints()));
      }
    }
  }

  /** The one value of a text, on one line: whatever is cut out of it afterwards is sound JSON. */
  public static JsonValue value(JsonFactory factory, InvalidJson.Form form, byte[] text) {
    return read(
        factory,
        form,
        text,
        in -> {
          JsonWriter out = new JsonWriter(text.length);
          in.copy(out);
          return JsonValue.of(out.toJson(), "", form);
        });
  }

  private void end() {
    if (in.nextToken() != null) {
      throw form.of(InvalidJson.more(in.currentTokenLocation()));
    }
    if (invalidUtf8 >= 0) {
      throw form.of(InvalidJson.notUtf8());
    }
  }

  // ---- objects and arrays

  /** Enters an object. */
  public void object() {
    if (in.currentToken() != JsonToken.START_OBJECT) {
      throw wrongType("an object");
    }
  }

  /** Goes to the value of the object's next member; false at the object's end. */
  public boolean nextMember() {
    if (in.nextToken() != JsonToken.PROPERTY_NAME) {
      return false;
    }
    name = in.currentName();
    in.nextToken();
    return true;
  }

  /** The same; refuses a second member of one name. */
  public boolean nextMember(Set<String> seen) {
    if (!nextMember()) {
      return false;
    }
    if (!seen.add(name)) {
      throw refuse("is there twice");
    }
    return true;
  }

  /** The name of the member that was gone to. */
  public String name() {
    return name;
  }

  /** Enters an array. */
  public void array() {
    if (in.currentToken() != JsonToken.START_ARRAY) {
      throw wrongType("an array");
    }
  }

  /** Goes to the array's next element; false at its end. */
  public boolean nextElement() {
    return in.nextToken() != JsonToken.END_ARRAY;
  }

  /** Adds a bit to those of the members seen; refuses a second time. */
  public int once(int seen, int bit) {
    if ((seen & 1 << bit) != 0) {
      throw refuse("is there twice");
    }
    return seen | 1 << bit;
  }

  // ---- values

  public boolean isNull() {
    return in.currentToken() == JsonToken.VALUE_NULL;
  }

  public boolean isString() {
    return in.currentToken() == JsonToken.VALUE_STRING;
  }

  public boolean isArray() {
    return in.currentToken() == JsonToken.START_ARRAY;
  }

  public boolean isObject() {
    return in.currentToken() == JsonToken.START_OBJECT;
  }

  public String string(int min, int max) {
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
    return text.indexOf(0) < 0 && Utf8.canEncode(text);
  }

  /** The value if it is a string of at most so many characters; else null, and it is skipped. */
  public @Nullable String shortString(int max) {
    if (isString()) {
      String text = in.getString();
      return text.length() <= max && isSound(text) ? text : null;
    }
    in.skipChildren();
    return null;
  }

  public long integer(long min, long max) {
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

  public boolean bool() {
    return switch (in.currentToken()) {
      case VALUE_TRUE -> true;
      case VALUE_FALSE -> false;
      default -> throw wrongType("true or false");
    };
  }

  /** Copies a string of a bounded length. */
  public void copyString(JsonWriter out, int min, int max) {
    if (!isString()) {
      throw wrongType("a string");
    }
    length(in.getStringLength(), min, max);
    copyText(out);
  }

  /** Copies the whole value, on one line; strings by their characters, numbers by their text. */
  public void copy(JsonWriter out) {
    switch (in.currentToken()) {
      case START_OBJECT -> {
        out.ascii('{');
        boolean more = false;
        while (nextMember()) {
          if (more) {
            out.ascii(',');
          }
          more = true;
          copyName(out);
          copy(out);
        }
        out.ascii('}');
      }
      case START_ARRAY -> {
        out.ascii('[');
        boolean more = false;
        while (nextElement()) {
          if (more) {
            out.ascii(',');
          }
          more = true;
          copy(out);
        }
        out.ascii(']');
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
  public Json copyObject(int size, Set<String> refused) {
    object();
    JsonWriter out = new JsonWriter(size);
    Set<String> names = new HashSet<>();
    out.ascii('{');
    while (nextMember(names)) {
      if (names.size() > 1) {
        out.ascii(',');
      }
      if (refused.contains(name)) {
        throw refuse("is not the caller's to set here");
      }
      copyName(out);
      copy(out);
    }
    out.ascii('}');
    return out.toJson();
  }

  /** Copies the name of the current member and the colon after it. */
  public void copyName(JsonWriter out) {
    int count = name.length();
    if (nameChars.length < count) {
      nameChars = new char[count];
    }
    name.getChars(0, count, nameChars, 0);
    if (!out.quoted(nameChars, 0, count)) {
      throw unsound();
    }
    checkUtf8();
    out.ascii(':');
  }

  private void copyText(JsonWriter out) {
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

  private RuntimeException notUtf8() {
    return characters("is not UTF-8 (byte " + invalidUtf8 + " of the body)");
  }

  // ---- refusals

  /** Names the current field. */
  public RuntimeException refuse(String detail) {
    return refuseAt(path(), detail);
  }

  public RuntimeException refuse(String detail, long limit) {
    return form.of(InvalidJson.value(path(), "invalid_value", detail).with("limit", limit));
  }

  /** Names a member of the object that the current token is or ends. */
  public RuntimeException refuseMember(String object, String member, String detail) {
    return refuseAt(object.isEmpty() ? member : object + "." + member, detail);
  }

  public RuntimeException unknownField() {
    return form.of(InvalidJson.unknownMember(path()));
  }

  private RuntimeException refuseAt(String path, String detail) {
    return form.of(InvalidJson.value(path, "invalid_value", detail));
  }

  private RuntimeException wrongType(String expected) {
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

  private RuntimeException unsound() {
    return characters("has a NUL character or half a surrogate pair");
  }

  private RuntimeException characters(String detail) {
    return form.of(InvalidJson.characters(path(), detail));
  }

  /** The path of the current value as a client would write it, {@code messages[2].metadata.x}. */
  public String path() {
    return JsonPath.of(in.streamReadContext());
  }
}
