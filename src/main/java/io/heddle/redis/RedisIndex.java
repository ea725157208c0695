package io.heddle.redis;

import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.session.SessionIndex;
import io.heddle.session.StoreProblems;
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
import java.util.function.Function;
import java.util.function.Predicate;
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
      return Mono.error(StoreProblems.invalidCursor("cursor").toException());
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
    return collect(
            part -> link.command(commands -> commands.zrevrangebyscoreWithScores(key, range, part)),
            value ->
                SessionKey.isId(text(value)) && (from == null || from.compareTo(value, "") < 0),
            limit + 1,
            0,
            new ArrayList<>())
        .map(found -> page(found, limit, ""));
  }

  private Mono<Page> byExpiry(Tenant tenant, int limit, @Nullable Cursor from) {
    String prefix = RedisDeadlines.SESSION + tenant + "/";
    Range<Double> range =
        from == null
            ? Range.unbounded()
            : Range.create((double) from.score(), Double.POSITIVE_INFINITY);
    Predicate<ScoredValue<byte[]>> wanted =
        value ->
            text(value).startsWith(prefix)
                && SessionKey.isId(text(value).substring(prefix.length()))
                && (from == null || from.compareTo(value, prefix) > 0);
    return Flux.range(0, SessionKey.PARTITIONS)
        .flatMap(
            partition -> {
              byte[] key = RedisKeys.of(partition).due();
              return collect(
                  part ->
                      link.command(commands -> commands.zrangebyscoreWithScores(key, range, part)),
                  wanted,
                  limit + 1,
                  0,
                  new ArrayList<>());
            },
            PARTITIONS_AT_ONCE)
        .flatMapIterable(found -> found)
        .sort(
            Comparator.<ScoredValue<byte[]>>comparingDouble(ScoredValue::getScore)
                .thenComparing(RedisIndex::text))
        .take(limit + 1L)
        .collectList()
        .map(found -> page(found, limit, prefix));
  }

  /** Goes on through a sorted set until it has found so many, or the set ends. */
  private static Mono<List<ScoredValue<byte[]>>> collect(
      Function<Limit, Mono<List<ScoredValue<byte[]>>>> query,
      Predicate<ScoredValue<byte[]>> wanted,
      int most,
      long offset,
      List<ScoredValue<byte[]>> found) {
    return query
        .apply(Limit.create(offset, most))
        .flatMap(chunk -> {
          chunk.stream().filter(wanted).forEach(found::add);
          return found.size() >= most || chunk.size() < most
              ? Mono.just(found)
              : collect(query, wanted, most, offset + most, found);
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
    ScriptArgs args = new ScriptArgs();
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
            RedisScript.CURRENT, keys, new ScriptArgs().text(expected).text(next).toArray())
        .map(reply -> reply.text(0));
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

    /** Where the value stands next to this one: below 0 before it, above 0 after it. */
    int compareTo(ScoredValue<byte[]> value, String prefix) {
      int scores = Long.compare((long) value.getScore(), score);
      return scores != 0 ? scores : text(value).compareTo(prefix + id);
    }

    @Override
    public String toString() {
      return Base64.getUrlEncoder()
          .withoutPadding()
          .encodeToString(RedisKeys.ascii(score + ":" + id));
    }
  }
}
