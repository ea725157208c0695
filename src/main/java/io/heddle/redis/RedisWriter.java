package io.heddle.redis;

import io.heddle.base.IdSource;
import io.heddle.base.Json;
import io.heddle.base.Position;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.SessionKey;
import io.heddle.session.Change;
import io.heddle.session.Checkpoint;
import io.heddle.session.Conditions;
import io.heddle.session.Description;
import io.heddle.session.MessagePlace;
import io.heddle.session.NewMessage;
import io.heddle.session.Outcome;
import io.heddle.session.Retry;
import io.heddle.session.SessionWriter;
import io.heddle.session.StoreLimits;
import io.heddle.session.Write;
import io.lettuce.core.RedisException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** Writes sessions: each write is one script, and one request to Redis. */
final class RedisWriter implements SessionWriter {

  private static final Duration SEND_AGAIN = Duration.ofMillis(100);
  private static final int SENDS = 5;

  private final RedisLink link;
  private final RedisIndex index;
  private final IdSource ids;
  private final StoreLimits limits;

  RedisWriter(RedisLink link, RedisIndex index, IdSource ids, StoreLimits limits) {
    this.link = link;
    this.index = index;
    this.ids = ids;
    this.limits = limits;
  }

  @Override
  public Mono<Outcome> apply(SessionKey key, Write write, Conditions conditions) {
    return Mono.defer(() -> applyOnce(key, write, conditions));
  }

  private Mono<Outcome> applyOnce(SessionKey key, Write write, Conditions conditions) {
    Call call = call(key, write, conditions);
    if (call.refused() != null) {
      return Mono.just(new Outcome.Refused(call.refused()));
    }
    return send(call, SENDS)
        .flatMap(reply ->
            reply.kind() == Reply.SWEEP_FIRST
                ? sweep(key).then(send(call, SENDS))
                : Mono.just(reply))
        .map(reply -> outcome(call, reply));
  }

  /**
   * A write that was sent and not answered is sent again only under an idempotency key: its record
   * then tells whether the first one happened.
   */
  private Mono<Reply> send(Call call, int sends) {
    Mono<Reply> sent = link.write(call.script(), call.keys(), call.args()).map(Reply::new);
    if (call.conditions().retry() == null || sends <= 1) {
      return sent;
    }
    return sent.onErrorResume(
        RedisErrors::isUnknown,
        unknown -> Mono.delay(SEND_AGAIN).then(Mono.defer(() -> sendAgain(call, sends - 1))));
  }

  /** What was sent before may have happened, so being refused now says nothing about it. */
  private Mono<Reply> sendAgain(Call call, int sends) {
    return send(call, sends)
        .onErrorMap(
            error -> !RedisErrors.isUnknown(error),
            error ->
                RedisErrors.translate(new RedisException("sent before and not answered"), true));
  }

  private Mono<Void> sweep(SessionKey key) {
    return applyOnce(key, new Write.Expire(), Conditions.NONE).then();
  }

  private Outcome outcome(Call call, Reply reply) {
    if (reply.kind() == Reply.REFUSED) {
      Problem problem = reply.problem();
      return new Outcome.Refused(
          problem.code() == ProblemCode.SESSION_TOO_LARGE
              ? problem.with("limit", limits.sessionBytes())
              : problem);
    }
    if (reply.kind() == Reply.REPLAYED) {
      return replayed(call.key(), reply.text(1));
    }
    if (reply.kind() != Reply.DONE) {
      return new Outcome.Refused(
          Problem.of(ProblemCode.SESSION_EXISTS, "The session id is being taken by another call"));
    }
    StoredState state = StoredState.parse(reply.bytes(0));
    if (state.mustBeKept()) {
      keep(call.key());
    }
    Description description =
        switch (call.write()) {
          case Write.Create _, Write.Build _, Write.Update _, Write.Open _ ->
              Description.parse(reply.bytes(1));
          default -> null;
        };
    String user = state.owner();
    if (user != null
        && (call.write() instanceof Write.Delete || call.write() instanceof Write.Expire)) {
      index.forgetInBackground(call.key(), user);
    }
    return new Outcome.Applied(user, description, state.head(null));
  }

