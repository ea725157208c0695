package io.heddle.redis;

import io.heddle.base.Position;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.SessionKey;
import io.heddle.json.Json;
import io.heddle.session.Change;
import io.heddle.session.Checkpoint;
import io.heddle.session.IdempotentRequest;
import io.heddle.session.MessagePlace;
import io.heddle.session.NewMessage;
import io.heddle.session.SessionAttributes;
import io.heddle.session.StoreLimits;
import io.heddle.session.Write;
import io.heddle.session.WritePreconditions;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Makes the script call of one write: which script, its keys and its arguments. */
final class ScriptCallFactory {

  private final SessionKey key;
  private final RedisKeys k;
  private final Write write;
  private final WritePreconditions conditions;
  private final String tag;
  private final StoreLimits limits;
  private final PublishCommand publish;
  private final int database;

  ScriptCallFactory(
      SessionKey key,
      Write write,
      WritePreconditions conditions,
      String tag,
      StoreLimits limits,
      PublishCommand publish,
      int database) {
    this.key = key;
    this.k = RedisKeys.of(key);
    this.write = write;
    this.conditions = conditions;
    this.tag = tag;
    this.limits = limits;
    this.publish = publish;
    this.database = database;
  }

  ScriptCall call() {
    return switch (write) {
      case Write.Append append -> append(append);
      case Write.Create create -> create(create.description(), create.messages(), "");
      case Write.StartBuild build -> create(build.description(), List.of(), build.build());
      case Write.AppendToBuild fill -> fill(fill);
      case Write.PublishBuild open ->
          call(
              RedisScript.OPEN,
              common().text(open.build()).bytes(new Change.SessionCreated().toJson().utf8()),
              k.session(),
              k.partition(),
              k.changes(),
              k.due());
      case Write.Update update -> update(update);
      case Write.SaveState save -> state(save.document().utf8(), null);
      case Write.RestoreState restore -> restore(restore);
      case Write.DeleteMessage delete ->
          cut("one", delete.message(), new Change.MessageDeleted(delete.message()));
      case Write.TruncateThread cut -> {
        String after = cut.after();
        yield after == null
            ? cut("all", "", new Change.ThreadCleared())
            : cut("after", after, new Change.ThreadCut(after));
      }
      case Write.Delete _ -> end(RedisScript.DELETE, new Change.SessionDeleted());
      case Write.Expire _ -> end(RedisScript.EXPIRE, new Change.SessionExpired());
      case Write.BeginTurn begin -> turns().begin(begin);
      case Write.NextTurn next -> turns().next(next);
      case Write.RetakeTurn retake -> turns().retake(retake);
      case Write.CancelTurn cancel -> turns().cancel(cancel);
      case Write.EndTurn end -> turns().end(end);
      case Write.DropTurn drop -> turns().drop(drop);
    };
  }

  private ScriptCall append(Write.Append append) {
    List<NewMessage> messages = append.messages();
    ScriptArgs args = common();
    args.number(limits.sessionBytes()).number(bytes(messages));
    args.text(announced(messages));
    addMessages(args, messages);
    boolean named = messages.stream().anyMatch(message -> message.id() != null);
    return named
        ? call(RedisScript.APPEND, args, k.session(), k.partition(), k.thread(), k.clientIds())
        : call(RedisScript.APPEND, args, k.session(), k.partition(), k.thread());
  }

  /**
   * How the published change begins, see {@link ChangeMessage}: made here, it costs Redis nothing.
   */
  private static String announced(List<NewMessage> messages) {
    long bodies = 0;
    for (NewMessage message : messages) {
      bodies += message.body().length();
    }
    if (bodies > Change.MAX_PUBLISHED_BYTES) {
      return "";
    }
    StringBuilder text = new StringBuilder(" +").append(messages.size());
    for (NewMessage message : messages) {
      String id = message.id();
      text.append(' ')
          .append(id == null ? 0 : id.length())
          .append(' ')
          .append(message.body().length());
    }
    return text.append(' ').toString();
  }

  private ScriptCall create(
      SessionAttributes description, List<NewMessage> messages, String build) {
    ScriptArgs args = common();
    args.number(limits.sessionBytes()).number(bytes(messages));
    args.text(description.user()).bytes(description.toJson().utf8());
    args.number(description.ttl().toSeconds()).text(status(description)).text(build);
    args.bytes(new Change.SessionCreated().toJson().utf8());
    addMessages(args, messages);
    return threadCall(RedisScript.CREATE, args, k.state(), k.checkpoints(), k.due());
  }

  private ScriptCall fill(Write.AppendToBuild fill) {
    ScriptArgs args = common().number(limits.sessionBytes());
    args.number(bytes(added())).text(fill.build());
    for (Write.Copied copied : fill.messages()) {
      args.text(copied.message().id()).bytes(copied.message().body().utf8());
      args.number(copied.createdAt().toEpochMilli());
    }
    return call(RedisScript.FILL, args, k.session(), k.partition(), k.thread(), k.clientIds());
  }

  private ScriptCall update(Write.Update update) {
    SessionAttributes description = update.description();
    Json change = new Change.SessionUpdated(description).toJson();
    boolean small = change.length() <= Change.MAX_PUBLISHED_BYTES;
    ScriptArgs args = common();
    args.bytes(description.toJson().utf8()).number(description.ttl().toSeconds());
    args.text(status(description));
    args.text(small ? change.toString() : "{\"type\":\"session.updated\"}");
    args.text(small ? change.toString() : "");
    return call(RedisScript.UPDATE, args, k.session(), k.partition(), k.changes(), k.due());
  }

