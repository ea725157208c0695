package io.heddle.openai;

import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Waits for what a publisher says first, so that a failure can still be answered with a status. */
final class FirstSignal {

  private FirstSignal() {}

  /**
   * The publisher, subscribed to, once it has said something; its error when that comes first. What
   * is answered must be subscribed to, once.
   */
  static <T> Mono<Flux<T>> of(Flux<T> source) {
    return source
        .<Flux<T>>switchOnFirst(
            (first, all) -> {
              Throwable error = first.getThrowable();
              return error == null ? Mono.just(all) : Mono.error(error);
            },
            false)
        .single()
        // The operators above look for the context at each signal, and walk no further than this.
        .contextWrite(context -> context);
  }
}
