package io.heddle.web;

import java.util.List;
import org.springframework.core.Ordered;
import org.springframework.http.codec.HttpMessageWriter;
import org.springframework.web.reactive.HandlerAdapter;
import org.springframework.web.reactive.HandlerResult;
import org.springframework.web.reactive.function.server.HandlerFunction;
import org.springframework.web.reactive.function.server.HandlerStrategies;
import org.springframework.web.reactive.function.server.RouterFunctions;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import org.springframework.web.reactive.result.view.ViewResolver;
import org.springframework.web.server.ServerWebExchange;
import reactor.core.publisher.Mono;

/**
 * Runs the handlers of routes and has their answers written. Spring's own adapter first describes
 * each answer's type and then looks for what writes it, for every request; here every handler's
 * answer writes itself.
 */
public final class RouteAdapter implements HandlerAdapter, Ordered {

  private static final ServerResponse.Context CONTEXT =
      new Strategies(HandlerStrategies.withDefaults());

  @Override
  public int getOrder() {
    return Ordered.HIGHEST_PRECEDENCE;
  }

  @Override
  public boolean supports(Object handler) {
    return handler instanceof HandlerFunction;
  }

  /** Nothing is left to be done with a result, so it is empty. */
  @Override
  public Mono<HandlerResult> handle(ServerWebExchange exchange, Object handler) {
    ServerRequest request = exchange.getRequiredAttribute(RouterFunctions.REQUEST_ATTRIBUTE);
    return ((HandlerFunction<?>) handler)
        .handle(request)
        .flatMap(answer -> none(answer.writeTo(exchange, CONTEXT)));
  }

  /** What never has a value has one of any type; an operator more would say no more. */
  @SuppressWarnings("unchecked")
  private static Mono<HandlerResult> none(Mono<?> written) {
    return (Mono<HandlerResult>) written;
  }

  private record Strategies(HandlerStrategies all) implements ServerResponse.Context {
    @Override
    public List<HttpMessageWriter<?>> messageWriters() {
      return all.messageWriters();
    }

    @Override
    public List<ViewResolver> viewResolvers() {
      return all.viewResolvers();
    }
  }
}
