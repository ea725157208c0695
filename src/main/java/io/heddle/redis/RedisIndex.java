package io.heddle.redis;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.session.SessionIndex;
import io.lettuce.core.Limit;
import io.lettuce.core.Range;
import io.lettuce.core.ScoredValue;
import io.lettuce.core.ZAddArgs;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * A user's sessions in a sorted set by last activity. Every session of a tenant is found through
 * the partitions' due times, which are never after the truth.
 */
final class RedisIndex implements SessionIndex {

  private static final int PARTITIONS_AT_ONCE = 32;

  private final RedisLink link;

  RedisIndex(RedisLink link) {
    this.link = link;
  }

  @Override
  public Mono<Void> touch(SessionKey key, String user, Instant active) {
    byte[] sessions = RedisKeys.userSessions(key.tenant(), user);
    return link.command(commands ->
            commands.zadd(
                sessions,
                ZAddArgs.Builder.gt(),
                (double) active.toEpochMilli(),
                RedisKeys.ascii(key.id())))
        .then();
  }

  @Override
  public Mono<Page> list(Tenant tenant, @Nullable String user, int limit, @Nullable String cursor) {
    Cursor from = cursor == null ? null : Cursor.parse(cursor);
    if (cursor != null && from == null) {
      return Mono.error(
          Problem.field(ProblemCode.INVALID_CURSOR, "cursor", "The cursor is not of this list")
              .toException());
    }
    return user == null ? byExpiry(tenant, limit, from) : byActivity(tenant, user, limit, from);
  }

  private Mono<Page> byActivity(Tenant tenant, String user, int limit, @Nullable Cursor from) {
    byte[] key = RedisKeys.userSessions(tenant, user);
    Range<Double> range =
        from == null
            ? Range.unbounded()
            : Range.create(Double.NEGATIVE_INFINITY, (double) from.score());
    // Redis breaks ties from the last member to the first when it goes down the scores.
    return newest(key, range, from, limit + 1, 0, new ArrayList<>())
        .map(found -> page(found, limit, ""));
  }

  private Mono<List<ScoredValue<byte[]>>> newest(
      byte[] key,
      Range<Double> range,
      @Nullable Cursor from,
      int wanted,
      long offset,
      List<ScoredValue<byte[]>> found) {
    return link.command(commands ->
            commands.zrevrangebyscoreWithScores(key, range, Limit.create(offset, wanted)))
        .flatMap(chunk -> {
          for (ScoredValue<byte[]> value : chunk) {
            if (SessionKey.isId(text(value)) && (from == null || from.isBeforeWhenFalling(value))) {
              found.add(value);
            }
          }
          return found.size() >= wanted || chunk.size() < wanted
              ? Mono.just(found)
              : newest(key, range, from, wanted, offset + wanted, found);
        });
  }

  private Mono<Page> byExpiry(Tenant tenant, int limit, @Nullable Cursor from) {
    String prefix = RedisDeadlines.SESSION + tenant + "/";
    Range<Double> range =
        from == null
            ? Range.unbounded()
            : Range.create((double) from.score(), Double.POSITIVE_INFINITY);
    return Flux.range(0, SessionKey.PARTITIONS)
        .flatMap(
            partition ->
                soonest(
                    RedisKeys.of(partition).due(),
                    range,
                    from,
                    prefix,
                    limit + 1,
                    0,
                    new ArrayList<>()),
            PARTITIONS_AT_ONCE)
        .flatMapIterable(found -> found)
        .sort(
            Comparator.<ScoredValue<byte[]>>comparingDouble(ScoredValue::getScore)
                .thenComparing(RedisIndex::text))
        .take(limit + 1L)
        .collectList()
        .map(found -> page(found, limit, prefix));
  }

