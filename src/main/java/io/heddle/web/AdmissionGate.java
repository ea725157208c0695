package io.heddle.web;

import io.heddle.base.Caller;
import io.heddle.base.Problem;
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
import java.time.Duration;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.web.reactive.function.server.HandlerFunction;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import org.springframework.web.server.ServerWebExchange;
import reactor.core.publisher.Mono;

/**
 * What every call of a wire goes through: who calls, the caller's limits, asked once and before
 * anything is written, and refusals in the form of the {@link Wire}.
 *
 * <p>A refused write that may be the repetition of one that was admitted is looked up first, and a
 * repetition is never counted. Whether there is a record at all is found out before anything of the
 * body is read, and how much is read for repetitions is bounded ({@link Limits#mayBeRead}): who is
 * over a limit must not have work done by adding a header.
 */
public final class AdmissionGate {

  private final Wire wire;
  private final Function<Problem, BytesResponse> form;
  private final Limits limits;
  private final TokenLimits tokens;
  private final SessionService sessions;
  private final Duration lockWait;

  /**
   * @param lockWait how long a write waits for somebody else's lock where nothing is said
   */
  public AdmissionGate(
      Wire wire, Limits limits, TokenLimits tokens, SessionService sessions, Duration lockWait) {
    this.wire = wire;
    this.form = wire::refusal;
    this.limits = limits;
    this.tokens = tokens;
    this.sessions = sessions;
    this.lockWait = lockWait;
  }

  /** The same limits, told in another form. */
  public AdmissionGate withWire(Wire other) {
    return new AdmissionGate(other, limits, tokens, sessions, lockWait);
  }

  public HandlerFunction<ServerResponse> route(Access access, Handler handler) {
    return request -> wire.whole(enter(request, access, handler));
  }

  private Mono<ServerResponse> enter(ServerRequest request, Access access, Handler handler) {
    long began = System.nanoTime();
    ServerWebExchange exchange = request.exchange();
    HttpHeaders headers = exchange.getResponse().getHeaders();
    wire.begin(headers);
    Caller caller;
    try {
      caller = wire.caller(exchange.getRequest(), access == Access.WATCH);
    } catch (ProblemException e) {
      return answer(exchange, e, began);
    }
    boolean writes = access.writes();
    if (writes) {
      Callers.keep(exchange, caller);
    }
    Mono<Admission> admitted =
        access == Access.MODEL
            ? limits.admitCall(caller, () -> MatchedPath.of(request))
            : limits.admit(caller, writes, () -> MatchedPath.of(request));
    Mono<ServerResponse> answer =
        admitted.flatMap(admission -> {
          wire.tellLimits(headers, admission);
          // A proxy on the way must not give one caller's to another.
          headers.set(HttpHeaders.CACHE_CONTROL, "private");
          RequestContext call = new RequestContext(wire, request, caller, admission, lockWait);
          Problem refusal = refusal(admission, caller, access.takesTokens());
          Mono<? extends ServerResponse> made =
              refusal == null ? handler.handle(call) : refused(call, refusal, access, handler);
          // One step for all that is left to do: each step more costs every request.
          return made.map(response -> finished(call, response, began));
        });
    Mono<ServerResponse> told =
        limits.working(caller, answer).onErrorResume(error -> answer(exchange, error, began));
    // What the request holds of the memory is given back, however it ends.
    return writes ? told.doFinally(signal -> BodyReader.release(exchange, signal)) : told;
  }

  /** The answer, counted as what it will hold of the memory and of the caller's connections. */
  private ServerResponse finished(RequestContext call, ServerResponse answer, long began) {
    HttpHeaders headers = call.exchange().getResponse().getHeaders();
    if (call.admission().isGivenBack()) {
      // What was told before it was known that the request counts for nothing.
      wire.tellLimits(headers, call.admission());
    }
    wire.tellTime(headers, began);
    Caller caller = call.caller();
    BytesResponse.count(answer, caller, form);
    OpenResponse.count(answer, open -> limits.quotas().connected(caller, open));
    return answer;
  }

