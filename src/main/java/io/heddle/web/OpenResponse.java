package io.heddle.web;

import java.util.function.UnaryOperator;
import org.springframework.http.ResponseCookie;
import org.springframework.http.server.reactive.ServerHttpResponseDecorator;
import org.springframework.util.CollectionUtils;
import org.springframework.util.LinkedMultiValueMap;
import org.springframework.util.MultiValueMap;
import org.springframework.web.reactive.function.server.ServerResponse;
import org.springframework.web.server.ServerWebExchange;
import reactor.core.publisher.Mono;
import reactor.netty.http.server.HttpServerResponse;

/** An answer that stays open, and counts as one of its caller's connections as long as it does. */
public abstract sealed class OpenResponse implements ServerResponse permits EventStream, Upgrade {

  private UnaryOperator<Mono<Void>> counting = UnaryOperator.identity();

  OpenResponse() {}

  /**
   * Has the answer counted, if it is one of these.
   *
   * @param counting counts a subscription, until it ends
   */
  static void count(ServerResponse answer, UnaryOperator<Mono<Void>> counting) {
    if (answer instanceof OpenResponse open) {
      open.counting = counting;
    }
  }

  @Override
  public final Mono<Void> writeTo(ServerWebExchange exchange, Context context) {
    HttpServerResponse response =
        ServerHttpResponseDecorator.getNativeResponse(exchange.getResponse());
    Mono<Void> opened =
        Mono.defer(() -> {
          GuardedConnection.heldByCaller(exchange);
          return open(exchange, response);
        });
    return count(response, opened, counting);
  }

  abstract Mono<Void> open(ServerWebExchange exchange, HttpServerResponse response);

  Mono<Void> count(
      HttpServerResponse response, Mono<Void> opened, UnaryOperator<Mono<Void>> counted) {
    return counted.apply(opened);
  }

  @Override
  public final MultiValueMap<String, ResponseCookie> cookies() {
    return CollectionUtils.unmodifiableMultiValueMap(new LinkedMultiValueMap<>(0));
  }
}
