package io.heddle.embedded;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.embedded.SessionRecord.Draft;
import io.heddle.session.Change;
import io.heddle.session.Message;
import io.heddle.session.NewMessage;
import io.heddle.session.Outcome;
import io.heddle.session.SessionAttributes;
import io.heddle.session.StoreLimits;
import io.heddle.session.StoreProblems;
import io.heddle.session.Write;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The writes to a session's thread. */
final class Appends {

  private final StoreLimits limits;

  Appends(StoreLimits limits) {
    this.limits = limits;
  }

  static List<Write.Copied> fresh(List<NewMessage> messages, long now) {
    Instant time = Instant.ofEpochMilli(now);
    return messages.stream().map(message -> new Write.Copied(message, time)).toList();
  }

  Outcome append(Target target, List<NewMessage> added) {
    if (target.now().status() == SessionAttributes.Status.COMPLETE) {
      throw Problem.of(ProblemCode.SESSION_COMPLETE).toException();
    }
    List<Write.Copied> messages = fresh(added, target.tx().now());
    requireRoom(target, messages);
    target.advance();
    List<Message> there = put(target, messages, 0);
    target.publish(new Change.MessagesAppended(there));
    return target.applied(null, there.stream().map(Message::id).toList());
  }

  Outcome fill(Target target, Write.AppendToBuild fill) {
    add(target, fill.messages());
    return target.stored();
  }

  /** Puts messages into the version that the session is at, after those that are in it. */
  List<String> add(Target target, List<Write.Copied> messages) {
    requireRoom(target, messages);
    int first = (int) target.session().messages;
    return put(target, messages, first).stream().map(Message::id).toList();
  }

  /** Refuses messages whose ids are taken, or that do not fit into the session. */
  void requireRoom(Target target, List<Write.Copied> messages) {
    Set<String> names = new HashSet<>();
    long bytes = target.session().bytes;
    for (Write.Copied copied : messages) {
      NewMessage message = copied.message();
      String name = message.id();
      if (name != null && (!names.add(name) || target.find(name) != null)) {
        throw StoreProblems.messageExists(name).toException();
      }
      bytes += message.bytes();
    }
    if (bytes > limits.sessionBytes()) {
      throw Problem.of(ProblemCode.SESSION_TOO_LARGE)
          .with("limit", limits.sessionBytes())
          .toException();
    }
  }

  static List<Message> put(Target target, List<Write.Copied> messages, int first) {
    Draft session = target.session();
    List<Message> there = new ArrayList<>(messages.size());
    for (int i = 0; i < messages.size(); i++) {
      Write.Copied copied = messages.get(i);
      NewMessage message = copied.message();
      StoredRecords.Place place = new StoredRecords.Place(session.version, first + i);
      StoredRecords.Row row =
          new StoredRecords.Row(
              ++session.lastSeq,
              copied.createdAt().toEpochMilli(),
              session.tag,
              message.id(),
              message.body());
      target.tx().put(Table.MESSAGES, Threads.key(session.thread, place), row);
      if (message.id() != null) {
        target.tx().put(Table.NAMES, Keys.name(session.thread, message.id()), place);
      }
      session.messages++;
      session.bytes += message.bytes();
      there.add(Threads.message(target.key(), place, row));
    }
    return there;
  }

  /**
   * Messages as they are added whatever stands in the thread: what a model said is not refused for
   * an id that somebody took meanwhile, it gets the one of its place.
   *
   * @param removed ids that this write makes free
   */
  static List<Write.Copied> free(Target target, List<NewMessage> messages, List<String> removed) {
    Set<String> names = new HashSet<>();
    List<NewMessage> free = new ArrayList<>(messages.size());
    for (NewMessage message : messages) {
      String name = message.id();
      boolean taken =
          name != null
              && (!names.add(name) || (!removed.contains(name) && target.find(name) != null));
      free.add(taken ? new NewMessage(null, message.body()) : message);
    }
    return fresh(free, target.tx().now());
  }

  /** Takes those of a turn's input that are still there out of the thread; answers which. */
  static List<String> takeBack(Target target, List<String> input, List<String> ids) {
    List<String> removed = new ArrayList<>(ids.size());
    Gone gone = new Gone(target);
    for (String id : ids) {
      Threads.Found found = input.contains(id) && !removed.contains(id) ? target.find(id) : null;
      if (found != null) {
        remove(target, found.key(target.session().thread), found.row(), gone);
        removed.add(id);
      }
    }
    gone.note();
    return removed;
  }

  Outcome delete(Target target, String id) {
    Threads.Found found = find(target, id);
    target.advance();
    Gone gone = new Gone(target);
    remove(target, found.key(target.session().thread), found.row(), gone);
    gone.note();
    target.log(new Change.MessageDeleted(found.message(target.key()).id()));
    return target.applied();
  }

  Outcome cut(Target target, @Nullable String after) {
    Threads.Found last = after == null ? null : find(target, after);
    requireNotStoodOn(target, last);
    return last == null ? clear(target) : cutAfter(target, last);
  }

  /** The running turn's input is what its model is answering. */
  private static void requireNotStoodOn(Target target, Threads.@Nullable Found last) {
    Draft session = target.session();
    if (session.turn == null) {
      return;
    }
    if (last == null) {
      throw StoreProblems.turnRunning(null).toException();
    }
    StoredRecords.Ordered turn = TurnRows.at(target.tx(), session.number, session.turn.version());
    for (String id : turn.input()) {
      Threads.Found input = target.find(id);
      if (input != null && input.place().isAfter(last.place())) {
        throw StoreProblems.turnRunning(null).toException();
      }
    }
  }

  private static Outcome cutAfter(Target target, Threads.Found last) {
    Draft session = target.session();
    target.advance();
    byte[] end = Keys.number(session.thread + 1);
    var rows = target.tx().scan(Table.MESSAGES, last.key(session.thread), end, false);
    rows.next();
    Gone gone = new Gone(target);
    while (rows.hasNext()) {
      byte[] key = rows.next();
      remove(target, key, rows.value(), gone);
    }
    gone.note();
    target.log(new Change.ThreadCut(last.message(target.key()).id()));
    return target.applied();
  }

  /** The thread gets another number, so however long it was, clearing it is one row. */
  private static Outcome clear(Target target) {
    Draft session = target.session();
    target.advance();
    target.tx().put(Table.ORPHANS, Keys.number(session.thread), Boolean.TRUE);
    session.thread = target.tx().newNumber();
    session.messages = 0;
    session.bytes = 0;
    target.log(new Change.ThreadCleared());
    return target.applied();
  }

  private static Threads.Found find(Target target, String id) {
    Threads.Found found = target.find(id);
    if (found == null) {
      throw Problem.of(ProblemCode.MESSAGE_NOT_FOUND).toException();
    }
    return found;
  }

  private static void remove(Target target, byte[] key, StoredRecords.Row row, Gone gone) {
    target.tx().remove(Table.MESSAGES, key);
    Draft session = target.session();
    session.messages--;
    // An earlier Heddle did not count clients' ids, so it may be more than what was added.
    long left = session.bytes - NewMessage.bytes(row.name(), row.body());
    session.bytes = session.messages == 0 ? 0 : Math.max(0, left);
    if (row.name() != null) {
      gone.add(row.name(), new StoredRecords.Place(Keys.versionOf(key), Keys.indexOf(key)));
    }
  }
}
