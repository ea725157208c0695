package io.heddle.session;

import io.heddle.base.Position;
import io.heddle.json.Json;
import io.heddle.session.ChangeLog.Logged;
import io.heddle.session.ChangeLog.Replay;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Puts the changes after a position together from the two logs that an engine keeps: the thread,
 * which is the log of its appends, and the other changes. One for both engines, because what counts
 * as whole must not differ.
 *
 * <p>A version whose change is missing from both is a hole. An append that was deleted in part
 * shows itself by its messages' places, which begin with 0 and have no hole, and by their seqs,
 * which go on from one message of the thread to the next without one: so the last message of an
 * append is still there if the next message has the next seq.
 */
public final class LoggedChanges {

  /** Of a change that has no member {@code messages}. */
  public static final int NONE = -1;

  /** Bytes of bodies after which an answer ends. */
  public static final int MAX_BYTES = 1 << 20;

  private static final byte[] UPDATED =
      "{\"type\":\"session.updated\"".getBytes(StandardCharsets.US_ASCII);

  private static final Json CREATED = new Change.SessionCreated().toJson();

  private final Position since;
  private final Position now;
  private final NavigableMap<Long, List<Entry>> appends = new TreeMap<>();
  private final NavigableMap<Long, Other> others = new TreeMap<>();
  private long nextSeq;
  private boolean threadGoesOn;

  /** A message where the thread has it. */
  public record Entry(long version, int index, String tag, Message message) {}

  /**
   * @param messages how many of the version's messages the change tells; {@link #NONE} when it is
   *     not one that does
   */
  private record Other(String tag, @Nullable Json body, int messages) {}

  /**
   * @param since the position to go on from, which is known to be of this history
   * @param now where the session is
   * @param lastSeq the seq of the last message that was ever appended
   */
  public LoggedChanges(Position since, Position now, long lastSeq) {
    this.since = since;
    this.now = now;
    this.nextSeq = lastSeq + 1;
  }

  /**
   * What is told of a position that this history does not have.
   *
   * @param oldest of the other changes that are kept: when it is the making of the session, and
   *     comes after the position, then the position is of an earlier session of this id
   */
  public static Replay unknown(
      Position since, Position now, long oldest, @Nullable Json oldestBody) {
    return CREATED.equals(oldestBody) && oldest > since.version()
        ? new Replay.Ended(null, new Change.SessionDeleted())
        : new Replay.Gap(now);
  }

  /** The next message of the thread after the position. */
  public void message(Entry entry) {
    appends.computeIfAbsent(entry.version(), _ -> new ArrayList<>()).add(entry);
  }

  /** The thread's messages were not given to their end; the next one has this seq. */
  public void threadGoesOn(long seq) {
    threadGoesOn = true;
    nextSeq = seq;
  }

  /**
   * The next other change after the position; they are given to their end.
   *
   * @param body null when it was too long to be kept
   */
  public void other(long version, String tag, @Nullable Json body) {
    others.put(version, new Other(tag, body, NONE));
  }

  /**
   * The same of a {@link Change.OfTurn}.
   *
   * @param messages how many it told; the thread has them under the same version
   */
  public void other(long version, String tag, Json head, int messages) {
    others.put(version, new Other(tag, head, messages));
  }

  /**
   * @param description the session's as it is now: an update too long to be kept is made again from
   *     it, if no other came later
   */
  public Replay replay(SessionAttributes description, int most) {
    List<Logged> logged = new ArrayList<>();
    long lastAppend = appends.isEmpty() ? 0 : appends.lastKey();
    int bytes = 0;
    String previous = since.tag();
    for (long version = since.version() + 1;
        version <= now.version() && logged.size() < most;
        version++) {
      if (threadGoesOn && version > lastAppend && isOfThread(others.get(version))) {
        break;
      }
      Logged change = logged(version, previous, description);
      if (change == null) {
        return new Replay.Gap(now);
      }
      bytes += change.body().length();
      if (bytes > MAX_BYTES && !logged.isEmpty()) {
        break;
      }
      logged.add(change);
      previous = change.position().tag();
    }
    return new Replay.Followed(logged, now);
  }

  private static boolean isOfThread(@Nullable Other other) {
    return other == null || other.messages() > 0;
  }

  private @Nullable Logged logged(long version, String previous, SessionAttributes description) {
    // First: of a session that was made with messages the making is what was published.
    Other other = others.get(version);
    if (other != null) {
      Json body = other.body() == null ? updated(version, description) : other.body();
      if (body != null && other.messages() != NONE) {
        body = withMessages(version, body, other.messages());
      }
      return body == null ? null : new Logged(new Position(version, other.tag()), previous, body);
    }
    List<Entry> entries = appends.get(version);
    if (entries == null || !isWhole(entries)) {
      return null;
    }
    List<Message> messages = entries.stream().map(Entry::message).toList();
    return new Logged(
        new Position(version, entries.getFirst().tag()),
        previous,
        new Change.MessagesAppended(messages).toJson());
  }

  private @Nullable Json withMessages(long version, Json head, int count) {
    List<Entry> entries = appends.getOrDefault(version, List.of());
    return entries.size() == count
        ? Change.OfTurn.withMessages(head, entries.stream().map(Entry::message).toList())
        : null;
  }

  private boolean isWhole(List<Entry> entries) {
    for (int i = 0; i < entries.size(); i++) {
      if (entries.get(i).index() != i) {
        return false;
      }
    }
    Entry last = entries.getLast();
    Map.Entry<Long, List<Entry>> next = appends.higherEntry(last.version());
    return last.message().seq() + 1
        == (next == null ? nextSeq : next.getValue().getFirst().message().seq());
  }

  private @Nullable Json updated(long version, SessionAttributes description) {
    boolean again =
        others.tailMap(version, false).values().stream().anyMatch(later -> isUpdate(later.body()));
    return again ? null : new Change.SessionUpdated(description).toJson();
  }

  private static boolean isUpdate(@Nullable Json body) {
    return body == null
        || (body.length() >= UPDATED.length
            && Arrays.equals(body.utf8(), 0, UPDATED.length, UPDATED, 0, UPDATED.length));
  }
}
