package io.heddle.nearcache;

import io.heddle.base.SessionKey;
import io.heddle.session.CheckpointPage;
import io.heddle.session.ReadContext;
import io.heddle.session.SessionReader;
import io.heddle.session.StateView;
import io.heddle.session.ThreadPage;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** A store that is asked for pages of threads and for nothing else. */
abstract class PagesOnly implements SessionReader {

  @Override
  public final Mono<ThreadPage> message(SessionKey key, ReadContext view, String message) {
    throw new AssertionError("not asked for here");
  }

  @Override
  public final Mono<StateView> state(SessionKey key, ReadContext view) {
    throw new AssertionError("not asked for here");
  }

  @Override
  public final Mono<CheckpointPage> checkpoints(
      SessionKey key, ReadContext view, int limit, @Nullable String before) {
    throw new AssertionError("not asked for here");
  }

  @Override
  public final Mono<StateView> checkpoint(SessionKey key, ReadContext view, String checkpoint) {
    throw new AssertionError("not asked for here");
  }
}
