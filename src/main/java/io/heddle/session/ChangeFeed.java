package io.heddle.session;

import reactor.core.publisher.Flux;

/** The changes of every session, from any replica, as the store publishes them. */
public interface ChangeFeed {

  /**
   * Changes from the moment the feed is ready on, in each partition's order. At most once: what is
   * published while the link is away is lost, and so is what a slow subscriber does not take;
   * {@link Change.Published#partitionSeq()} shows the hole. Never completes. Answers on an engine
   * thread.
   */
  Flux<Change.Published> changes();
}
