package io.heddle.api;

import io.heddle.web.Answer;
import reactor.core.publisher.Mono;

/** Answers one call. Refusals are {@code ProblemException}s, thrown or as the error. */
@FunctionalInterface
interface Handler {

  Mono<Answer> handle(Call call);
}
