package io.heddle.web;

import java.util.ArrayList;
import java.util.List;
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
public final class Answer implements ServerResponse {

  public static final String JSON = "application/json";

  private final int status;
  private final byte @Nullable [] body;
  private final List<String> headers = new ArrayList<>(8);

  private Answer(int status, byte @Nullable [] body) {
    this.status = status;
    this.body = body;
  }

  public static Answer json(int status, byte[] json) {
    return of(status, JSON, json);
  }

  public static Answer of(int status, String contentType, byte[] body) {
    return new Answer(status, body).header(HttpHeaders.CONTENT_TYPE, contentType);
  }

  /** An answer without a body. */
  public static Answer empty(int status) {
    return new Answer(status, null);
  }

  public Answer header(String name, String value) {
    headers.add(name);
    headers.add(value);
    return this;
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
