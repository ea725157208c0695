package io.heddle.nearcache;

import io.heddle.session.Change;
import io.heddle.session.Head;
import io.heddle.session.Message;
import io.heddle.session.PageRequest;
import io.heddle.session.Session;
import io.heddle.session.ThreadPage;
import io.heddle.session.ThreadPage.Origin;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Adds what an append published to a page from right before it. */
final class PagePatch {

  private PagePatch() {}

  /**
   * The page as the store would answer it after the change, or null when the change does not tell
   * enough: only an append that names its messages does, and only to the version before it.
   *
   * @param asked without cursors
   */
  static @Nullable ThreadPage apply(PageRequest asked, ThreadPage page, Change.Published change) {
    Session session = page.session();
    Head head = session.head();
    if (page.hasMore() && page.messages().size() < asked.limit()) {
      // It ended early by its bytes, and what it is without is the store's to say.
      return null;
    }
    if (change.appended().isEmpty()
        || !change.previousTag().equals(head.position().tag())
        || change.position().version() != head.position().version() + 1) {
      return null;
    }
    Change.Counters counters = change.counters();
    Head next =
        new Head(
            change.position(),
            counters.lastSeq(),
            counters.messageCount(),
            counters.bytes(),
            head.createdAt(),
            counters.updatedAt(),
            counters.expiresAt(),
            head.activeTurn());
    long longer = Duration.between(head.expiresAt(), counters.expiresAt()).toNanos();
    List<Message> messages = new ArrayList<>(page.messages());
    boolean more = add(asked, messages, page.hasMore(), change.appended());
    return new ThreadPage(
            new Session(session.key(), session.description(), next),
            messages,
            more,
            page.endsAt() + longer)
        .from(Origin.HIT);
  }

  /** Adds to the page's messages; whether there are more than it takes. */
  private static boolean add(
      PageRequest asked, List<Message> page, boolean hadMore, List<Message> appended) {
    if (hadMore && !asked.fromEnd()) {
      return true;
    }
    if (asked.newestFirst()) {
      Collections.reverse(page);
    }
    page.addAll(appended);
    int over = Math.max(0, page.size() - asked.limit());
    int from = asked.fromEnd() ? 0 : page.size() - over;
    page.subList(from, from + over).clear();
    if (asked.newestFirst()) {
      Collections.reverse(page);
    }
    return hadMore || over > 0;
  }
}
