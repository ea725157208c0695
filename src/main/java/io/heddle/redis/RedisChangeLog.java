package io.heddle.redis;

import io.heddle.base.Position;
import io.heddle.base.SessionKey;
import io.heddle.json.Json;
import io.heddle.session.Change;
import io.heddle.session.ChangeLog;
import io.heddle.session.LoggedChanges;
import io.heddle.session.SessionAttributes;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** The log out of the streams {@code m} and {@code c}: each answer is one script, or a few. */
final class RedisChangeLog implements ChangeLog {

  /** What {@link ScriptCallFactory} keeps of an update that is too long to be kept. */
  private static final byte[] LONG_UPDATE =
      "{\"type\":\"session.updated\"}".getBytes(StandardCharsets.US_ASCII);

  /** The kind of an answer that a session which has ended gives. */
  private static final long ENDED = 2;

  private final RedisPages pages;

  RedisChangeLog(RedisPages pages) {
    this.pages = pages;
  }

  @Override
  public Mono<Replay> after(SessionKey key, @Nullable String owner, Position since, int most) {
    return ask(key, owner, since, most, "")
        .flatMap(reply -> wholeVersion(key, owner, since, most, reply, List.of()));
  }

  private Mono<ScriptReply> ask(
      SessionKey key, @Nullable String owner, Position since, int most, String from) {
    RedisKeys k = RedisKeys.of(key);
    byte[][] keys = {k.session(), k.thread(), k.changes()};
    ScriptArgs args = new ScriptArgs().text(owner).number(since.version()).text(since.tag());
    args.number(most).number(LoggedChanges.MAX_BYTES).text(from);
    return pages
        .read(key, RedisPages.Size.PAGE, RedisScript.LOG, keys, args.toArray())
        .map(ScriptReply::accepted);
  }

  /**
   * A version is told as a whole, but one script must not carry it however large it is: the rest of
   * it is asked for. What was deleted in between is missed by its seq, and there is a gap.
   */
  private Mono<Replay> wholeVersion(
      SessionKey key,
      @Nullable String owner,
      Position since,
      int most,
      ScriptReply reply,
      List<ScriptReply> before) {
    if (reply.kind() == ENDED) {
      return Mono.just(ended(reply));
    }
    ScriptReply entries = reply.list(4);
    if (reply.size() <= 8 || reply.number(8) == 0) {
      return Mono.just(replay(key, since, most, reply, before));
    }
    List<ScriptReply> parts = new ArrayList<>(before);
    parts.add(reply);
    String last = entries.list(entries.size() - 1).text(0);
    return ask(key, owner, since, most, last)
        .flatMap(next -> wholeVersion(key, owner, since, most, next, parts));
  }

  private static Replay ended(ScriptReply reply) {
    Change change =
        reply.text(3).equals("deleted") ? new Change.SessionDeleted() : new Change.SessionExpired();
    return new Replay.Ended(new Position(reply.number(1), reply.text(2)), change);
  }

  /**
   * @param before answers that this one goes on from, inside of a version
   */
  private static Replay replay(
      SessionKey key, Position since, int most, ScriptReply reply, List<ScriptReply> before) {
    StoredState state = StoredState.parse(reply.list(2).bytes(0));
    Position now = state.position();
    if (reply.number(1) >= state.expiresAt() && reply.list(2).textOrNull(2) == null) {
      // Its time has come and nobody has swept it yet: no reader is shown it any more.
      return new Replay.Ended(now, new Change.SessionExpired());
    }
    if (!since.equals(now)
        && (since.version() >= now.version() || !since.tag().equals(reply.textOrNull(3)))) {
      ScriptReply oldest = reply.list(7);
      return oldest.size() == 0
          ? new Replay.Gap(now)
          : LoggedChanges.unknown(
              since,
              now,
              version(oldest.list(0).text(0)),
              new Json(oldest.list(0).list(1).bytes(5)));
    }
    LoggedChanges changes = new LoggedChanges(since, now, state.lastSeq());
    before.forEach(part -> addThread(changes, key, part));
    addThread(changes, key, reply);
    if (reply.list(5).size() > 0) {
      changes.threadGoesOn(RedisReader.message(key, reply.list(5).list(0)).seq());
    }
    ScriptReply others = reply.list(6);
    for (int i = 0; i < others.size(); i++) {
      ScriptReply fields = others.list(i).list(1);
      byte[] body = fields.bytes(5);
      long version = version(others.list(i).text(0));
      if (fields.size() > 6) {
        changes.other(version, fields.text(1), new Json(body), (int) fields.number(7));
      } else {
        changes.other(
            version, fields.text(1), Arrays.equals(body, LONG_UPDATE) ? null : new Json(body));
      }
    }
    return changes.replay(SessionAttributes.parse(reply.list(2).bytes(1)), most);
  }

  private static void addThread(LoggedChanges changes, SessionKey key, ScriptReply reply) {
    ScriptReply thread = reply.list(4);
    for (int i = 0; i < thread.size(); i++) {
      changes.message(message(key, thread.list(i)));
    }
  }

  private static LoggedChanges.Entry message(SessionKey key, ScriptReply entry) {
    String place = entry.text(0);
    String head = entry.list(1).text(1);
    return new LoggedChanges.Entry(
        version(place),
        Integer.parseInt(place.substring(place.indexOf('-') + 1)),
        head.substring(0, head.indexOf(' ')),
        RedisReader.message(key, entry));
  }

  private static long version(String place) {
    return Long.parseLong(place.substring(0, place.indexOf('-')));
  }
}
