package io.heddle.embedded;

import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.session.SessionIndex;
import io.heddle.session.StoreProblems;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** Which sessions a user has. */
final class EmbeddedIndex implements SessionIndex {

  /** Where the page before ended: a list's letter, a time, a session's id. */
  private static final Pattern CURSOR = Pattern.compile("([ux])([0-9]{1,18})\\.(.+)");

  private final StoreWriter writer;
  private final SnapshotReads reads;

  EmbeddedIndex(StoreWriter writer, SnapshotReads reads) {
    this.writer = writer;
    this.reads = reads;
  }

  @Override
  public Mono<Void> touch(SessionKey key, String user, Instant active) {
    return writer.submit(tx -> {
      byte[] owner = Keys.user(key.tenant(), user);
      byte[] at = Keys.active(owner, key.id());
      long time = Math.max(0, active.toEpochMilli());
      Long known = tx.get(Table.ACTIVE, at);
      if (known == null || known < time) {
        if (known != null) {
          tx.remove(Table.RECENT, Keys.recent(owner, known, key.id()));
        }
        tx.put(Table.ACTIVE, at, time);
        tx.put(Table.RECENT, Keys.recent(owner, time, key.id()), Boolean.TRUE);
      }
      return null;
    });
  }

  @Override
  public Mono<Page> list(Tenant tenant, @Nullable String user, int limit, @Nullable String cursor) {
    return reads.read(rows -> {
      Cursor from = parse(cursor, user == null ? 'x' : 'u');
      return user == null
          ? byExpiry(rows, tenant, limit, from)
          : byActivity(rows, Keys.user(tenant, user), limit, from);
    });
  }

  @Override
  public Mono<Void> forget(Tenant tenant, String user, List<String> ids) {
    return writer.submit(tx -> {
      ids.forEach(id -> remove(tx, new SessionKey(tenant, id), user));
      return null;
    });
  }

  @Override
  public Mono<String> current(Tenant tenant, String user) {
    return reads.read(rows -> rows.get(Table.CURRENT, Keys.user(tenant, user)));
  }

  @Override
  public Mono<String> compareAndSetCurrent(
      Tenant tenant, String user, @Nullable String expected, String next) {
    return writer.submit(tx -> {
      byte[] owner = Keys.user(tenant, user);
      String current = tx.get(Table.CURRENT, owner);
      // None where one was expected: the sweeper forgot it, since its session is gone.
      if (current == null || current.equals(expected)) {
        tx.put(Table.CURRENT, owner, next);
        return next;
      }
      return current;
    });
  }

  /** Forgets a session that is gone for good, also as the current one. */
  static void forget(Tx tx, SessionKey key, String user) {
    remove(tx, key, user);
    byte[] owner = Keys.user(key.tenant(), user);
    if (key.id().equals(tx.get(Table.CURRENT, owner))) {
      tx.remove(Table.CURRENT, owner);
    }
  }

  private static void remove(Tx tx, SessionKey key, String user) {
    byte[] owner = Keys.user(key.tenant(), user);
    byte[] at = Keys.active(owner, key.id());
    Long known = tx.get(Table.ACTIVE, at);
    if (known != null) {
      tx.remove(Table.ACTIVE, at);
      tx.remove(Table.RECENT, Keys.recent(owner, known, key.id()));
    }
  }

  private static Page byActivity(Rows rows, byte[] user, int limit, @Nullable Cursor from) {
    byte[] all = Keys.prefix(user);
    byte[] start = from == null ? all : Keys.recent(user, from.time(), from.id());
    return page(
        rows.scan(Table.RECENT, start, Keys.after(all), false),
        at ->
            Keys.startsWith(at, all)
                ? new Cursor('u', Keys.recentTime(user, at), Keys.recentId(user, at))
                : null,
        limit,
        from);
  }

  private static Page byExpiry(Rows rows, Tenant tenant, int limit, @Nullable Cursor from) {
    byte[] mine = Keys.ascii(tenant.name() + "/");
    byte[] start =
        from == null
            ? null
            : Keys.due(from.time(), Keys.session(new SessionKey(tenant, from.id())));
    return page(
        rows.scan(Table.EXPIRIES, start, null, false),
        at ->
            Keys.startsWith(Keys.dueWhat(at), mine)
                ? new Cursor('x', Keys.timeOf(at), Keys.sessionOf(at, 8).id())
                : null,
        limit,
        from);
  }

  /**
   * @param entry where a key stands in the list; null for one that is not of the list
   */
  private static Page page(
      Scan<?> scan, Function<byte[], @Nullable Cursor> entry, int limit, @Nullable Cursor from) {
    List<String> ids = new ArrayList<>();
    Cursor last = null;
    while (scan.hasNext()) {
      Cursor here = entry.apply(scan.next());
      if (here == null || here.equals(from)) {
        continue;
      }
      if (ids.size() == limit) {
        return new Page(ids, last == null ? null : last.toString());
      }
      ids.add(here.id());
      last = here;
    }
    return new Page(ids, null);
  }

  private record Cursor(char list, long time, String id) {
    @Override
    public String toString() {
      return list + Long.toString(time) + "." + id;
    }
  }

  private static @Nullable Cursor parse(@Nullable String text, char list) {
    if (text == null) {
      return null;
    }
    var matcher = CURSOR.matcher(text);
    if (!matcher.matches()
        || matcher.group(1).charAt(0) != list
        || !SessionKey.isId(matcher.group(3))) {
      throw StoreProblems.invalidCursor("cursor").toException();
    }
    return new Cursor(list, Long.parseLong(matcher.group(2)), matcher.group(3));
  }
}
