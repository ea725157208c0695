package io.heddle.redis;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.SessionKey;
import io.heddle.json.Json;
import io.heddle.session.LiveMessage;
import io.heddle.session.Turn;
import io.heddle.session.TurnAttempt;
import io.heddle.session.TurnLog;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Turns in their records and the streams of their events: a flush is one script, one request. */
final class RedisTurnLog implements TurnLog {

  /**
   * A part of the time that is to be proven: longer without an answer, and the proof begins anew.
   * In a silence of that length, and no shorter one, could a lease have ended whose owner lives.
   * Where that is very short, a busy machine may take a second, but never so long that a silence in
   * which the lease ended goes unseen.
   */
  private static final int UNBROKEN_PART = 2;

  private static final long SECOND = Duration.ofSeconds(1).toNanos();

  /** After so many looks at the same session it is put off, so far. */
  private static final int PATIENCE = 5;

  private static final Duration PUT_OFF = Duration.ofSeconds(3);

  private final RedisLink link;
  private final RedisLink renewals;
  private final RedisPages pages;
  private final RedisDeadlines due;
  private final DueItems items;
  private final Cache<SessionKey, Integer> seen =
      Caffeine.newBuilder().maximumSize(10_000).expireAfterWrite(Duration.ofMinutes(1)).build();
  private final int batch;

  /** Of records or events, after which an answer ends. */
  private static final int ANSWER_BYTES = 1 << 20;

  private static final int ANSWER_EVENTS = 1000;

  /** Where the records begin in the answer of a list. */
  private static final int RECORDS_AT = 5;

  // When the first and the last question of an unbroken row of answers was sent, by partition.
  private final AtomicLongArray provenSince = new AtomicLongArray(SessionKey.PARTITIONS);
  private final AtomicLongArray provenAt = new AtomicLongArray(SessionKey.PARTITIONS);

  /**
   * @param renewals carries what only says that an owner lives, and nothing large: behind long
   *     answers on their way to Redis it would come too late
   * @param batch sessions taken from one partition at a time
   */
  RedisTurnLog(RedisLink link, RedisLink renewals, RedisPages pages, int batch) {
    this.link = link;
    this.renewals = renewals;
    this.pages = pages;
    this.due = new RedisDeadlines(link);
    this.items = new DueItems(link, RedisKeys::turnsDue, "");
    this.batch = batch;
    for (int partition = 0; partition < SessionKey.PARTITIONS; partition++) {
      broken(partition);
    }
  }

  @Override
  public Mono<Flushed> flush(
      SessionKey key, TurnAttempt attempt, long after, List<Json> events, Duration lease) {
    return Mono.defer(() -> {
      String part = RedisTurnCalls.part(key, attempt.turn());
      if (part == null) {
        return Mono.just(new Flushed.Lost());
      }
      RedisKeys k = RedisKeys.of(key);
      byte[][] keys = {k.session(), k.turnLog(part), k.turnsDue()};
      ScriptArgs args = new ScriptArgs();
      args.text(attempt.turn() + " " + attempt.attempt()).number(after).number(lease.toMillis());
      args.bytes(link.publish().command()).bytes(RedisKeys.ascii(k.liveChannel(link.database())));
      args.bytes(LiveMessage.TurnFlushed.prefix(attempt));
      events.forEach(event -> args.bytes(event.utf8()));
      // As harmless to send twice as a read, so an unknown outcome is no other than none.
      return flushed(keys, args.toArray(), events.isEmpty())
          .map(reply -> {
            if (reply.kind() != ScriptReply.DONE) {
              return new Flushed.Lost();
            }
            Turn.Cancel cancel = StoredTurn.cancel(reply.text(2));
            if (reply.number(3) == 1) {
              link.memory().refused(keys[0]);
              return new Flushed.Full(cancel);
            }
            return new Flushed.Kept(reply.number(1), cancel);
          });
    });
  }

  private Mono<ScriptReply> flushed(byte[][] keys, byte[][] args, boolean onlyRenews) {
    if (!onlyRenews) {
      return link.read(RedisScript.TURN_FLUSH, keys, args);
    }
    return renewals
        .read(RedisScript.TURN_FLUSH, keys, args)
        .onErrorResume(
            error -> RedisErrors.isAway(error) && !renewals.isOpen(),
            _ -> link.read(RedisScript.TURN_FLUSH, keys, args));
  }

  @Override
  public Mono<Recorded> read(
      SessionKey key, @Nullable String owner, String turn, long after, int most) {
    String part = RedisTurnCalls.part(key, turn);
    RedisKeys k = RedisKeys.of(key);
    byte[][] keys =
        part == null
            ? new byte[][] {k.session()}
            : new byte[][] {k.session(), k.turnRecord(part), k.turnLog(part)};
    if (part == null) {
      // Whether the session is there comes first.
      return ask(
              key, RedisScript.TURN_LIST, keys, new ScriptArgs().text(owner).number(ANSWER_BYTES))
          .map(_ -> {
            throw Problem.of(ProblemCode.TURN_NOT_FOUND).toException();
          });
    }
    ScriptArgs args = new ScriptArgs().text(owner).number(after);
    args.number(Math.min(most, ANSWER_EVENTS)).number(ANSWER_BYTES);
    return ask(key, RedisScript.TURN_READ, keys, args)
        .map(reply -> {
          Turn found = new StoredTurn(key, reply).turn(part, reply.list(4));
          ScriptReply entries = reply.list(6);
          List<Json> events = new ArrayList<>(entries.size());
          for (int i = 0; i < entries.size(); i++) {
            events.add(new Json(entries.list(i).list(1).bytes(1)));
          }
          return new Recorded(found, events, reply.number(5));
        });
  }

