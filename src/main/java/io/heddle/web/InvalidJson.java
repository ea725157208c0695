package io.heddle.web;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.TokenStreamContext;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.core.exc.StreamConstraintsException;
import tools.jackson.core.exc.UnexpectedEndOfInputException;

/**
 * The refusals of a text that is no JSON, or none that is read here: {@code invalid-json}, the same
 * on every wire. They never tell the names of the library that reads it.
 */
public final class InvalidJson {

  /** Where the library's texts begin to speak of its own settings, and of places twice. */
  private static final Pattern TAIL =
      Pattern.compile(
          " \\(start marker at .*| ?\\(?\\[Source: .*|: enable .*|; was expecting .*|"
              + " \\(not recognized as .*");

  private static final Pattern OF_THE_LIBRARY =
      Pattern.compile(
          "`|\\(\\)|\\b[A-Za-z]\\w*[a-z]\\.[A-Za-z]\\w*|\\b[A-Z][a-z]+[A-Z]\\w*|\\b[A-Z]+_\\w+");

  private InvalidJson() {}

  public static ProblemException empty() {
    return Problem.of(ProblemCode.INVALID_JSON, "The body is empty").toException();
  }

  public static ProblemException notUtf8() {
    return Problem.of(ProblemCode.INVALID_JSON, "The body is not UTF-8").toException();
  }

  /** Whether a text begins as one in UTF-16 or UTF-32 does. */
  public static boolean isWide(byte[] text) {
    if (text[0] == 0 || text.length == 1) {
      return text[0] == 0;
    }
    boolean marked =
        (text[0] == (byte) 0xfe && text[1] == (byte) 0xff)
            || (text[0] == (byte) 0xff && text[1] == (byte) 0xfe);
    return text[1] == 0 || marked;
  }

  /** What a parser stumbled over. */
  public static ProblemException of(
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
    return Problem.of(
            ProblemCode.INVALID_JSON, "The body is nested deeper than " + depth + " levels")
        .with("limit", depth)
        .toException();
  }

  public static ProblemException more(@Nullable TokenStreamLocation location) {
    return at(location, "There is more after the end of the JSON text");
  }

  private static String detail(JacksonException error) {
    if (error instanceof UnexpectedEndOfInputException) {
      return "The body ends before the JSON text does";
    }
    String text = error.getOriginalMessage();
    String own = text == null ? "" : TAIL.matcher(text).replaceFirst("").strip();
    return own.isEmpty() || OF_THE_LIBRARY.matcher(own).find() ? "The body is not JSON" : own;
  }

  private static ProblemException at(@Nullable TokenStreamLocation location, String detail) {
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
