package io.heddle.api;

import io.heddle.base.Caller;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.limit.Admission;
import io.heddle.web.BytesResponse;
import io.heddle.web.Callers;
import io.heddle.web.EventStream;
import io.heddle.web.HeaderNames;
import io.heddle.web.ProblemHandler;
import io.heddle.web.ProblemWriter;
import io.heddle.web.RequestContext;
import io.heddle.web.Wire;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import org.springframework.web.server.ServerWebExchange;
import reactor.core.publisher.Mono;

/** The native API's own form: refusals are problems, limits the headers of the IETF's draft. */
sealed class NativeWire implements Wire {

  @Override
  public Caller caller(ServerHttpRequest request, boolean watches) {
    return Callers.of(request, watches);
  }

  @Override
  public void tellLimits(HttpHeaders headers, Admission admission) {
    String left = admission.rateLimit();
    String policy = admission.policy();
    if (left != null) {
      headers.set(HeaderNames.RATE_LIMIT, left);
    }
    if (policy != null) {
      headers.set(HeaderNames.RATE_LIMIT_POLICY, policy);
    }
  }

  @Override
  public BytesResponse refusal(Problem problem) {
    return ProblemWriter.answer(problem);
  }

  /** Whatever is no refusal is answered by the {@link ProblemHandler}. */
  @Override
  public Mono<ServerResponse> answer(ServerWebExchange exchange, Throwable error) {
    return error instanceof ProblemException e
        ? Mono.just(refusal(e.problem()))
        : Mono.error(error);
  }

  /** A call that makes a session may name it in its body, and the record is of that. */
  @Override
  public @Nullable Record record(RequestContext call) {
    if (call.idempotencyKey() == null) {
      return null;
    }
    boolean makes = !call.variables().contains("id") || call.path().endsWith("/fork");
    return new Record(makes ? call.key(WriteCalls.derivedId(call)) : call.session(), makes);
  }

  /**
   * The same for a browser's {@code EventSource}: when it may try again it is told so, which it
   * does after no status but 200.
   */
  static final class OfEventSource extends NativeWire {

    @Override
    public BytesResponse refusal(Problem problem) {
      ProblemCode code = problem.code();
      return code.retryable() || code.status() >= 500
          ? EventStream.comeBack(problem)
          : ProblemWriter.answer(problem);
    }

    @Override
    public Mono<ServerResponse> answer(ServerWebExchange exchange, Throwable error) {
      return ProblemHandler.isHangUp(error)
          ? Mono.error(error)
          : Mono.just(refusal(ProblemHandler.problem(exchange, error)));
    }
  }
}