  /**
   * Two questions or more: which turns there are, and then for their records, which so are
   * declared, some at a time.
   */
  @Override
  public Mono<List<Turn>> list(SessionKey key, @Nullable String owner) {
    return listed(key, owner, StoredTurn::parts, Turn::lean).map(Listed::turns);
  }

  @Override
  public Mono<Open> open(SessionKey key) {
    return listed(key, null, StoredTurn::open, UnaryOperator.identity())
        .map(listed -> Open.of(listed.turns(), listed.now()));
  }

  /** Turns as they were at that time. */
  private record Listed(List<Turn> turns, Instant now) {}

  private Mono<Listed> listed(
      SessionKey key,
      @Nullable String owner,
      Function<StoredTurn, List<String>> which,
      UnaryOperator<Turn> kept) {
    byte[][] session = {RedisKeys.of(key).session()};
    return ask(
            key, RedisScript.TURN_LIST, session, new ScriptArgs().text(owner).number(ANSWER_BYTES))
        .flatMap(first -> {
          List<String> parts = which.apply(new StoredTurn(key, first));
          return parts.isEmpty()
              ? Mono.just(new Listed(List.of(), first.time(4)))
              : records(key, owner, parts, Map.of(), kept);
        });
  }

  /**
   * @param asked of these, the first ones are known
   */
  private Mono<Listed> records(
      SessionKey key,
      @Nullable String owner,
      List<String> asked,
      Map<String, @Nullable Turn> known,
      UnaryOperator<Turn> kept) {
    RedisKeys k = RedisKeys.of(key);
    List<String> missing = asked.subList(known.size(), asked.size());
    byte[][] keys = new byte[1 + missing.size()][];
    keys[0] = k.session();
    for (int i = 0; i < missing.size(); i++) {
      keys[1 + i] = k.turnRecord(missing.get(i));
    }
    return ask(key, RedisScript.TURN_LIST, keys, new ScriptArgs().text(owner).number(ANSWER_BYTES))
        .flatMap(reply -> {
          StoredTurn stored = new StoredTurn(key, reply);
          Map<String, @Nullable Turn> turns = new LinkedHashMap<>(known);
          for (int i = 0; i < reply.size() - RECORDS_AT; i++) {
            ScriptReply record = reply.listOrNull(RECORDS_AT + i);
            String part = missing.get(i);
            turns.put(part, record == null ? null : kept.apply(stored.turn(part, record)));
          }
          if (turns.size() < asked.size() && turns.size() > known.size()) {
            return records(key, owner, asked, turns, kept);
          }
          // In the order of now; one that came in between is a later list's.
          return Mono.just(
              new Listed(
                  stored.parts().stream().map(turns::get).filter(Objects::nonNull).toList(),
                  reply.time(4)));
        });
  }

  /**
   * What asks each partition for its heads also proves the way to it: a partition that does not
   * answer, or was not asked for a while, is proven anew from its next answer on.
   */
  @Override
  public Flux<SessionKey> due(Duration proven) {
    return due.ask(RedisKeys::turnsDue, batch).flatMapIterable(answer -> due(answer, proven));
  }

  private List<SessionKey> due(RedisDeadlines.Answer answer, Duration proven) {
    List<SessionKey> sessions = new ArrayList<>();
    for (RedisDeadlines.Found found : answer.partitions()) {
      if (answer.known()) {
        answered(found.partition(), answer.sentAt(), proven);
      } else {
        broken(found.partition());
      }
      if (answer.sentAt() - provenSince.get(found.partition()) >= proven.toNanos()) {
        for (SessionKey key : items.sessions(found)) {
          sessions.add(key);
          seen(key);
        }
      }
    }
    return sessions;
  }

  /**
   * Whoever is told of a session writes, and that moves it. One that comes again and again fails,
   * and must not be in the way of those behind it.
   */
  private void seen(SessionKey key) {
    Integer before = seen.getIfPresent(key);
    int times = before == null ? 1 : before + 1;
    if (times < PATIENCE) {
      seen.put(key, times);
    } else {
      seen.invalidate(key);
      items.putOff(key, PUT_OFF);
    }
  }

  private void answered(int partition, long sentAt, Duration proven) {
    long whole = proven.toNanos();
    long unbroken = Math.max(Math.min(SECOND, whole * 2 / 3), whole / UNBROKEN_PART);
    boolean late = System.nanoTime() - sentAt > unbroken;
    if (late || sentAt - provenAt.get(partition) > unbroken) {
      provenSince.set(partition, sentAt);
    }
    if (late) {
      // What it tells may be of the end of a silence in which nobody could renew.
      broken(partition);
    } else {
      provenAt.set(partition, sentAt);
    }
  }

  /** The next answer begins a row anew, as if the last question were longer ago than anything. */
  private void broken(int partition) {
    provenAt.set(partition, System.nanoTime() - Long.MAX_VALUE / 2);
  }

  /** How many due times named no session, since the start. */
  long failures() {
    return items.failures();
  }

  private Mono<ScriptReply> ask(
      SessionKey key, RedisScript script, byte[][] keys, ScriptArgs args) {
    RedisPages.Size size = keys.length == 1 ? RedisPages.Size.SHORT : RedisPages.Size.PAGE;
    return pages.read(key, size, script, keys, args.toArray()).map(ScriptReply::accepted);
  }
}
