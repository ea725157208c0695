package io.heddle.redis;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.heddle.base.Seldom;
import io.heddle.base.SessionKey;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The members of due times as the sessions they name. One that fails, or names nothing, must not
 * stand in the way of the others: the first is put off, for longer each time, the second is taken
 * out, and both are counted and told.
 */
final class DueItems {

  private static final Logger LOG = LoggerFactory.getLogger(DueItems.class);
  private static final int REMEMBERED = 10_000;
  private static final Duration FIRST = Duration.ofSeconds(5);
  private static final Duration LONGEST = Duration.ofMinutes(10);

  /** Another release's, perhaps, which it means something to. */
  private static final Duration FOREIGN = Duration.ofHours(1);

  private final RedisLink link;
  private final Function<RedisKeys, byte[]> kind;
  private final String prefix;
  private final Seldom failures = new Seldom();
  private final Cache<SessionKey, Integer> tries =
      Caffeine.newBuilder()
          .maximumSize(REMEMBERED)
          .expireAfterWrite(LONGEST.multipliedBy(2))
          .build();

  /**
   * @param kind which due times
   * @param prefix what stands before a session's path
   */
  DueItems(RedisLink link, Function<RedisKeys, byte[]> kind, String prefix) {
    this.link = link;
    this.kind = kind;
    this.prefix = prefix;
  }

  /** How many members failed, or named nothing, since the start. */
  long failures() {
    return failures.count();
  }

  List<SessionKey> sessions(RedisDeadlines.Found found) {
    List<SessionKey> sessions = new ArrayList<>(found.members().size());
    for (String member : found.members()) {
      SessionKey key = session(found.partition(), member);
      if (key != null) {
        sessions.add(key);
      }
    }
    return sessions;
  }

  private @Nullable SessionKey session(int partition, String member) {
    if (!member.startsWith(prefix)) {
      boolean foreign = member.length() > 1 && member.charAt(1) == ':';
      putAside(partition, member, foreign ? FOREIGN : null);
      return null;
    }
    try {
      SessionKey key = SessionKey.ofPath(member.substring(prefix.length()));
      if (key.partition() == partition) {
        return key;
      }
    } catch (IllegalArgumentException _) {
      // Told below.
    }
    putAside(partition, member, null);
    return null;
  }

  private void putAside(int partition, String member, @Nullable Duration later) {
    if (failures.happened()) {
      LOG.warn(
          "A due time of partition {} names no session and is {}; {} due times failed since the"
              + " start",
          partition,
          later == null ? "taken out" : "put off",
          failures.count());
    }
    move(RedisKeys.of(partition), member, later);
  }

  /** What was to be done for it failed, though Redis answers. */
  void failed(SessionKey key, Throwable error) {
    Integer known = tries.getIfPresent(key);
    int before = known == null ? 0 : known;
    tries.put(key, before + 1);
    Duration longer = FIRST.multipliedBy(1L << Math.min(before, 10));
    Duration later = longer.compareTo(LONGEST) < 0 ? longer : LONGEST;
    if (failures.happened()) {
      LOG.warn(
          "{}: what is due could not be done and is put off for {} s; {} due times failed since the"
              + " start: {}",
          key,
          later.toSeconds(),
          failures.count(),
          error.toString());
    }
    move(RedisKeys.of(key), prefix + key.path(), later);
  }

  void putOff(SessionKey key, Duration later) {
    move(RedisKeys.of(key), prefix + key.path(), later);
  }

  void done(SessionKey key) {
    tries.invalidate(key);
  }

  private void move(RedisKeys keys, String member, @Nullable Duration later) {
    byte[][] due = {kind.apply(keys)};
    ScriptArgs args = new ScriptArgs().bytes(member.getBytes(StandardCharsets.ISO_8859_1));
    args.text(later == null ? null : Long.toString(later.toMillis()));
    // What is not moved now is met again.
    link.write(RedisScript.PUT_OFF, due, args.toArray()).onErrorComplete().subscribe();
  }
}
