package io.heddle.openai;

import io.heddle.base.Caller;
import io.heddle.base.IdSource;
import io.heddle.base.Problem;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.limit.Admission;
import io.heddle.limit.Decision;
import io.heddle.limit.Limits;
import io.heddle.limit.TokenLimits;
import io.heddle.session.IdempotentRequest;
import io.heddle.session.WriteContext;
import io.heddle.session.WriteResult;
import io.heddle.session.service.SessionService;
import io.heddle.web.BodyReader;
import io.heddle.web.BytesResponse;
import io.heddle.web.Callers;
import io.heddle.web.CountedConnection;
import io.heddle.web.MatchedPath;
import io.heddle.web.ProblemHandler;
import java.time.Duration;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.web.reactive.function.server.HandlerFunction;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import org.springframework.web.server.ServerWebExchange;
import reactor.core.publisher.Mono;

/**
 * What every call goes through: who calls, the caller's limits, asked once and before anything is
 * written, and errors in the form of this wire. A refused write that may be the repetition of an
 * admitted one is looked up first: repetitions are never counted. How much is read to find that out
 * is bounded ({@link Limits#mayBeRead}).
 *
 * <p>{@code Authorization} is not looked at while nobody has to sign in.
 */
final class AdmissionGate {

  private final Limits limits;
  private final TokenLimits tokens;
  private final SessionService sessions;
  private final IdSource ids;
  private final Duration lockWait;

  AdmissionGate(
      Limits limits, TokenLimits tokens, SessionService sessions, IdSource ids, Duration lockWait) {
    this.limits = limits;
    this.tokens = tokens;
    this.sessions = sessions;
    this.ids = ids;
    this.lockWait = lockWait;
  }

  HandlerFunction<ServerResponse> reads(Handler handler) {
    return request -> enter(request, false, false, handler);
  }

  HandlerFunction<ServerResponse> writes(Handler handler) {
    return request -> enter(request, true, false, handler);
  }

  /**
   * Writes that models are called for: their callers are told what they have left of tokens too.
   */
  HandlerFunction<ServerResponse> models(Handler handler) {
    return request -> enter(request, true, true, call -> tokensTold(call, handler));
  }

  /** Does a write that the limits allow, or that was done before. */
  <T> Mono<WriteResult<T>> write(
      RequestContext call, WriteContext request, Supplier<Mono<WriteResult<T>>> write) {
    Admission admission = call.admission();
    IdempotentRequest retry = request.requested().retry();
    if (admission.allowed()) {
      Mono<WriteResult<T>> written = write.get();
      return retry == null ? written : written.flatMap(done -> uncounted(admission, done));
    }
    if (retry == null) {
      return Mono.error(refusal(admission));
    }
    return sessions
        .isRecorded(request.key(), retry)
        .flatMap(recorded -> recorded ? write.get() : Mono.error(refusal(admission)));
  }

  /** Refuses what is over a limit. */
  void once(RequestContext call) {
    if (!call.admission().allowed()) {
      throw refusal(call.admission());
    }
  }

  /** Takes back what a call was counted as that turned out to be a repetition. */
  Mono<Void> giveBack(RequestContext call) {
    return limits.giveBack(call.admission());
  }

  /** After the call is begun, so that it is counted. */
  private Mono<? extends ServerResponse> tokensTold(RequestContext call, Handler handler) {
    if (!tokens.areCounted()) {
      return handler.handle(call);
    }
    HttpHeaders headers = call.exchange().getResponse().getHeaders();
    Mono<? extends ServerResponse> answer = Mono.defer(() -> handler.handle(call));
    Mono<ServerResponse> done =
        answer.cast(ServerResponse.class).onErrorResume(error -> told(call.exchange(), error));
    return done.flatMap(answered ->
        tokens
            .look(call.caller())
            .doOnNext(
                left -> RateHeaders.tell(headers, RateHeaders.Of.TOKENS, Decision.tightest(left)))
            .thenReturn(answered));
  }

  private <T> Mono<WriteResult<T>> uncounted(Admission admission, WriteResult<T> done) {
    return done.replayed() ? limits.giveBack(admission).thenReturn(done) : Mono.just(done);
  }

