package io.heddle.web;

import io.heddle.base.Caller;
import io.heddle.base.Problem;
import io.heddle.base.SessionKey;
import io.heddle.limit.Admission;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import org.springframework.web.server.ServerWebExchange;
import reactor.core.publisher.Mono;

/** What one of the wires has of its own where requests enter: the form of what it tells. */
public interface Wire {

  /** Before anything else, with the headers of the answer. */
  default void begin(HttpHeaders headers) {}

  /**
   * Who calls.
   *
   * @param watches whether the route opens a stream; a browser cannot set headers on those
   */
  Caller caller(ServerHttpRequest request, boolean watches);

  void tellLimits(HttpHeaders headers, Admission admission);

  /**
   * @param began when the request came, by {@link System#nanoTime()}
   */
  default void tellTime(HttpHeaders headers, long began) {}

  BytesResponse refusal(Problem problem);

  /** The answer to an error; the error itself where something after the routes answers it. */
  Mono<ServerResponse> answer(ServerWebExchange exchange, Throwable error);

  /** Where a refused write may be recorded; null when it can be no repetition. */
  @Nullable Record record(RequestContext call);

  /** All that is done for one request. */
  default Mono<ServerResponse> whole(Mono<ServerResponse> work) {
    return work;
  }

  /** Null without one; one that is none is refused. */
  default @Nullable String idempotencyKey(HttpHeaders headers) {
    return RequestHeaders.key(headers);
  }

  /**
   * The record of an idempotency key.
   *
   * @param at the session that has it, as far as can be told without the body, or null
   * @param elsewhere whether the body may name another
   */
  record Record(@Nullable SessionKey at, boolean elsewhere) {}
}
