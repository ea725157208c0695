package io.heddle.web;

import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Mono;

/**
 * Answers one call. Refusals are exceptions that its {@link Wire} knows, thrown or as the error.
 */
@FunctionalInterface
public interface Handler {

  Mono<? extends ServerResponse> handle(RequestContext call);
}
