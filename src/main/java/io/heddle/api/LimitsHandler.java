package io.heddle.api;

import io.heddle.base.JsonBuffer;
import io.heddle.limit.Decision;
import io.heddle.web.Answer;
import java.time.Duration;
import reactor.core.publisher.Mono;

/** {@code GET /v1/limits}: what is left to the caller, this call counted. */
final class LimitsHandler {

  Mono<Answer> get(Call call) {
    call.query();
    JsonBuffer out = new JsonBuffer(256);
    out.ascii("{\"subject\":").string(call.admission().subject().name()).ascii(",\"limits\":[");
    String comma = "";
    for (Decision decision : call.admission().decisions()) {
      out.ascii(comma).ascii("{\"name\":\"").ascii(decision.rule().name());
      out.ascii("\",\"limit\":").number(decision.rule().limit());
      out.ascii(",\"windowSeconds\":").number(seconds(decision.rule().window()));
      out.ascii(",\"remaining\":").number(decision.remaining());
      out.ascii(",\"resetSeconds\":").number(seconds(decision.resetAfter())).ascii("}");
      comma = ",";
    }
    return Mono.just(Answer.json(200, out.ascii("]}").toBytes()));
  }

  /** Whole seconds, rounded up, as the headers tell them. */
  private static long seconds(Duration duration) {
    return Math.max(1, (duration.toMillis() + 999) / 1000);
  }
}
