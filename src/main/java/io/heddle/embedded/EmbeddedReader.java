package io.heddle.embedded;

import io.heddle.base.Position;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.SessionKey;
import io.heddle.session.Checkpoint;
import io.heddle.session.CheckpointPage;
import io.heddle.session.Message;
import io.heddle.session.PageRequest;
import io.heddle.session.ReadContext;
import io.heddle.session.Session;
import io.heddle.session.SessionReader;
import io.heddle.session.StateView;
import io.heddle.session.StoreProblems;
import io.heddle.session.ThreadPage;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** Reads sessions as they were last committed. */
final class EmbeddedReader implements SessionReader {

  private final SnapshotReads reads;
  private final InstantSource clock;
  private final long pageBytes;

  /**
   * @param pageBytes of bodies in one answer, the first one's not counted
   */
  EmbeddedReader(SnapshotReads reads, InstantSource clock, long pageBytes) {
    this.reads = reads;
    this.clock = clock;
    this.pageBytes = pageBytes;
  }

  @Override
  public Mono<ThreadPage> load(SessionKey key, ReadContext view, PageRequest page) {
    return reads.read(rows -> {
      SessionRecord session = require(rows, key, view);
      return page(rows, key, session, page);
    });
  }

  @Override
  public Mono<ThreadPage> message(SessionKey key, ReadContext view, String message) {
    return reads.read(rows -> {
      SessionRecord session = require(rows, key, view);
      Threads.Found found = Threads.find(rows, key, session.thread(), message);
      if (found == null) {
        throw Problem.of(ProblemCode.MESSAGE_NOT_FOUND).toException();
      }
      return new ThreadPage(
          session(rows, key, session), List.of(found.message(key)), false, endsAt(session));
    });
  }

  @Override
  public Mono<StateView> state(SessionKey key, ReadContext view) {
    return reads.read(rows -> {
      SessionRecord session = require(rows, key, view);
      return new StateView(session.position(), States.latest(rows, session.number()));
    });
  }

  @Override
  public Mono<CheckpointPage> checkpoints(
      SessionKey key, ReadContext view, int limit, @Nullable String before) {
    return reads.read(rows -> {
      SessionRecord session = require(rows, key, view);
      return checkpoints(rows, session, limit, before);
    });
  }

  @Override
  public Mono<StateView> checkpoint(SessionKey key, ReadContext view, String checkpoint) {
    return reads.read(rows -> {
      SessionRecord session = require(rows, key, view);
      Checkpoint found = States.find(rows, session.number(), checkpoint);
      if (found == null) {
        throw Problem.of(ProblemCode.CHECKPOINT_NOT_FOUND).toException();
      }
      return new StateView(session.position(), found);
    });
  }

  private SessionRecord require(Rows rows, SessionKey key, ReadContext view) {
    SessionRecord session = Access.require(rows, key, view.owner(), clock.millis());
    Position atLeast = view.atLeast();
    if (atLeast != null && isLost(rows, session, atLeast)) {
      throw Problem.of(ProblemCode.POSITION_LOST)
          .with("position", session.position().toString())
          .toException();
    }
    return session;
  }

  /**
   * Above the current version, or found with another tag. One that is not found any more may have
   * been there.
   */
  private static boolean isLost(Rows rows, SessionRecord session, Position position) {
    if (position.version() >= session.version()) {
      return !position.equals(session.position());
    }
    String tag = Threads.tagOf(rows, session, position.version());
    return tag != null && !tag.equals(position.tag());
  }

  private static Session session(Rows rows, SessionKey key, SessionRecord session) {
    return new Session(key, WriteRules.description(rows, session.number()), session.head());
  }

  private ThreadPage page(Rows rows, SessionKey key, SessionRecord session, PageRequest page) {
    StoredRecords.Place after = place(rows, key, session, page.after(), "after");
    StoredRecords.Place before = place(rows, key, session, page.before(), "before");
    Session shown = session(rows, key, session);
    if (page.limit() == 0) {
      return new ThreadPage(shown, List.of(), session.messages() > 0, endsAt(session));
    }
    long thread = session.thread();
    byte[] low = after == null ? Keys.number(thread) : Threads.key(thread, after);
    byte[] high = before == null ? Keys.number(thread + 1) : Threads.key(thread, before);
    List<Message> messages = new ArrayList<>(Math.min(page.limit(), 128));
    boolean more = false;
    long bytes = 0;
    var cursor =
        page.fromEnd()
            ? rows.scan(Table.MESSAGES, high, low, true)
            : rows.scan(Table.MESSAGES, low, high, false);
    while (!more && cursor.hasNext()) {
      byte[] at = cursor.next();
      StoredRecords.Place place = new StoredRecords.Place(Keys.versionOf(at), Keys.indexOf(at));
      if (place.equals(after) || place.equals(before)) {
        continue;
      }
      StoredRecords.Row row = cursor.value();
      bytes += row.body().length();
      more = messages.size() == page.limit() || (!messages.isEmpty() && bytes > pageBytes);
      if (!more) {
        messages.add(Threads.message(key, place, row));
      }
    }
    if (page.fromEnd() != page.newestFirst()) {
      Collections.reverse(messages);
    }
    return new ThreadPage(shown, messages, more, endsAt(session));
  }

  private long endsAt(SessionRecord session) {
    long now = System.nanoTime();
    return now + TimeUnit.MILLISECONDS.toNanos(session.expires() - clock.millis());
  }

  private static StoredRecords.@Nullable Place place(
      Rows rows, SessionKey key, SessionRecord session, @Nullable String cursor, String field) {
    if (cursor == null) {
      return null;
    }
    StoredRecords.Place place = Threads.cursor(rows, key, session, cursor);
    if (place == null) {
      throw StoreProblems.invalidCursor(field).toException();
    }
    return place;
  }

  private static CheckpointPage checkpoints(
      Rows rows, SessionRecord session, int limit, @Nullable String before) {
    long below = Long.MAX_VALUE;
    if (before != null) {
      Position position = Checkpoint.parseId(before);
      if (position == null) {
        throw StoreProblems.invalidCursor("before").toException();
      }
      below = position.version();
    }
    long number = session.number();
    var cursor =
        rows.scan(Table.CHECKPOINTS, Keys.version(number, below - 1), Keys.number(number), true);
    List<CheckpointPage.Saved> page = new ArrayList<>();
    boolean more = false;
    while (!more && cursor.hasNext()) {
      byte[] at = cursor.next();
      more = page.size() == limit;
      if (!more) {
        page.add(CheckpointPage.Saved.of(States.checkpoint(Keys.versionOf(at), cursor.value())));
      }
    }
    return new CheckpointPage(session.position(), page, more);
  }
}
