package io.heddle.live;

import io.heddle.base.SessionKey;
import io.heddle.session.LiveMessage;
import io.heddle.session.LiveMessage.PresenceAsked;
import io.heddle.session.LiveMessage.PresenceTold;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Who watches one session, on all replicas, and who is typing. Each replica tells its own users
 * when they change and every {@link #TELL_EVERY} while it has some; what a replica has not repeated
 * for {@link #FORGET_AFTER} is forgotten, because a replica that died says no farewell.
 *
 * <p>Guarded by its hub's lock; times are of {@link System#nanoTime()}.
 */
final class Presence {

  static final Duration TELL_EVERY = Duration.ofSeconds(10);
  static final Duration FORGET_AFTER = Duration.ofSeconds(30);
  static final Duration SHOW_EVERY = Duration.ofSeconds(1);
  static final Duration TYPE_EVERY = Duration.ofSeconds(1);

  private final SessionKey key;
  private final String replica;

  /** This replica's, with the number of their watches. */
  private final SortedMap<String, Integer> own = new TreeMap<>();

  /** When one of these was last told to be typing. */
  private final Map<String, Long> typedAt = new HashMap<>(0);

  private final Map<String, Others> others = new HashMap<>(0);
  private int asksLeft = 2;
  private boolean ownChanged;
  private @Nullable Long toldAt;
  private @Nullable Long shownAt;
  private List<String> shown = List.of();

  private record Others(List<String> users, long at) {}

  Presence(SessionKey key, String replica) {
    this.key = key;
    this.replica = replica;
  }

  void joined(@Nullable String user) {
    if (user != null && own.merge(user, 1, Integer::sum) == 1) {
      ownChanged = true;
    }
  }

  void left(@Nullable String user) {
    if (user != null && own.computeIfPresent(user, (_, n) -> n == 1 ? null : n - 1) == null) {
      ownChanged = true;
      typedAt.remove(user);
    }
  }

  /** Whether everybody is told that one of this replica's users is typing, or was just told. */
  boolean mayType(String user, long now) {
    if (!isPast(typedAt.get(user), TYPE_EVERY, now)) {
      return false;
    }
    if (own.containsKey(user)) {
      typedAt.put(user, now);
    }
    return true;
  }

  // ---- between replicas

  /** Asks the others to tell theirs at once. */
  LiveMessage ask() {
    return new PresenceAsked(replica);
  }

  /**
   * Asks once more while nobody has answered, or null: the first question may be answered before
   * this replica's own listening stands, and the next telling is {@link #TELL_EVERY} away.
   */
  @Nullable LiveMessage askAgain() {
    return others.isEmpty() && asksLeft-- > 0 ? ask() : null;
  }

  /** A replica asks; what it must be told, or null. */
  @Nullable LiveMessage answer(PresenceAsked asked, long now) {
    return asked.replica().equals(replica) || own.isEmpty() ? null : tell(now);
  }

  /** A replica tells its users. */
  void heard(PresenceTold told, long now) {
    if (told.users().isEmpty()) {
      others.remove(told.replica());
    } else if (!told.replica().equals(replica)) {
      others.put(told.replica(), new Others(told.users(), now));
    }
  }

  /** What the other replicas must be told now, or null. */
  @Nullable LiveMessage due(long now) {
    boolean repeat = !own.isEmpty() && isPast(toldAt, TELL_EVERY, now);
    return repeat || (ownChanged && isPast(toldAt, SHOW_EVERY, now)) ? tell(now) : null;
  }

  /** What they must be told when nobody watches here any more, or null if they know. */
  @Nullable LiveMessage farewell() {
    own.clear();
    return toldAt == null ? null : tell(toldAt);
  }

  private LiveMessage tell(long now) {
    toldAt = now;
    ownChanged = false;
    return new PresenceTold(replica, List.copyOf(own.keySet()));
  }

  // ---- to the watchers

  /** The frame that the watchers must see now, because somebody came or left; or null. */
  @Nullable Frame changed(long now) {
    if (!isPast(shownAt, SHOW_EVERY, now)) {
      return null;
    }
    others.values().removeIf(other -> now - other.at() > FORGET_AFTER.toNanos());
    List<String> users = users();
    if (users.equals(shown)) {
      return null;
    }
    shown = users;
    shownAt = now;
    return Frame.presence(key, users);
  }

  /** What a newcomer is shown, or null when nobody is known to be here. */
  @Nullable Frame present() {
    return shown.isEmpty() ? null : Frame.presence(key, shown);
  }

  private List<String> users() {
    if (others.isEmpty()) {
      return List.copyOf(own.keySet());
    }
    TreeSet<String> all = new TreeSet<>(own.keySet());
    others.values().forEach(other -> all.addAll(other.users()));
    return List.copyOf(all);
  }

  private static boolean isPast(@Nullable Long since, Duration duration, long now) {
    return since == null || now - since >= duration.toNanos();
  }
}
