package io.heddle.web;

import io.heddle.base.ByteBudget;
import io.heddle.base.ByteBudget.Hold;
import io.heddle.base.ByteBudget.Holder;
import io.heddle.base.Caller;
import io.heddle.base.Problem;
import io.heddle.json.Json;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.ResponseCookie;
import org.springframework.http.server.reactive.ServerHttpResponse;
import org.springframework.util.CollectionUtils;
import org.springframework.util.LinkedMultiValueMap;
import org.springframework.util.MultiValueMap;
import org.springframework.web.reactive.function.server.ServerResponse;
import org.springframework.web.server.ServerWebExchange;
import reactor.core.publisher.Mono;

/**
 * An answer whose body is ready bytes: one buffer and a content length, no codec. Not for more than
 * one thread at a time.
 */
public final class BytesResponse implements ServerResponse {

  public static final String JSON = "application/json";

  /** Smaller ones mostly go to the socket at once; what does not is counted there. */
  private static final int LARGE = 16 << 10;

  private final int status;
  private final byte @Nullable [] body;
  private final List<String> headers = new ArrayList<>(8);
  private @Nullable Holder holder;
  private @Nullable Function<Problem, BytesResponse> refusal;

  private BytesResponse(int status, byte @Nullable [] body) {
    this.status = status;
    this.body = body;
  }

  public static BytesResponse json(Json json) {
    return json(200, json.utf8());
  }

  public static BytesResponse json(int status, byte[] json) {
    return of(status, JSON, json);
  }

  public static BytesResponse of(int status, String contentType, byte[] body) {
    return new BytesResponse(status, body).header(HttpHeaders.CONTENT_TYPE, contentType);
  }

  /** An answer without a body. */
  public static BytesResponse empty(int status) {
    return new BytesResponse(status, null);
  }

  public BytesResponse header(String name, String value) {
    headers.add(name);
    headers.add(value);
    return this;
  }

  /**
   * Has the bytes of an answer counted for its caller while they wait to be written; over the
   * budget it is refused instead.
   *
   * @param form how a problem is told on this wire
   */
  public static void count(
      ServerResponse answer, Caller caller, Function<Problem, BytesResponse> form) {
    if (answer instanceof BytesResponse mine && mine.body != null && mine.body.length > LARGE) {
      mine.holder = caller.holder();
      mine.refusal = form;
    }
  }

  @Override
  public HttpStatusCode statusCode() {
    return HttpStatusCode.valueOf(status);
  }

  @Override
  public HttpHeaders headers() {
    HttpHeaders copy = new HttpHeaders();
    for (int i = 0; i < headers.size(); i += 2) {
      copy.add(headers.get(i), headers.get(i + 1));
    }
    return copy;
  }

  @Override
  public MultiValueMap<String, ResponseCookie> cookies() {
    return CollectionUtils.unmodifiableMultiValueMap(new LinkedMultiValueMap<>(0));
  }

  @Override
  public Mono<Void> writeTo(ServerWebExchange exchange, Context context) {
    return writeTo(exchange.getResponse());
  }

  Mono<Void> writeTo(ServerHttpResponse response) {
    Holder ofCaller = holder;
    return ofCaller == null ? write(response) : writeCounted(response, ofCaller);
  }

  private Mono<Void> writeCounted(ServerHttpResponse response, Holder ofCaller) {
    GuardedConnection connection = GuardedConnection.of(response);
    byte[] all = body;
    if (connection == null || all == null) {
      return write(response);
    }
    return Mono.defer(() -> {
      Hold hold = connection.guard().budget.hold(ofCaller);
      Function<Problem, BytesResponse> form = refusal;
      if (form != null && !hold.tryGrow(all.length)) {
        hold.close();
        return form.apply(ByteBudget.overloaded().problem()).write(response);
      }
      connection.unsent().cover(all.length);
      return write(response)
          .doFinally(_ -> {
            hold.close();
            connection.unsent().cover(-all.length);
          });
    });
  }

  private Mono<Void> write(ServerHttpResponse response) {
    response.setStatusCode(statusCode());
    HttpHeaders target = response.getHeaders();
    for (int i = 0; i < headers.size(); i += 2) {
      if (headers.get(i).equals(HttpHeaders.VARY)) {
        // What came before the routes may depend on something too.
        target.add(HttpHeaders.VARY, headers.get(i + 1));
      } else {
        target.set(headers.get(i), headers.get(i + 1));
      }
    }
    if (body == null) {
      return response.setComplete();
    }
    target.setContentLength(body.length);
    DataBuffer buffer = response.bufferFactory().wrap(body);
    return response.writeWith(Mono.just(buffer));
  }
}