  static Outcome.Replayed replayed(SessionKey key, String record) {
    String[] words = record.split(" ");
    Position position = Reply.position(words[0]);
    List<String> messages = new ArrayList<>(words.length - 1);
    for (int i = 1; i < words.length; i++) {
      messages.add(words[i].equals("-") ? MessagePlace.of(key, position, i - 1).id() : words[i]);
    }
    return new Outcome.Replayed(position, messages);
  }

  /** Outside the request: a write asks for it at most once a day of a session's life. */
  private void keep(SessionKey key) {
    RedisKeys k = RedisKeys.of(key);
    byte[][] keys = {
      k.session(), k.thread(), k.clientIds(), k.changes(), k.waiting(), k.state(), k.checkpoints()
    };
    link.write(RedisScript.KEEP, keys, new byte[0][])
        // A failure is made good by the next write, which is told again that it is time.
        .onErrorComplete()
        .subscribe();
  }

  private Call call(SessionKey key, Write write, Conditions conditions) {
    RedisKeys k = RedisKeys.of(key);
    String tag = ids.tag();
    return switch (write) {
      case Write.Append append -> append(k, key, append, conditions, tag);
      case Write.Create create ->
          create(k, key, write, create.description(), create.messages(), "", conditions, tag);
      case Write.Build build ->
          create(k, key, write, build.description(), List.of(), build.build(), conditions, tag);
      case Write.Fill fill -> fill(k, key, fill, conditions, tag);
      case Write.Open open ->
          new Call(
              key,
              write,
              conditions,
              tag,
              RedisScript.OPEN,
              keys(k, conditions, k.session(), k.partition(), k.changes(), k.due()),
              common(k, conditions, tag, 2)
                  .text(open.build())
                  .bytes(new Change.SessionCreated().toJson().utf8())
                  .toArray(),
              null);
      case Write.Update update -> update(k, key, update, conditions, tag);
      case Write.SaveState save ->
          state(k, key, write, save.document().utf8(), null, conditions, tag);
      case Write.RestoreState restore -> restore(k, key, restore, conditions, tag);
      case Write.DeleteMessage delete ->
          cut(
              k,
              key,
              write,
              "one",
              delete.message(),
              new Change.MessageDeleted(delete.message()),
              conditions,
              tag);
      case Write.Cut cut -> {
        String after = cut.after();
        yield after == null
            ? cut(k, key, write, "all", "", new Change.ThreadCleared(), conditions, tag)
            : cut(k, key, write, "after", after, new Change.ThreadCut(after), conditions, tag);
      }
      case Write.Delete _ ->
          end(k, key, write, RedisScript.DELETE, new Change.SessionDeleted(), conditions, tag);
      case Write.Expire _ ->
          end(k, key, write, RedisScript.EXPIRE, new Change.SessionExpired(), conditions, tag);
    };
  }

  private Call append(
      RedisKeys k, SessionKey key, Write.Append append, Conditions conditions, String tag) {
    List<NewMessage> messages = append.messages();
    long bytes = bytes(messages);
    Args args = common(k, conditions, tag, 3 + 2 * messages.size());
    args.number(limits.sessionBytes()).number(bytes);
    args.text(announced(messages, bytes));
    addMessages(args, messages);
    boolean named = messages.stream().anyMatch(message -> message.id() != null);
    return new Call(
        key,
        append,
        conditions,
        tag,
        RedisScript.APPEND,
        named
            ? keys(k, conditions, k.session(), k.partition(), k.thread(), k.clientIds())
            : keys(k, conditions, k.session(), k.partition(), k.thread()),
        args.toArray(),
        twice(messages));
  }

  /**
   * How the published change begins, see {@link ChangeMessage}: made here, it costs Redis nothing.
   */
  private static String announced(List<NewMessage> messages, long bytes) {
    if (bytes > Change.MAX_PUBLISHED_BYTES) {
      return "";
    }
    StringBuilder text = new StringBuilder(" +").append(messages.size());
    for (NewMessage message : messages) {
      String id = message.id();
      int idBytes = id == null ? 0 : id.getBytes(StandardCharsets.UTF_8).length;
      text.append(' ').append(idBytes).append(' ').append(message.body().length());
    }
    return text.append(' ').toString();
  }

