package io.heddle.openai;

import io.heddle.base.Caller;
import io.heddle.base.IdSource;
import io.heddle.base.Problem;
import io.heddle.base.SessionKey;
import io.heddle.limit.Admission;
import io.heddle.web.BytesResponse;
import io.heddle.web.Callers;
import io.heddle.web.HeaderNames;
import io.heddle.web.ProblemHandler;
import io.heddle.web.RequestContext;
import io.heddle.web.RequestHeaders;
import io.heddle.web.Wire;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import org.springframework.web.server.ServerWebExchange;
import reactor.core.publisher.Mono;

/**
 * OpenAI's form of what is told. {@code Authorization} is not looked at while nobody has to sign
 * in.
 */
final class OpenAiWire implements Wire {

  private final IdSource ids;

  OpenAiWire(IdSource ids) {
    this.ids = ids;
  }

  @Override
  public void begin(HttpHeaders headers) {
    headers.set(HeaderNames.REQUEST_ID, "req_" + ids.tag() + ids.tag());
  }

  @Override
  public Caller caller(ServerHttpRequest request, boolean watches) {
    return Callers.ofHeader(request);
  }

  /** Of several the first: a middleware of the client's may have put its own behind. */
  @Override
  public @Nullable String idempotencyKey(HttpHeaders headers) {
    String key = headers.getFirst(HeaderNames.IDEMPOTENCY_KEY);
    return key == null ? null : RequestHeaders.key(HeaderNames.IDEMPOTENCY_KEY, key);
  }

  @Override
  public void tellLimits(HttpHeaders headers, Admission admission) {
    RateHeaders.tell(headers, admission);
  }

  @Override
  public void tellTime(HttpHeaders headers, long began) {
    long millis = (System.nanoTime() - began) / 1_000_000;
    headers.set(HeaderNames.PROCESSING_MILLIS, Long.toString(millis));
  }

  @Override
  public BytesResponse refusal(Problem problem) {
    return WireError.of(problem).answer();
  }

  /** Whoever has hung up is told nothing: an answer would count as one more failure of ours. */
  @Override
  public Mono<ServerResponse> answer(ServerWebExchange exchange, Throwable error) {
    return ProblemHandler.isHangUp(error)
        ? Mono.error(error)
        : Mono.just(WireError.of(exchange, error).answer());
  }

  /** Where it stands is often said in the body only, and without a key by the whole of it. */
  @Override
  public @Nullable Record record(RequestContext call) {
    if (call.isRetry()) {
      return new Record(null, true);
    }
    return call.idempotencyKey() == null ? null : new Record(named(call), false);
  }

  private static @Nullable SessionKey named(RequestContext call) {
    String named =
        call.variables().contains("id") && call.path().contains("/conversations/")
            ? call.variable("id")
            : call.path().endsWith("/chat/completions")
                ? call.headers().getFirst(HeaderNames.SESSION)
                : null;
    return named == null ? null : call.keyOrNull(named);
  }

  /** Operators that look for the context walk no further than this, and there are many. */
  @Override
  public Mono<ServerResponse> whole(Mono<ServerResponse> work) {
    return work.contextWrite(context -> context);
  }
}
