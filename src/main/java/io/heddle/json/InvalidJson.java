package io.heddle.json;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.TokenStreamContext;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.core.exc.StreamConstraintsException;
import tools.jackson.core.exc.UnexpectedEndOfInputException;

/**
 * A refusal of a text that is not JSON, or of a value in one that is not as it must be. What is
 * refused is the same on every wire; a {@link Form} puts it into the wire's words. The texts never
 * tell the names of the library that reads them.
 */
public final class InvalidJson extends RuntimeException {

  private static final long serialVersionUID = 1L;

  /** Where the library's texts begin to speak of its own settings, and of places twice. */
  private static final Pattern TAIL =
      Pattern.compile(
          " \\(start marker at .*| ?\\(?\\[Source: .*|: enable .*|; was expecting .*|"
              + " \\(not recognized as .*");

  private static final Pattern OF_THE_LIBRARY =
      Pattern.compile(
          "`|\\(\\)|\\b[A-Za-z]\\w*[a-z]\\.[A-Za-z]\\w*|\\b[A-Z][a-z]+[A-Z]\\w*|\\b[A-Z]+_\\w+");

  /** What is wrong. */
  public enum Kind {
    /** The text is not JSON, or none that is read here; the detail is a sentence. */
    TEXT,
    /** A string has characters that are not stored; the detail is a predicate. */
    CHARACTERS,
    /** A value is not as it must be; the detail is a predicate. */
    VALUE,
    /** The object may not have this member. */
    UNKNOWN_MEMBER
  }

  /** How a wire tells a refusal. */
  @FunctionalInterface
  public interface Form {

    /** What is thrown for it. */
    RuntimeException of(InvalidJson refusal);
  }

  private final Kind kind;
  private final String path;
  private final String code;
  private final String detail;
  private final transient Map<String, Object> members = new LinkedHashMap<>(0);

  private InvalidJson(Kind kind, String path, String code, String detail) {
    super(path.isEmpty() ? detail : path + " " + detail, null, false, false);
    this.kind = kind;
    this.path = path;
    this.code = code;
    this.detail = detail;
  }

  /**
   * @param code what is wrong, in one word: {@code invalid_type}
   */
  public static InvalidJson value(String path, String code, String detail) {
    return new InvalidJson(Kind.VALUE, path, code, detail);
  }

  static InvalidJson characters(String path, String detail) {
    return new InvalidJson(Kind.CHARACTERS, path, "invalid_value", detail);
  }

  static InvalidJson unknownMember(String path) {
    return new InvalidJson(Kind.UNKNOWN_MEMBER, path, "unknown_parameter", "is not known");
  }

  static InvalidJson text(String detail) {
    return new InvalidJson(Kind.TEXT, "", "invalid_json", detail);
  }

  static InvalidJson empty() {
    return text("The body is empty");
  }

  static InvalidJson notUtf8() {
    return text("The body is not UTF-8");
  }

  static InvalidJson more(@Nullable TokenStreamLocation location) {
    return at(location, "There is more after the end of the JSON text");
  }

  /** What a parser stumbled over. */
  static InvalidJson of(
      JacksonException error, TokenStreamContext context, StreamReadConstraints constraints) {
    if (!(error instanceof StreamConstraintsException)) {
      return at(error.getLocation(), detail(error));
    }
    int depth = constraints.getMaxNestingDepth();
    if (context.getNestingDepth() < depth) {
      return at(
          error.getLocation(),
          "A number or a name is too long, or there are too many names that are nearly the same");
    }
    return text("The body is nested deeper than " + depth + " levels").with("limit", depth);
  }

  private static String detail(JacksonException error) {
    if (error instanceof UnexpectedEndOfInputException) {
      return "The body ends before the JSON text does";
    }
    String text = error.getOriginalMessage();
    String own = text == null ? "" : TAIL.matcher(text).replaceFirst("").strip();
    return own.isEmpty() || OF_THE_LIBRARY.matcher(own).find() ? "The body is not JSON" : own;
  }

  private static InvalidJson at(@Nullable TokenStreamLocation location, String detail) {
    if (location == null || location.getLineNr() < 1) {
      return text(detail);
    }
    int line = location.getLineNr();
    int column = location.getColumnNr();
    return text(detail + " (line " + line + ", column " + column + ")")
        .with("line", line)
        .with("column", column);
  }

  InvalidJson with(String name, Object value) {
    members.put(name, value);
    return this;
  }

  public Kind kind() {
    return kind;
  }

  /** Where the value stands, {@code messages[2].content}; empty for the whole text. */
  public String path() {
    return path;
  }

  /** What is wrong, in one word. */
  public String code() {
    return code;
  }

  public String detail() {
    return detail;
  }

  /** What helps the client beside: {@code limit}, {@code line}, {@code column}. */
  public Map<String, Object> members() {
    return members;
  }
}