  private Call create(
      RedisKeys k,
      SessionKey key,
      Write write,
      Description description,
      List<NewMessage> messages,
      String build,
      Conditions conditions,
      String tag) {
    Args args = common(k, conditions, tag, 8 + 2 * messages.size());
    args.number(limits.sessionBytes()).number(bytes(messages));
    args.text(description.user()).bytes(description.toJson().utf8());
    args.number(description.ttl().toSeconds()).text(status(description)).text(build);
    args.bytes(new Change.SessionCreated().toJson().utf8());
    addMessages(args, messages);
    return new Call(
        key,
        write,
        conditions,
        tag,
        RedisScript.CREATE,
        everyKey(k, conditions),
        args.toArray(),
        twice(messages));
  }

  private Call fill(
      RedisKeys k, SessionKey key, Write.Fill fill, Conditions conditions, String tag) {
    List<NewMessage> messages = fill.messages().stream().map(Write.Copied::message).toList();
    Args args = common(k, conditions, tag, 3 + 3 * messages.size());
    args.number(limits.sessionBytes()).number(bytes(messages)).text(fill.build());
    for (Write.Copied copied : fill.messages()) {
      args.text(copied.message().id()).bytes(copied.message().body().utf8());
      args.number(copied.createdAt().toEpochMilli());
    }
    return new Call(
        key,
        fill,
        conditions,
        tag,
        RedisScript.FILL,
        keys(k, conditions, k.session(), k.partition(), k.thread(), k.clientIds()),
        args.toArray(),
        twice(messages));
  }

  private Call update(
      RedisKeys k, SessionKey key, Write.Update update, Conditions conditions, String tag) {
    Description description = update.description();
    Json change = new Change.SessionUpdated(description).toJson();
    boolean small = change.length() <= Change.MAX_PUBLISHED_BYTES;
    Args args = common(k, conditions, tag, 5);
    args.bytes(description.toJson().utf8()).number(description.ttl().toSeconds());
    args.text(status(description));
    args.text(small ? change.toString() : "{\"type\":\"session.updated\"}");
    args.text(small ? change.toString() : "");
    return new Call(
        key,
        update,
        conditions,
        tag,
        RedisScript.UPDATE,
        keys(k, conditions, k.session(), k.partition(), k.changes(), k.due()),
        args.toArray(),
        null);
  }

  private Call restore(
      RedisKeys k, SessionKey key, Write.RestoreState restore, Conditions conditions, String tag) {
    if (restore.checkpoint().equals("latest")) {
      return state(k, key, restore, new byte[0], null, conditions, tag);
    }
    Position saved = Checkpoint.parseId(restore.checkpoint());
    return state(
        k,
        key,
        restore,
        new byte[0],
        // Version 0 is nobody's, so an id that is none is not found, after all other checks.
        saved == null ? new Position(0, "") : saved,
        conditions,
        tag);
  }

  private Call state(
      RedisKeys k,
      SessionKey key,
      Write write,
      byte[] document,
      @Nullable Position saved,
      Conditions conditions,
      String tag) {
    Args args = common(k, conditions, tag, 6).bytes(document);
    args.text(saved == null ? null : Long.toString(saved.version()));
    args.text(saved == null ? null : saved.tag());
    args.number(limits.checkpoints()).number(limits.checkpointBytes());
    args.bytes(new Change.StateSaved().toJson().utf8());
    return new Call(
        key,
        write,
        conditions,
        tag,
        RedisScript.STATE,
        keys(k, conditions, k.session(), k.partition(), k.changes(), k.state(), k.checkpoints()),
        args.toArray(),
        null);
  }

