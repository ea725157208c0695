package io.heddle.web;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.webflux.error.ErrorWebExceptionHandler;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.core.io.buffer.DataBufferLimitException;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;
import org.springframework.web.server.MethodNotAllowedException;
import org.springframework.web.server.NotAcceptableStatusException;
import org.springframework.web.server.ResponseStatusException;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.UnsupportedMediaTypeStatusException;
import reactor.core.Exceptions;
import reactor.core.publisher.Mono;

/**
 * Turns every error that reaches the server into a problem. What nobody expected is {@code
 * internal}: its cause goes to the log under the request's id, which is all the client is told.
 */
@Order(Ordered.HIGHEST_PRECEDENCE)
public final class ProblemHandler implements ErrorWebExceptionHandler {

  private static final Logger LOG = LoggerFactory.getLogger(ProblemHandler.class);

  @Override
  public Mono<Void> handle(ServerWebExchange exchange, Throwable error) {
    if (isHangUp(error) || isAnsweredBelow(error)) {
      return Mono.empty();
    }
    if (exchange.getResponse().isCommitted()) {
      return Mono.error(error);
    }
    BytesResponse answer = ProblemWriter.answer(problem(exchange, error));
    if (error instanceof MethodNotAllowedException method) {
      answer.header(HttpHeaders.ALLOW, names(method.getSupportedMethods()));
    }
    return answer.writeTo(exchange.getResponse());
  }

  /**
   * The server answers what it cannot decode by itself, also when it comes in the middle of a body;
   * what the call would have answered comes too late then.
   */
  private static boolean isAnsweredBelow(Throwable error) {
    return error instanceof IllegalStateException
        && "Status and headers already sent".equals(error.getMessage());
  }

  /** Whether the caller has gone, so that there is nobody to tell anything. */
  public static boolean isHangUp(Throwable error) {
    return HangUps.isOne(error);
  }

  /** What an error is told as; what nobody expected is logged here. */
  public static Problem problem(ServerWebExchange exchange, Throwable error) {
    ProblemException expected = refusal(error);
    if (expected != null) {
      return expected.problem();
    }
    return switch (error) {
      case MethodNotAllowedException e ->
          Problem.of(
              ProblemCode.METHOD_NOT_ALLOWED,
              "This path does not take "
                  + e.getHttpMethod()
                  + "; it takes "
                  + names(e.getSupportedMethods()));
      case NotAcceptableStatusException _ ->
          Problem.of(ProblemCode.NOT_ACCEPTABLE, "None of the accepted types can be written");
      case UnsupportedMediaTypeStatusException _ ->
          Problem.field(
              ProblemCode.UNSUPPORTED_MEDIA_TYPE,
              HttpHeaders.CONTENT_TYPE,
              "The body's content type is not one that this call reads");
      case DataBufferLimitException _ ->
          Problem.of(ProblemCode.BODY_TOO_LARGE, "The body is larger than this server takes");
      case ResponseStatusException e -> status(exchange, e);
      case TimeoutException _ -> timeout(exchange, error);
      default -> internal(exchange, error);
    };
  }

  /**
   * The refusal that an error is. A call that asks for many things at once may be refused several
   * of them at the same moment: then Reactor makes one error of all, and the first one is told.
   */
  static @Nullable ProblemException refusal(Throwable error) {
    if (error instanceof ProblemException refusal) {
      return refusal;
    }
    if (!Exceptions.isMultiple(error)) {
      return null;
    }
    List<Throwable> all = Exceptions.unwrapMultipleExcludingTracebacks(error);
    return !all.isEmpty()
            && all.stream().allMatch(ProblemException.class::isInstance)
            && all.getFirst() instanceof ProblemException first
        ? first
        : null;
  }

  private static Problem status(ServerWebExchange exchange, ResponseStatusException error) {
    return switch (error.getStatusCode().value()) {
      case 404 ->
          Problem.of(
              ProblemCode.NOT_FOUND,
              "There is nothing at " + exchange.getRequest().getURI().getRawPath());
      case 413 -> Problem.of(ProblemCode.BODY_TOO_LARGE, "The request is larger than allowed");
      case 400 -> Problem.of(ProblemCode.INVALID_REQUEST, "The request cannot be understood");
      default -> internal(exchange, error);
    };
  }

  /** A part that did not answer in time: a read can be repeated, a write may have happened. */
  private static Problem timeout(ServerWebExchange exchange, Throwable error) {
    String id = exchange.getRequest().getId();
    LOG.warn("[{}] {} timed out", id, call(exchange), error);
    HttpMethod method = exchange.getRequest().getMethod();
    boolean read = method.equals(HttpMethod.GET) || method.equals(HttpMethod.HEAD);
    Problem problem =
        read
            ? Problem.of(ProblemCode.STORE_UNAVAILABLE, "The store did not answer in time")
                .with("retryAfter", 1)
            : Problem.of(ProblemCode.OUTCOME_UNKNOWN, "The store did not answer in time");
    return problem.with("requestId", id);
  }

  private static Problem internal(ServerWebExchange exchange, Throwable error) {
    String id = exchange.getRequest().getId();
    if (isHangUp(error)) {
      LOG.debug("[{}] {}: its caller hung up", id, call(exchange), error);
    } else {
      LOG.error("[{}] {} failed", id, call(exchange), error);
    }
    return Problem.of(ProblemCode.INTERNAL, "Something failed; the log names it by the request id")
        .with("requestId", id);
  }

  private static String call(ServerWebExchange exchange) {
    return exchange.getRequest().getMethod() + " " + exchange.getRequest().getURI().getRawPath();
  }

  private static String names(Set<HttpMethod> methods) {
    return methods.stream().map(HttpMethod::name).sorted().collect(Collectors.joining(", "));
  }
}
