package io.heddle.redis;

import io.heddle.base.Position;
import io.heddle.base.SessionKey;
import io.heddle.json.Json;
import io.heddle.session.Checkpoint;
import io.heddle.session.CheckpointPage;
import io.heddle.session.Head;
import io.heddle.session.Message;
import io.heddle.session.MessagePlace;
import io.heddle.session.PageRequest;
import io.heddle.session.ReadContext;
import io.heddle.session.Session;
import io.heddle.session.SessionAttributes;
import io.heddle.session.SessionReader;
import io.heddle.session.StateView;
import io.heddle.session.StoreProblems;
import io.heddle.session.ThreadPage;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** Reads sessions: each answer is one script, and so of one moment. */
final class RedisReader implements SessionReader {

  private static final String LATEST = "latest";

  private final RedisPages pages;
  private final long pageBytes;

  /**
   * @param pageBytes of bodies in one answer, the first one's not counted
   */
  RedisReader(RedisPages pages, long pageBytes) {
    this.pages = pages;
    this.pageBytes = pageBytes;
  }

  @Override
  public Mono<ThreadPage> load(SessionKey key, ReadContext view, PageRequest page) {
    ScriptArgs args = new ScriptArgs();
    view(args, view);
    args.number(page.limit() == 0 ? 0 : page.limit() + 1L).text(page.fromEnd() ? "1" : "");
    for (String name : new String[] {"after", "before"}) {
      String cursor = name.equals("after") ? page.after() : page.before();
      MessagePlace place = cursor == null ? null : MessagePlace.parse(cursor);
      boolean nothing = cursor != null && cursor.isEmpty();
      if (nothing || place != null && !place.mark().equals(key.mark())) {
        return Mono.error(StoreProblems.invalidCursor(name).toException());
      }
      args.text(place == null ? null : place.entry());
      args.text(place == null ? null : place.tag());
      args.text(cursor);
    }
    args.number(pageBytes);
    RedisPages.Size size = page.limit() == 0 ? RedisPages.Size.SHORT : RedisPages.Size.PAGE;
    return ask(key, size, RedisScript.LOAD, threadKeys(key), args)
        .map(answer -> {
          ScriptReply reply = answer.reply();
          List<Message> messages = messages(key, reply.list(3));
          if (page.fromEnd() != page.newestFirst()) {
            Collections.reverse(messages);
          }
          Session session = session(key, reply.list(2));
          return new ThreadPage(
              session, messages, reply.number(4) == 1, answer.endsAt(session.head()));
        });
  }

  @Override
  public Mono<ThreadPage> message(SessionKey key, ReadContext view, String message) {
    ScriptArgs args = new ScriptArgs();
    view(args, view);
    ScriptCallFactory.place(args, key, message);
    args.text(message);
    return ask(key, RedisPages.Size.PAGE, RedisScript.MESSAGE, threadKeys(key), args)
        .map(answer -> {
          Session session = session(key, answer.reply().list(2));
          List<Message> found = messages(key, answer.reply().list(3));
          return new ThreadPage(session, found, false, answer.endsAt(session.head()));
        });
  }

  @Override
  public Mono<StateView> state(SessionKey key, ReadContext view) {
    return stateView(key, view, "state", null);
  }

  @Override
  public Mono<StateView> checkpoint(SessionKey key, ReadContext view, String checkpoint) {
    if (checkpoint.equals(LATEST)) {
      return stateView(key, view, "one", null);
    }
    Position saved = Checkpoint.parseId(checkpoint);
    return stateView(key, view, "one", saved == null ? new Position(0, "") : saved);
  }

  @Override
  public Mono<CheckpointPage> checkpoints(
      SessionKey key, ReadContext view, int limit, @Nullable String before) {
    Position from = before == null ? null : Checkpoint.parseId(before);
    if (before != null && from == null) {
      return Mono.error(StoreProblems.invalidCursor("before").toException());
    }
    return checkpoints(key, view, limit, from, List.of());
  }

