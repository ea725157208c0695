package io.heddle.base;

import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Signal;

/** Work that goes on to its end when nobody waits for it any more. */
public final class Detached {

  private Detached() {}

  /**
   * Begins with each subscription and is never cancelled. What it comes to after its subscriber has
   * gone is dropped in silence: a failure that nobody asked for would otherwise be logged as an
   * error of the server, once for every caller that hangs up.
   */
  public static <T> Mono<T> of(Mono<T> work) {
    return Mono.defer(() -> join(begin(work)));
  }

  /** Begins the work at once; the future never fails, it holds the failure. */
  public static <T> CompletableFuture<@Nullable Signal<T>> begin(Mono<T> work) {
    return work.materialize().toFuture();
  }

  /** What the work comes to. */
  public static <T> Mono<T> join(CompletableFuture<@Nullable Signal<T>> begun) {
    return Mono.fromFuture(begun, true).dematerialize();
  }
}