  private Mono<List<ScoredValue<byte[]>>> soonest(
      byte[] key,
      Range<Double> range,
      @Nullable Cursor from,
      String prefix,
      int wanted,
      long offset,
      List<ScoredValue<byte[]>> found) {
    return link.command(
            commands -> commands.zrangebyscoreWithScores(key, range, Limit.create(offset, wanted)))
        .flatMap(chunk -> {
          for (ScoredValue<byte[]> value : chunk) {
            if (text(value).startsWith(prefix)
                && SessionKey.isId(text(value).substring(prefix.length()))
                && (from == null || from.isBeforeWhenRising(value, prefix))) {
              found.add(value);
            }
          }
          return found.size() >= wanted || chunk.size() < wanted
              ? Mono.just(found)
              : soonest(key, range, from, prefix, wanted, offset + wanted, found);
        });
  }

  private static Page page(List<ScoredValue<byte[]>> found, int limit, String prefix) {
    List<String> ids = new ArrayList<>();
    for (ScoredValue<byte[]> value : found.subList(0, Math.min(limit, found.size()))) {
      ids.add(text(value).substring(prefix.length()));
    }
    String next = null;
    if (found.size() > limit) {
      ScoredValue<byte[]> last = found.get(limit - 1);
      next = new Cursor((long) last.getScore(), ids.getLast()).toString();
    }
    return new Page(ids, next);
  }

  @Override
  public Mono<Void> forget(Tenant tenant, String user, List<String> ids) {
    if (ids.isEmpty()) {
      return Mono.empty();
    }
    byte[][] keys = {RedisKeys.userSessions(tenant, user), RedisKeys.userState(tenant, user)};
    ScriptArgs args = ScriptArgs.of(ids.size());
    ids.forEach(args::text);
    return link.read(RedisScript.FORGET, keys, args.toArray()).then();
  }

  /** For a session that has just ended; should it fail, whoever lists the user's cleans it up. */
  void forgetInBackground(SessionKey key, String user) {
    forget(key.tenant(), user, List.of(key.id())).onErrorComplete().subscribe();
  }

  @Override
  public Mono<String> current(Tenant tenant, String user) {
    byte[] key = RedisKeys.userState(tenant, user);
    return link.command(commands -> commands.hget(key, RedisKeys.ascii("current")))
        .map(id -> new String(id, StandardCharsets.UTF_8));
  }

  @Override
  public Mono<String> compareAndSetCurrent(
      Tenant tenant, String user, @Nullable String expected, String next) {
    byte[][] keys = {RedisKeys.userState(tenant, user)};
    return link.read(
            RedisScript.CURRENT, keys, ScriptArgs.of(2).text(expected).text(next).toArray())
        .map(reply -> new ScriptReply(reply).text(0));
  }

  private static String text(ScoredValue<byte[]> value) {
    return new String(value.getValue(), StandardCharsets.UTF_8);
  }

  /** The last session of a page: where the next one begins. */
  private record Cursor(long score, String id) {

    static @Nullable Cursor parse(String text) {
      try {
        String plain = new String(Base64.getUrlDecoder().decode(text), StandardCharsets.ISO_8859_1);
        int colon = plain.indexOf(':');
        if (colon < 1 || !SessionKey.isId(plain.substring(colon + 1))) {
          return null;
        }
        long score = Long.parseLong(plain.substring(0, colon));
        return score < 0 ? null : new Cursor(score, plain.substring(colon + 1));
      } catch (IllegalArgumentException notOurs) {
        return null;
      }
    }

    boolean isBeforeWhenFalling(ScoredValue<byte[]> value) {
      long other = (long) value.getScore();
      return other < score || other == score && text(value).compareTo(id) < 0;
    }

    boolean isBeforeWhenRising(ScoredValue<byte[]> value, String prefix) {
      long other = (long) value.getScore();
      return other > score || other == score && text(value).compareTo(prefix + id) > 0;
    }

    @Override
    public String toString() {
      return Base64.getUrlEncoder()
          .withoutPadding()
          .encodeToString(RedisKeys.ascii(score + ":" + id));
    }
  }
}
