package io.heddle.openai;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.json.Json;
import io.heddle.json.JsonWriter;
import io.heddle.live.Frame;
import io.heddle.web.Connections;

/** What the streams of this wire have in common. */
final class Streams {

  private static final int RETRY_SECONDS = 2;

  private Streams() {}

  /** Also when there is no room for another connection. */
  static void refuseWhenDraining(Connections connections) {
    if (connections.isDraining()) {
      throw Problem.of(ProblemCode.RESTARTING, "This replica takes no more connections")
          .with("retryAfter", RETRY_SECONDS)
          .toException();
    }
    if (connections.isFull()) {
      throw Problem.of(ProblemCode.RATE_LIMITED, "this replica has too many connections")
          .with("retryAfter", RETRY_SECONDS)
          .toException();
    }
  }

  /** An error in a stream of Responses: its members stand beside the type, none is an object. */
  static Frame error(RequestContext call, Throwable cause, long number) {
    WireError error = AdmissionGate.error(call.exchange(), cause);
    Json json =
        JsonWriter.object(error.message().length() + 160)
            .string("type", "error")
            .number("sequence_number", number)
            .string("code", error.code() == null ? error.type() : error.code())
            .string("message", error.message())
            .string("param", error.param())
            .done();
    return Frame.of("error", json);
  }

  /** An error in a stream of Chat Completions. */
  static Frame chatError(RequestContext call, Throwable cause) {
    return Frame.data(AdmissionGate.error(call.exchange(), cause).json().utf8());
  }
}
