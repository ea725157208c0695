package io.heddle.web;

import io.heddle.base.Problem;
import io.heddle.base.Refusals;
import io.heddle.json.JsonWriter;
import io.heddle.json.Utf8;
import java.util.Map;
import org.springframework.http.HttpHeaders;

/** Writes a {@link Problem} as RFC 9457 says. */
public final class ProblemWriter {

  public static final String CONTENT_TYPE = "application/problem+json";

  private static final String TYPE = "urn:heddle:problem:";
  private static final String RETRY_AFTER = "retryAfter";

  private ProblemWriter() {}

  public static BytesResponse answer(Problem problem) {
    BytesResponse answer = BytesResponse.of(problem.code().status(), CONTENT_TYPE, json(problem));
    if (problem.members().get(RETRY_AFTER) instanceof Number seconds) {
      answer.header(HttpHeaders.RETRY_AFTER, Long.toString(seconds.longValue()));
    }
    return answer;
  }

  /** A detail or field may repeat what the client wrote, half a surrogate pair too. */
  public static byte[] json(Problem problem) {
    Refusals.count(problem.code());
    JsonWriter out = new JsonWriter(256);
    String code = problem.code().code();
    out.ascii("{\"type\":\"").ascii(TYPE).ascii(code);
    out.ascii("\",\"title\":").string(problem.code().title());
    out.ascii(",\"status\":").number(problem.code().status());
    out.ascii(",\"detail\":").string(Utf8.mended(problem.detail()));
    out.ascii(",\"code\":\"").ascii(code).ascii("\"");
    for (Map.Entry<String, Object> member : problem.members().entrySet()) {
      out.ascii(",").string(member.getKey()).ascii(":");
      switch (member.getValue()) {
        case Number number -> out.ascii(number.toString());
        case Boolean flag -> out.ascii(flag.toString());
        case Object other -> out.string(Utf8.mended(other.toString()));
      }
    }
    return out.ascii("}").toBytes();
  }
}
