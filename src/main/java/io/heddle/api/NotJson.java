package io.heddle.api;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.TokenStreamContext;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.core.exc.StreamConstraintsException;

/** The refusals of a text that is no JSON, or none that is read here: {@code invalid-json}. */
final class NotJson {

  private NotJson() {}

  static ProblemException empty() {
    return Problem.of(ProblemCode.INVALID_JSON, "The body is empty").toException();
  }

  static ProblemException notUtf8() {
    return Problem.of(ProblemCode.INVALID_JSON, "The body is not UTF-8").toException();
  }

  /** What a parser stumbled over. */
  static ProblemException of(
      JacksonException error, TokenStreamContext context, StreamReadConstraints constraints) {
    if (!(error instanceof StreamConstraintsException)) {
      return at(error.getLocation(), error.getOriginalMessage());
    }
    int depth = constraints.getMaxNestingDepth();
    if (context.getNestingDepth() < depth) {
      return at(error.getLocation(), "A number or a name is too long");
    }
    return Problem.of(
            ProblemCode.INVALID_JSON, "The body is nested deeper than " + depth + " levels")
        .with("limit", depth)
        .toException();
  }

  static ProblemException at(@Nullable TokenStreamLocation location, String detail) {
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
