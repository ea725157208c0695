package io.heddle.session;

import io.heddle.base.SessionKey;
import reactor.core.publisher.Mono;

/**
 * Reads pages of threads for those who only show them. Unlike those of a {@link SessionReader} they
 * may come from memory and be as old as {@link ChangeFeed#TRUST}, so no write is based on them.
 */
@FunctionalInterface
public interface PageReader {

  /** As {@link SessionReader#load}. */
  Mono<ThreadPage> load(SessionKey key, ReadContext view, PageRequest page);
}