  /** Documents count although they are not answered: the script has to read them. */
  private Mono<CheckpointPage> checkpoints(
      SessionKey key,
      ReadContext view,
      int limit,
      @Nullable Position from,
      List<CheckpointPage.Saved> before) {
    ScriptArgs args = new ScriptArgs();
    view(args, view);
    args.text("page").text(from == null ? null : Long.toString(from.version()));
    args.number(limit + 1L - before.size()).number(pageBytes);
    return ask(key, RedisPages.Size.SHORT, RedisScript.STATE_READ, stateKeys(key), args)
        .flatMap(answer -> {
          ScriptReply reply = answer.reply();
          List<CheckpointPage.Saved> found = new ArrayList<>(before);
          ScriptReply entries = reply.list(3);
          for (int i = 0; i < entries.size(); i++) {
            ScriptReply fields = entries.list(i).list(1);
            found.add(
                new CheckpointPage.Saved(saved(entries.list(i)), fields.time(3), fields.number(5)));
          }
          if (reply.number(4) == 1 && found.size() <= limit) {
            return checkpoints(key, view, limit, found.getLast().saved(), found);
          }
          boolean more = found.size() > limit;
          if (more) {
            found.removeLast();
          }
          return Mono.just(new CheckpointPage(position(reply.list(2)), found, more));
        });
  }

  private Mono<StateView> stateView(
      SessionKey key, ReadContext view, String what, @Nullable Position saved) {
    ScriptArgs args = new ScriptArgs();
    view(args, view);
    args.text(what);
    args.position(saved).text(null);
    return ask(key, RedisPages.Size.PAGE, RedisScript.STATE_READ, stateKeys(key), args)
        .map(answer -> {
          ScriptReply reply = answer.reply();
          ScriptReply found = reply.list(3);
          return new StateView(
              position(reply.list(2)), found.size() == 0 ? null : checkpoint(found.list(0)));
        });
  }

  private Mono<Read> ask(
      SessionKey key, RedisPages.Size size, RedisScript script, byte[][] keys, ScriptArgs args) {
    return Mono.defer(() -> {
      long sentAt = System.nanoTime();
      return pages
          .read(key, size, script, keys, args.toArray())
          .map(reply -> new Read(reply.accepted(), sentAt));
    });
  }

  /** A reply, and when it was asked for. */
  private record Read(ScriptReply reply, long sentAt) {

    /** Redis's clock said its time after the question was sent, so this is never too late. */
    long endsAt(Head head) {
      return sentAt
          + TimeUnit.MILLISECONDS.toNanos(head.expiresAt().toEpochMilli() - reply.number(1));
    }
  }

  private static void view(ScriptArgs args, ReadContext view) {
    args.text(view.owner()).position(view.atLeast());
  }

  private static byte[][] threadKeys(SessionKey key) {
    RedisKeys k = RedisKeys.of(key);
    return new byte[][] {k.session(), k.thread(), k.clientIds(), k.changes()};
  }

  private static byte[][] stateKeys(SessionKey key) {
    RedisKeys k = RedisKeys.of(key);
    return new byte[][] {
      k.session(), k.thread(), k.clientIds(), k.changes(), k.state(), k.checkpoints()
    };
  }

  private static Position position(ScriptReply session) {
    return StoredState.parse(session.bytes(0)).position();
  }

  private static Session session(SessionKey key, ScriptReply session) {
    Head head = StoredState.parse(session.bytes(0)).head(session.textOrNull(1));
    return new Session(key, SessionAttributes.parse(session.bytes(2)), head);
  }

  /** Entries {@code {version-index, {h, 'tag seq millis id', b, body}}}. */
  private static List<Message> messages(SessionKey key, ScriptReply entries) {
    List<Message> messages = new ArrayList<>(entries.size());
    for (int i = 0; i < entries.size(); i++) {
      messages.add(message(key, entries.list(i)));
    }
    return messages;
  }

  static Message message(SessionKey key, ScriptReply entry) {
    ScriptReply fields = entry.list(1);
    String[] words = fields.text(1).split(" ", 4);
    String id =
        words[3].isEmpty() ? "msg_" + entry.text(0) + "_" + words[0] + key.mark() : words[3];
    return new Message(
        id,
        Long.parseLong(words[1]),
        Instant.ofEpochMilli(Long.parseLong(words[2])),
        new Json(fields.bytes(3)));
  }

  /** An entry {@code {version-0, {t, tag, z, millis, b, document}}}. */
  private static Checkpoint checkpoint(ScriptReply entry) {
    ScriptReply fields = entry.list(1);
    return new Checkpoint(saved(entry), fields.time(3), new Json(fields.bytes(5)));
  }

  private static Position saved(ScriptReply entry) {
    String version = entry.text(0);
    return new Position(
        Long.parseLong(version.substring(0, version.indexOf('-'))), entry.list(1).text(1));
  }
}
