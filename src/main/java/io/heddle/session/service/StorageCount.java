package io.heddle.session.service;

import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.session.PageRequest;
import io.heddle.session.ReadContext;
import io.heddle.session.SessionIndex;
import io.heddle.session.SessionReader;
import io.heddle.session.ThreadPage;
import java.util.Objects;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Counts what a user has stored, session by session, a page of his index at a time. */
public final class StorageCount {

  private static final int PAGE = 200;
  private static final int AT_ONCE = 8;

  /** Of a user with more the rest is taken to be like these. */
  private static final int PAGES = 1000;

  private final SessionIndex index;
  private final SessionReader reader;
  private final Unreadable unreadable = new Unreadable();

  public StorageCount(SessionIndex index, SessionReader reader) {
    this.index = index;
    this.reader = reader;
  }

  /** What was found. */
  public record Found(long sessions, long threadBytes) {
    Found plus(Found other) {
      return new Found(sessions + other.sessions, threadBytes + other.threadBytes);
    }
  }

  public Mono<Found> count(Tenant tenant, String user) {
    return index
        .list(tenant, user, PAGE, null)
        .expand(page ->
            page.next() == null ? Mono.empty() : index.list(tenant, user, PAGE, page.next()))
        .take(PAGES)
        .concatMap(page ->
            Flux.fromIterable(page.ids())
                .flatMap(id -> look(new SessionKey(tenant, id), user), AT_ONCE)
                .reduce(new Found(0, 0), Found::plus))
        .reduce(new Found(0, 0), Found::plus);
  }

  private Mono<Found> look(SessionKey key, String user) {
    return unreadable
        .leftOut(key, reader.load(key, ReadContext.ANY, PageRequest.NONE))
        .map(ThreadPage::session)
        .filter(session -> Objects.equals(user, session.description().user()))
        .map(session -> new Found(1, session.head().bytes()))
        .onErrorResume(WriteExecutor::isGone, _ -> Mono.empty());
  }
}
