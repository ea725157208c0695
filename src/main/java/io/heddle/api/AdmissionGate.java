package io.heddle.api;

import io.heddle.base.Caller;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.limit.Admission;
import io.heddle.limit.Limits;
import io.heddle.limit.TokenLimits;
import io.heddle.session.IdempotentRequest;
import io.heddle.session.WriteContext;
import io.heddle.session.WritePreconditions;
import io.heddle.session.WriteResult;
import io.heddle.session.service.SessionService;
import io.heddle.web.BodyReader;
import io.heddle.web.BytesResponse;
import io.heddle.web.Callers;
import io.heddle.web.CountedConnection;
import io.heddle.web.EventStream;
import io.heddle.web.MatchedPath;
import io.heddle.web.ProblemHandler;
import io.heddle.web.ProblemWriter;
import java.util.function.Function;
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
 * the key's record decides, and a repetition is never counted. Whether there is a record at all is
 * found out before anything of the body is read, and how much is read for repetitions is bounded
 * ({@link Limits#mayBeRead}): who is over a limit must not have work done by adding a header.
 */
final class AdmissionGate {

  private final Limits limits;
  private final TokenLimits tokens;
  private final SessionService sessions;

  /** What a route's handler does. */
  private enum Does {
    READ,
    /** Opens a stream; a browser cannot set headers on those. */
    WATCH,
    WRITE,
    /** Writes what no idempotency key is recorded for. */
    WRITE_ONCE,
    /** Orders a turn. */
    TURN
  }

  AdmissionGate(Limits limits, TokenLimits tokens, SessionService sessions) {
    this.limits = limits;
    this.tokens = tokens;
    this.sessions = sessions;
  }

  /** A route to a handler that reads. */
  HandlerFunction<ServerResponse> reads(Handler handler) {
    return request -> enter(request, Does.READ, handler, ProblemWriter::answer);
  }

  /** A route to a handler that opens a stream; a browser cannot set headers on those. */
  HandlerFunction<ServerResponse> watches(Handler handler) {
    return request -> enter(request, Does.WATCH, handler, ProblemWriter::answer);
  }

  /**
   * A route to a handler that opens an event stream. A browser's {@code EventSource} that may try
   * again is told so; any other client is told what is wrong.
   */
  HandlerFunction<ServerResponse> streams(Handler handler) {
    return request -> {
      ServerWebExchange exchange = request.exchange();
      return EventStream.isAskedFor(exchange.getRequest())
          ? enter(request, Does.WATCH, handler, AdmissionGate::streamRefusal)
              .onErrorResume(
                  error -> !ProblemHandler.isHangUp(error),
                  error -> Mono.just(streamRefusal(ProblemHandler.problem(exchange, error))))
          : enter(request, Does.WATCH, handler, ProblemWriter::answer);
    };
  }

  static ServerResponse streamRefusal(Problem problem) {
    ProblemCode code = problem.code();
    return code.retryable() || code.status() >= 500
        ? EventStream.comeBack(problem)
        : ProblemWriter.answer(problem);
  }

  /** A route to a handler that writes. */
  HandlerFunction<ServerResponse> writes(Handler handler) {
    return request -> enter(request, Does.WRITE, handler, ProblemWriter::answer);
  }

  /** A route to a handler that writes, and does not look for a record of an idempotency key. */
  HandlerFunction<ServerResponse> writesOnce(Handler handler) {
    return request -> enter(request, Does.WRITE_ONCE, handler, ProblemWriter::answer);
  }

  /** A route to a handler that orders turns. */
  HandlerFunction<ServerResponse> turns(Handler handler) {
    return request -> enter(request, Does.TURN, handler, ProblemWriter::answer);
  }

  /** Does a write that the limits allow, or that was done before. */
  <T> Mono<WriteResult<T>> write(
      RequestContext call, WriteContext request, Supplier<Mono<WriteResult<T>>> write) {
    return write(call, request.requested(), request.key(), write);
  }

  /**
   * @param key of the session that has the record of the idempotency key
   */
  <T> Mono<WriteResult<T>> write(
      RequestContext call,
      WritePreconditions conditions,
      SessionKey key,
      Supplier<Mono<WriteResult<T>>> write) {
    return write(call.admission(), conditions, key, WriteResult::replayed, write);
  }

  /** The same for a write that came over a socket. */
  <T> Mono<WriteResult<T>> write(
      Admission admission,
      WritePreconditions conditions,
      SessionKey key,
      Supplier<Mono<WriteResult<T>>> write) {
    return write(admission, conditions, key, WriteResult::replayed, write);
  }

  /**
   * @param replayed whether an answer is a replay, which is not counted
   */
  <T> Mono<T> write(
      RequestContext call,
      WritePreconditions conditions,
      SessionKey key,
      Predicate<T> replayed,
      Supplier<Mono<T>> write) {
    return write(call.admission(), conditions, key, replayed, write);
  }

  private <T> Mono<T> write(
      Admission admission,
      WritePreconditions conditions,
      SessionKey key,
      Predicate<T> replayed,
      Supplier<Mono<T>> write) {
    IdempotentRequest retry = conditions.retry();
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
  <T> Mono<T> once(RequestContext call, Supplier<Mono<T>> work) {
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

  /** Counts what is not a write, in the same way. */
  Mono<Admission> admitRead(Caller caller, String path) {
    return limits.admit(caller, false, path);
  }

  private Mono<ServerResponse> enter(
      ServerRequest request,
      Does does,
      Handler handler,
      Function<Problem, ServerResponse> refusals) {
    Caller caller;
    try {
      caller = Callers.of(request.exchange().getRequest(), does == Does.WATCH);
    } catch (ProblemException e) {
      return Mono.just(refusals.apply(e.problem()));
    }
    boolean write = does != Does.READ && does != Does.WATCH;
    if (write) {
      Callers.keep(request.exchange(), caller);
    }
    Mono<ServerResponse> answer =
        limits
            .admit(caller, write, () -> MatchedPath.of(request))
            .flatMap(admission -> {
              tell(request.exchange(), admission);
              RequestContext call = new RequestContext(request, caller, admission);
              Problem refusal = admission.refusal();
              if (refusal == null && does == Does.TURN) {
                refusal = tokens.exhausted(caller);
              }
              Mono<? extends ServerResponse> made =
                  refusal == null ? handler.handle(call) : refused(call, refusal, does, handler);
              // One step for all that is left to do: each step more costs every request.
              return made.map(response -> finished(call, response));
            });
    Mono<ServerResponse> told =
        limits
            .working(caller, answer)
            .onErrorResume(ProblemException.class, e -> Mono.just(refusals.apply(e.problem())));
    // What the request holds of the memory is given back, however it ends.
    ServerWebExchange exchange = request.exchange();
    return write ? told.doFinally(signal -> BodyReader.release(exchange, signal)) : told;
  }

  /** The answer, counted as what it will hold of the memory and of the caller's connections. */
  private ServerResponse finished(RequestContext call, ServerResponse answer) {
    Caller caller = call.caller();
    tellAgain(call);
    BytesResponse.count(answer, caller, ProblemWriter::answer);
    return CountedConnection.of(answer, open -> limits.quotas().connected(caller, open));
  }

  boolean hasAllConnections(Caller caller) {
    return limits.quotas().refusesConnection(caller) != null;
  }

  /** Refuses a caller who has as many WebSockets and event streams as he may. */
  void refuseConnection(Caller caller) {
    Problem refusal = limits.quotas().refusesConnection(caller);
    if (refusal != null) {
      throw refusal.toException();
    }
  }

  /** Nothing is done, unless it may have been done before. */
  private Mono<ServerResponse> refused(
      RequestContext call, Problem refusal, Does does, Handler handler) {
    boolean repeatable = does == Does.WRITE || does == Does.TURN;
    IdempotentRequest any = repeatable ? call.anyRetry() : null;
    if (any == null || !limits.mayLookUp(call.admission())) {
      return Mono.error(refusal.toException());
    }
    return sessions
        .isRecorded(call.recordedAt(), any)
        .flatMap(recorded ->
            (recorded || call.mayBeRecordedElsewhere())
                    && limits.mayBeRead(call.admission(), call.bodyLength())
                ? handler.handle(call).cast(ServerResponse.class)
                : Mono.error(refusal.toException()));
  }

  /** What was told before it was known that the request counts for nothing. */
  private static void tellAgain(RequestContext call) {
    if (call.admission().isGivenBack()) {
      tell(call.exchange(), call.admission());
    }
  }

  private static void tell(ServerWebExchange exchange, Admission admission) {
    String left = admission.rateLimit();
    String policy = admission.policy();
    HttpHeaders headers = exchange.getResponse().getHeaders();
    // A proxy on the way must not give one caller's to another.
    headers.set(HttpHeaders.CACHE_CONTROL, "private");
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