  private Call cut(
      RedisKeys k,
      SessionKey key,
      Write write,
      String what,
      String message,
      Change change,
      Conditions conditions,
      String tag) {
    Args args = common(k, conditions, tag, 5).text(what);
    place(args, key, message);
    args.text(message).bytes(change.toJson().utf8());
    return new Call(
        key,
        write,
        conditions,
        tag,
        RedisScript.CUT,
        keys(k, conditions, k.session(), k.partition(), k.thread(), k.clientIds(), k.changes()),
        args.toArray(),
        null);
  }

  private Call end(
      RedisKeys k,
      SessionKey key,
      Write write,
      RedisScript script,
      Change change,
      Conditions conditions,
      String tag) {
    byte[][] args = common(k, conditions, tag, 1).bytes(change.toJson().utf8()).toArray();
    return new Call(key, write, conditions, tag, script, everyKey(k, conditions), args, null);
  }

  /** The entry and tag that an id of Heddle's names; both empty for a client's. */
  static void place(Args args, SessionKey key, String message) {
    MessagePlace place = MessagePlace.parse(message);
    if (place == null) {
      args.text(null).text(null);
    } else {
      // Another session's id: a tag that no entry has.
      args.text(place.entry()).text(place.mark().equals(key.mark()) ? place.tag() : "-");
    }
  }

  private Args common(RedisKeys k, Conditions conditions, String tag, int more) {
    Retry retry = conditions.retry();
    return Args.of(6 + more)
        .text(tag)
        .text(terms(conditions))
        .text(retry == null ? null : retry.body() + " " + nothing(retry.operation()))
        .bytes(k.path())
        .bytes(k.channel())
        .bytes(link.publish().command());
  }

  /** One argument for all terms: most writes have few, and Redis pays for each argument. */
  private static @Nullable String terms(Conditions conditions) {
    List<Position> positions = conditions.positions();
    if (conditions.owner() == null && conditions.lock() == null && positions.isEmpty()) {
      return null;
    }
    StringBuilder text = new StringBuilder(nothing(conditions.lock())).append('\n');
    for (Position position : positions) {
      text.append(' ').append(position);
    }
    text.append(positions.isEmpty() ? "\n" : " \n");
    return text.append(nothing(conditions.owner())).toString();
  }

  private static String nothing(@Nullable String text) {
    return text == null ? "" : text;
  }

  private static byte[][] everyKey(RedisKeys k, Conditions conditions) {
    return keys(
        k,
        conditions,
        k.session(),
        k.partition(),
        k.thread(),
        k.clientIds(),
        k.changes(),
        k.waiting(),
        k.state(),
        k.checkpoints(),
        k.due());
  }

  /** The script's keys and, last, the idempotency record's if there is one. */
  private static byte[][] keys(RedisKeys k, Conditions conditions, byte[]... keys) {
    Retry retry = conditions.retry();
    if (retry == null) {
      return keys;
    }
    byte[][] more = Arrays.copyOf(keys, keys.length + 1);
    more[keys.length] = k.record(retry.key());
    return more;
  }

  private static void addMessages(Args args, List<NewMessage> messages) {
    for (NewMessage message : messages) {
      args.text(message.id()).bytes(message.body().utf8());
    }
  }

  private static long bytes(List<NewMessage> messages) {
    long bytes = 0;
    for (NewMessage message : messages) {
      bytes += message.body().length();
    }
    return bytes;
  }

  private static String status(Description description) {
    return description.status() == Description.Status.COMPLETE ? "c" : "a";
  }

  /** An id that one call gives to two messages; no store need be asked to refuse that. */
  private static @Nullable Problem twice(List<NewMessage> messages) {
    Set<String> seen = new HashSet<>();
    for (NewMessage message : messages) {
      if (message.id() != null && !seen.add(message.id())) {
        return Problem.of(ProblemCode.MESSAGE_EXISTS, "One call gives two messages the same id")
            .with("message", message.id());
      }
    }
    return null;
  }

  /**
   * A write as it is sent. The tag is made once, so that a write that is sent again is the same.
   *
   * @param refused what is wrong with the call itself
   */
  private record Call(
      SessionKey key,
      Write write,
      Conditions conditions,
      String tag,
      RedisScript script,
      byte[][] keys,
      byte[][] args,
      @Nullable Problem refused) {}
}