  private Mono<ServerResponse> enter(
      ServerRequest request, boolean write, boolean model, Handler handler) {
    long began = System.nanoTime();
    ServerWebExchange exchange = request.exchange();
    HttpHeaders headers = exchange.getResponse().getHeaders();
    headers.set("x-request-id", "req_" + ids.tag() + ids.tag());
    return Mono.defer(
            () -> {
              Caller caller = Callers.ofHeader(exchange.getRequest());
              Callers.keep(exchange, caller);
              Mono<ServerResponse> answer =
                  (model
                          ? limits.admitCall(caller, () -> MatchedPath.of(request))
                          : limits.admit(caller, write, () -> MatchedPath.of(request)))
                      .flatMap(admission -> {
                        RateHeaders.tell(headers, admission);
                        // A proxy on the way must not give one caller's to another.
                        headers.set(HttpHeaders.CACHE_CONTROL, "private");
                        RequestContext call =
                            new RequestContext(request, caller, admission, lockWait);
                        Problem refusal = refusal(admission, caller, model);
                        return (refusal == null
                                ? handler.handle(call)
                                : refused(call, refusal, write, handler))
                            .map(made -> finished(call, made, began));
                      });
              return limits.working(caller, answer);
            })
        .doFinally(signal -> BodyReader.release(exchange, signal))
        .onErrorResume(error -> told(exchange, error, began))
        // Operators that look for the context walk no further than this, and there are many.
        .contextWrite(context -> context);
  }

  private ServerResponse finished(RequestContext call, ServerResponse made, long began) {
    HttpHeaders headers = call.exchange().getResponse().getHeaders();
    tellAgain(headers, call.admission());
    tellTime(headers, began);
    Caller caller = call.caller();
    BytesResponse.count(made, caller, AdmissionGate::overloaded);
    return CountedConnection.of(made, open -> limits.quotas().connected(caller, open));
  }

  private static void tellTime(HttpHeaders headers, long began) {
    headers.set("openai-processing-ms", Long.toString((System.nanoTime() - began) / 1_000_000));
  }

  /** The same for a message of a socket: it counts as the call that it stands for. */
  <T> Mono<T> message(RequestContext opened, Function<RequestContext, Mono<T>> handler) {
    Caller caller = opened.caller();
    return limits.working(
        caller,
        Mono.defer(() -> limits.admitCall(caller, opened::path))
            .flatMap(admission -> {
              Problem refusal = refusal(admission, caller, true);
              return refusal == null
                  ? handler.apply(opened.message(admission))
                  : Mono.error(refusal.toException());
            }));
  }

  /**
   * @param model whether a model is called, so that tokens count too
   */
  private @Nullable Problem refusal(Admission admission, Caller caller, boolean model) {
    Problem refusal = admission.refusal();
    return refusal == null && model ? tokens.exhausted(caller) : refusal;
  }

  /** Refuses a caller who has as many WebSockets and event streams as he may. */
  void refuseConnection(Caller caller) {
    Problem refusal = limits.quotas().refusesConnection(caller);
    if (refusal != null) {
      throw refusal.toException();
    }
  }

  private static BytesResponse overloaded(Problem problem) {
    return WireError.of(problem).answer();
  }

  /**
   * Nothing is done, unless it may have been done before. Where that stands is often said in the
   * body only, and without a key by the whole of it.
   */
  private Mono<? extends ServerResponse> refused(
      RequestContext call, Problem refusal, boolean write, Handler handler) {
    boolean retry = call.isRetry();
    if (!write || (!retry && call.idempotencyKey() == null)) {
      return Mono.error(refusal.toException());
    }
    Mono<Boolean> mayBeRecorded = Mono.just(true);
    SessionKey at = retry ? null : call.recordedAt();
    if (at != null) {
      IdempotentRequest any = call.anyRetry();
      mayBeRecorded =
          any != null && limits.mayLookUp(call.admission())
              ? sessions.isRecorded(at, any)
              : Mono.just(false);
    }
    return mayBeRecorded.flatMap(recorded ->
        recorded && limits.mayBeRead(call.admission(), call.bodyLength())
            ? handler.handle(call)
            : Mono.error(refusal.toException()));
  }

  /** What was told before it was known that the request counts for nothing. */
  private static void tellAgain(HttpHeaders headers, Admission admission) {
    if (admission.isGivenBack()) {
      RateHeaders.tell(headers, admission);
    }
  }

  private static Mono<ServerResponse> told(
      ServerWebExchange exchange, Throwable error, long began) {
    return told(exchange, error)
        .doOnNext(_ -> tellTime(exchange.getResponse().getHeaders(), began));
  }

  /** Whoever has hung up is told nothing: an answer would count as one more failure of ours. */
  private static Mono<ServerResponse> told(ServerWebExchange exchange, Throwable error) {
    return ProblemHandler.isHangUp(error)
        ? Mono.error(error)
        : Mono.just(error(exchange, error).answer());
  }

  static WireError error(ServerWebExchange exchange, Throwable error) {
    return error instanceof WireException wire
        ? wire.error()
        : WireError.of(ProblemHandler.problem(exchange, error));
  }

  private static ProblemException refusal(Admission admission) {
    Problem refusal = admission.refusal();
    if (refusal == null) {
      throw new IllegalStateException("an allowed request is not refused");
    }
    return refusal.toException();
  }
}
