package io.heddle.api;

import io.heddle.base.Caller;
import io.heddle.base.Problem;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.limit.Admission;
import io.heddle.limit.Limits;
import io.heddle.session.Conditions;
import io.heddle.session.Request;
import io.heddle.session.Retry;
import io.heddle.session.Sessions;
import io.heddle.session.Written;
import io.heddle.web.Answer;
import io.heddle.web.BodyReader;
import io.heddle.web.Callers;
import io.heddle.web.MatchedPath;
import io.heddle.web.ProblemWriter;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.springframework.http.HttpHeaders;
import org.springframework.web.reactive.function.server.HandlerFunction;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import org.springframework.web.server.ServerWebExchange;
import reactor.core.publisher.Mono;

/**
 * What every call goes through: who calls, the caller's limits, asked once and before anything is
 * written, and refusals as problems.
 *
 * <p>A refused write with an idempotency key may be the repetition of one that was admitted; then
 * the key's record decides, and a repetition is never counted.
 */
final class Gate {

  private final Limits limits;
  private final Sessions sessions;

  Gate(Limits limits, Sessions sessions) {
    this.limits = limits;
    this.sessions = sessions;
  }

  /** A route to a handler that reads. */
  HandlerFunction<ServerResponse> reads(Handler handler) {
    return request -> enter(request, false, false, handler);
  }

  /** A route to a handler that opens a stream; a browser cannot set headers on those. */
  HandlerFunction<ServerResponse> watches(Handler handler) {
    return request -> enter(request, false, true, handler);
  }

  /** A route to a handler that writes. */
  HandlerFunction<ServerResponse> writes(Handler handler) {
    return request -> enter(request, true, false, handler);
  }

  /** Does a write that the limits allow, or that was done before. */
  <T> Mono<Written<T>> write(Call call, Request request, Supplier<Mono<Written<T>>> write) {
    return write(call, request.conditions(), request.key(), write);
  }

  /**
   * @param key of the session that has the record of the idempotency key
   */
  <T> Mono<Written<T>> write(
      Call call, Conditions conditions, SessionKey key, Supplier<Mono<Written<T>>> write) {
    return write(call.admission(), conditions, key, Written::replayed, write);
  }

  /** The same for a write that came over a socket. */
  <T> Mono<Written<T>> write(
      Admission admission,
      Conditions conditions,
      SessionKey key,
      Supplier<Mono<Written<T>>> write) {
    return write(admission, conditions, key, Written::replayed, write);
  }

  /**
   * @param replayed whether an answer is a replay, which is not counted
   */
  <T> Mono<T> write(
      Call call,
      Conditions conditions,
      SessionKey key,
      Predicate<T> replayed,
      Supplier<Mono<T>> write) {
    return write(call.admission(), conditions, key, replayed, write);
  }

  private <T> Mono<T> write(
      Admission admission,
      Conditions conditions,
      SessionKey key,
      Predicate<T> replayed,
      Supplier<Mono<T>> write) {
    Retry retry = conditions.retry();
    if (retry == null) {
      return once(admission, write);
    }
    if (admission.allowed()) {
      return write
          .get()
          .flatMap(written ->
              replayed.test(written)
                  ? limits.giveBack(admission).thenReturn(written)
                  : Mono.just(written));
    }
    return sessions
        .isRecorded(key, retry)
        .flatMap(recorded -> recorded ? write.get() : Mono.error(refusal(admission)));
  }

  /** Does what has no record if the limits allow it. */
  <T> Mono<T> once(Call call, Supplier<Mono<T>> work) {
    return once(call.admission(), work);
  }

  /** The same for what came over a socket. */
  <T> Mono<T> once(Admission admission, Supplier<Mono<T>> work) {
    return admission.allowed() ? work.get() : Mono.error(refusal(admission));
  }

  /** Counts a write that comes over a socket, as it would be over HTTP. */
  Mono<Admission> admit(Caller caller, String path) {
    return limits.admit(caller, true, path);
  }

  private Mono<ServerResponse> enter(
      ServerRequest request, boolean write, boolean byQuery, Handler handler) {
    Caller caller;
    try {
      caller = Callers.of(request.exchange().getRequest(), byQuery);
    } catch (ProblemException e) {
      return Mono.just(ProblemWriter.answer(e.problem()));
    }
    String path = MatchedPath.of(request);
    Mono<ServerResponse> answer = limits
        .admit(caller, write, path)
        .flatMap(admission -> {
          tell(request, admission);
          Call call = new Call(request, caller, admission);
          boolean mayBeRetry = write && call.idempotencyKey() != null;
          return admission.allowed() || mayBeRetry
              ? handler.handle(call).cast(ServerResponse.class)
              : Mono.error(refusal(admission));
        })
        .onErrorResume(ProblemException.class, e -> Mono.just(ProblemWriter.answer(e.problem())));
    return counted(request.exchange(), caller, write, answer);
  }

  /** What the request and its answer hold of the memory is given back, however it ends. */
  private static Mono<ServerResponse> counted(
      ServerWebExchange exchange, Caller caller, boolean write, Mono<ServerResponse> answer) {
    Mono<ServerResponse> counted =
        answer.doOnNext(response -> Answer.count(response, caller, ProblemWriter::answer));
    return write
        ? counted.doFinally(signal -> BodyReader.release(exchange, signal))
        : counted;
  }

  private static void tell(ServerRequest request, Admission admission) {
    String left = admission.rateLimit();
    String policy = admission.policy();
    HttpHeaders headers = request.exchange().getResponse().getHeaders();
    if (left != null) {
      headers.set("RateLimit", left);
    }
    if (policy != null) {
      headers.set("RateLimit-Policy", policy);
    }
  }

  private static ProblemException refusal(Admission admission) {
    Problem refusal = admission.refusal();
    if (refusal == null) {
      throw new IllegalStateException("an allowed request is not refused");
    }
    return refusal.toException();
  }
}