  private Mono<ServerResponse> answer(ServerWebExchange exchange, Throwable error, long began) {
    wire.tellTime(exchange.getResponse().getHeaders(), began);
    return wire.answer(exchange, error);
  }

  /**
   * @param model whether a model is called, so that tokens count too
   */
  private @Nullable Problem refusal(Admission admission, Caller caller, boolean model) {
    Problem refusal = admission.refusal();
    return refusal == null && model ? tokens.exhausted(caller) : refusal;
  }

  /** Nothing is done, unless it may have been done before. */
  private Mono<? extends ServerResponse> refused(
      RequestContext call, Problem refusal, Access access, Handler handler) {
    Wire.Record record = access.isRepeatable() ? wire.record(call) : null;
    if (record == null) {
      return Mono.error(refusal.toException());
    }
    return mayBeRecorded(call, record)
        .flatMap(recorded ->
            recorded && limits.mayBeRead(call.admission(), call.bodyLength())
                ? handler.handle(call)
                : Mono.error(refusal.toException()));
  }

  private Mono<Boolean> mayBeRecorded(RequestContext call, Wire.Record record) {
    SessionKey at = record.at();
    if (at == null) {
      return Mono.just(true);
    }
    IdempotentRequest any = call.anyRetry();
    return any != null && limits.mayLookUp(call.admission())
        ? sessions.isRecorded(at, any).map(recorded -> recorded || record.elsewhere())
        : Mono.just(false);
  }

  // ---- writes

  /** Does a write that the limits allow, or that was done before. */
  public <T> Mono<WriteResult<T>> write(
      RequestContext call, WriteContext request, Supplier<Mono<WriteResult<T>>> write) {
    return write(call.admission(), request.requested(), request.key(), write);
  }

  /**
   * @param key of the session that has the record of the idempotency key
   */
  public <T> Mono<WriteResult<T>> write(
      Admission admission,
      WritePreconditions conditions,
      SessionKey key,
      Supplier<Mono<WriteResult<T>>> write) {
    return write(admission, conditions, key, WriteResult::replayed, write);
  }

  /**
   * @param replayed whether an answer is a replay, which is not counted
   */
  public <T> Mono<T> write(
      Admission admission,
      WritePreconditions conditions,
      SessionKey key,
      Predicate<T> replayed,
      Supplier<Mono<T>> write) {
    IdempotentRequest retry = conditions.retry();
    if (retry == null) {
      return admission.allowed() ? write.get() : Mono.error(refusal(admission));
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

  /** Whether there is a record of the write's idempotency key, so that it was done before. */
  public Mono<Boolean> isRepeated(WriteContext request) {
    IdempotentRequest retry = request.requested().retry();
    return retry == null ? Mono.just(false) : sessions.isRecorded(request.key(), retry);
  }

  /** Refuses what is over a limit, for what has no record. */
  public void requireAllowed(Admission admission) {
    if (!admission.allowed()) {
      throw refusal(admission);
    }
  }

  /** Takes back what a call was counted as that turned out to be a repetition. */
  public Mono<Void> giveBack(RequestContext call) {
    return limits.giveBack(call.admission());
  }

  private static ProblemException refusal(Admission admission) {
    Problem refusal = admission.refusal();
    if (refusal == null) {
      throw new IllegalStateException("an allowed request is not refused");
    }
    return refusal.toException();
  }

  // ---- sockets

  /** Counts what is asked over a socket, as it would be over HTTP. */
  public Mono<Admission> admit(Caller caller, boolean write, String path) {
    return limits.admit(caller, write, path);
  }

  /** Handles a message of a socket, which counts as the call of a model that it stands for. */
  public <T> Mono<T> message(RequestContext opened, Function<RequestContext, Mono<T>> handler) {
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

  public boolean hasAllConnections(Caller caller) {
    return limits.quotas().refusesConnection(caller) != null;
  }

  /** Refuses a caller who has as many WebSockets and event streams as he may. */
  public void refuseConnection(Caller caller) {
    Problem refusal = limits.quotas().refusesConnection(caller);
    if (refusal != null) {
      throw refusal.toException();
    }
  }
}