  private ScriptCall restore(Write.RestoreState restore) {
    if (restore.checkpoint().equals("latest")) {
      return state(new byte[0], null);
    }
    Position saved = Checkpoint.parseId(restore.checkpoint());
    return state(
        new byte[0],
        // Version 0 is nobody's, so an id that is none is not found, after all other checks.
        saved == null ? new Position(0, "") : saved);
  }

  private ScriptCall state(byte[] document, @Nullable Position saved) {
    ScriptArgs args = common().bytes(document);
    args.position(saved).number(limits.checkpoints()).number(limits.checkpointBytes());
    args.bytes(new Change.StateSaved().toJson().utf8());
    return call(
        RedisScript.STATE,
        args,
        k.session(),
        k.partition(),
        k.changes(),
        k.state(),
        k.checkpoints());
  }

  private ScriptCall cut(String what, String message, Change change) {
    ScriptArgs args = cutArgs(what, message, change).text(null).text(null).text(null);
    return threadCall(RedisScript.CUT, args);
  }

  private ScriptArgs cutArgs(String what, String message, Change change) {
    ScriptArgs args = common().text(what);
    place(args, key, message);
    return args.text(message)
        .bytes(change.toJson().utf8())
        .number(RedisCut.MOST_MESSAGES)
        .number(RedisCut.MOST_BYTES);
  }

  /** The cut that puts the copy in the place of the thread. */
  ScriptCall cutTo(RedisCut.Copy copy) {
    String after = ((Write.TruncateThread) write).after();
    if (after == null) {
      throw new IllegalStateException("nothing stays that could be copied");
    }
    ScriptArgs args = cutArgs("after", after, new Change.ThreadCut(after)).text(copy.source());
    args.number(copy.messages()).number(copy.bytes());
    return threadCall(RedisScript.CUT, args, k.threadCopy(tag), k.clientIdsCopy(tag));
  }

  private ScriptCall end(RedisScript script, Change change) {
    return threadCall(
        script,
        common().bytes(change.toJson().utf8()),
        k.state(),
        k.checkpoints(),
        k.due(),
        k.turnsDue());
  }

  private RedisTurnCalls turns() {
    return new RedisTurnCalls(this, key, limits, database);
  }

  ScriptArgs common() {
    IdempotentRequest retry = conditions.retry();
    return new ScriptArgs()
        .text(tag)
        .text(terms(conditions))
        .text(retry == null ? null : retry.body() + " " + nothing(retry.operation()))
        .bytes(k.path())
        .bytes(k.channel(database))
        .bytes(publish.command());
  }

  /** One argument for all terms: most writes have few, and Redis pays for each argument. */
  private static @Nullable String terms(WritePreconditions conditions) {
    List<Position> positions = conditions.positions();
    if (conditions.owner() == null && conditions.lock() == null && positions.isEmpty()) {
      return null;
    }
    StringBuilder text = new StringBuilder(nothing(conditions.lock())).append('\n');
    if (positions.contains(WritePreconditions.ELSEWHERE)) {
      text.append('!');
    }
    for (Position position : positions) {
      text.append(' ').append(position);
    }
    text.append(positions.isEmpty() ? "\n" : " \n");
    return text.append(nothing(conditions.owner())).toString();
  }

  private static String nothing(@Nullable String text) {
    return text == null ? "" : text;
  }

  /** The idempotency record's key, if there is one, is the last. */
  ScriptCall call(RedisScript script, ScriptArgs args, byte[]... keys) {
    IdempotentRequest retry = conditions.retry();
    byte[][] all = keys;
    if (retry != null) {
      all = Arrays.copyOf(keys, keys.length + 1);
      all[keys.length] = k.record(retry.key());
    }
    return new ScriptCall(key, write, conditions, script, all, args.toArray());
  }

  /** Of a script that declares the session, its partition, its thread and its changes first. */
  ScriptCall threadCall(RedisScript script, ScriptArgs args, byte[]... more) {
    byte[][] first = {k.session(), k.partition(), k.thread(), k.clientIds(), k.changes()};
    byte[][] keys = Arrays.copyOf(first, first.length + more.length);
    System.arraycopy(more, 0, keys, first.length, more.length);
    return call(script, args, keys);
  }

  static void addMessages(ScriptArgs args, List<NewMessage> messages) {
    for (NewMessage message : messages) {
      args.text(message.id()).bytes(message.body().utf8());
    }
  }

  /** What they count against the session's size. */
  static long bytes(List<NewMessage> messages) {
    long bytes = 0;
    for (NewMessage message : messages) {
      bytes += message.bytes();
    }
    return bytes;
  }

  private static String status(SessionAttributes description) {
    return description.status() == SessionAttributes.Status.COMPLETE ? "c" : "a";
  }

  /** An id that one call gives to two messages; no store need be asked to refuse that. */
  @Nullable Problem refused() {
    Set<String> seen = new HashSet<>();
    for (NewMessage message : added()) {
      if (message.id() != null && !seen.add(message.id())) {
        return Problem.of(ProblemCode.MESSAGE_EXISTS, "One call gives two messages the same id")
            .with("message", message.id());
      }
    }
    return null;
  }

  private List<NewMessage> added() {
    return switch (write) {
      case Write.Append append -> append.messages();
      case Write.Create create -> create.messages();
      case Write.AppendToBuild fill -> fill.messages().stream().map(Write.Copied::message).toList();
      case Write.BeginTurn begin -> begin.turn().input();
      default -> List.of();
    };
  }

  /** The entry and tag that an id of Heddle's names; both empty for a client's. */
  static void place(ScriptArgs args, SessionKey key, String message) {
    MessagePlace place = MessagePlace.parse(message);
    if (place == null) {
      args.text(null).text(null);
    } else {
      // Another session's id: a tag that no entry has.
      args.text(place.entry()).text(place.mark().equals(key.mark()) ? place.tag() : "-");
    }
  }
}
