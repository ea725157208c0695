package io.heddle.openai;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.json.InvalidJson;
import io.heddle.json.Json;
import io.heddle.json.JsonReader;
import io.heddle.json.JsonValue;
import io.heddle.json.WholeNumbers;
import io.heddle.web.Query;
import tools.jackson.core.json.JsonFactory;

/** JSON as this wire reads it: what is refused has OpenAI's code. */
final class OpenAiJson {

  private OpenAiJson() {}

  /** What a client sent. */
  static JsonValue read(JsonFactory factory, byte[] text) {
    return JsonReader.value(factory, OpenAiJson::refusal, text);
  }

  static JsonValue value(Json json) {
    return value(json, "");
  }

  /**
   * @param path as a client writes it, {@code input[2].content}; empty for the whole body
   */
  static JsonValue value(Json json, String path) {
    return JsonValue.of(json, path, OpenAiJson::refusal);
  }

  static JsonValue object(Json json) {
    return value(json).object();
  }

  /** A parameter of a query that is a whole number, or {@code otherwise} when it is not there. */
  static int integer(Query query, String name, int least, int most, int otherwise) {
    String text = query.text(name);
    if (text == null) {
      return otherwise;
    }
    Long whole = WholeNumbers.parse(text);
    if (whole == null) {
      throw refuse(name, "invalid_type", "must be a whole number from " + least + " to " + most);
    }
    return (int) value(Json.of(whole.toString()), name).integer(least, most);
  }

  /** {@code invalid-request}, naming a field. */
  static ProblemException refuse(String path, String detail) {
    return refuse(path, "invalid_value", detail);
  }

  /** One of a member that has to be there. */
  static ProblemException missing(String path) {
    return refuse(path, "missing_required_parameter", "is missing");
  }

  /**
   * @param code OpenAI's for what is wrong
   */
  static ProblemException refuse(String path, String code, String detail) {
    return refusal(InvalidJson.value(path, code, detail));
  }

  /** The form of this wire. */
  static ProblemException refusal(InvalidJson invalid) {
    String path = invalid.path();
    String said = path.isEmpty() ? "The body " : "'" + path + "' ";
    Problem problem =
        switch (invalid.kind()) {
          case TEXT -> Problem.of(ProblemCode.INVALID_JSON, invalid.detail());
          case CHARACTERS -> Problem.of(ProblemCode.INVALID_JSON, said + invalid.detail());
          case VALUE, UNKNOWN_MEMBER ->
              Problem.field(ProblemCode.INVALID_REQUEST, path, said + invalid.detail())
                  .with(WireError.CODE, invalid.code());
        };
    return problem.with(invalid.members()).toException();
  }
}
