package io.heddle.openai;

import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Mono;

/**
 * Answers one call. Refusals are {@code ProblemException}s or {@link WireException}s, thrown or as
 * the error.
 */
@FunctionalInterface
interface Handler {

  Mono<? extends ServerResponse> handle(RequestContext call);
}
