package io.heddle.faults;

import io.lettuce.core.KeyScanCursor;
import io.lettuce.core.KillArgs;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.ScanArgs;
import io.lettuce.core.ScanCursor;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.sync.RedisCommands;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Looks into Redis past Heddle: what it has left there. */
final class RedisView implements AutoCloseable {
  private static final String SESSIONS = "heddle:{*}:s:*";

  private final RedisClient client;
  private final RedisCommands<String, String> commands;

  RedisView(String uri) {
    client = RedisClient.create(RedisURI.create(uri));
    StatefulRedisConnection<String, String> connection = client.connect();
    connection.setTimeout(Duration.ofSeconds(20));
    commands = connection.sync();
  }

  RedisCommands<String, String> commands() {
    return commands;
  }

  List<String> keys(String pattern) {
    List<String> keys = new ArrayList<>();
    ScanArgs args = ScanArgs.Builder.matches(pattern).limit(1_000);
    KeyScanCursor<String> page = commands.scan(ScanCursor.INITIAL, args);
    keys.addAll(page.getKeys());
    while (!page.isFinished()) {
      page = commands.scan(page, args);
      keys.addAll(page.getKeys());
    }
    return keys.stream().distinct().toList();
  }

  /** How many scripts Redis was told to run by their sha, since its start. */
  long scriptsRun() {
    return commands
        .info("commandstats")
        .lines()
        .filter(line -> line.startsWith("cmdstat_evalsha:calls="))
        .mapToLong(line -> Long.parseLong(line.split("[=,]", 3)[1]))
        .findFirst()
        .orElse(0);
  }

  /** Ends all connections that have subscribed; how many. */
  long killSubscribers() {
    return commands.clientKill(KillArgs.Builder.typePubsub());
  }

  /** Ends all other connections but this one; how many. */
  long killOthers() {
    return commands.clientKill(KillArgs.Builder.typeNormal().skipme());
  }

  /** Channels of single sessions that somebody has subscribed to. */
  long liveChannels() {
    return commands.pubsubChannels("heddle:*:live:*").size();
  }

  /** Of all connections together. */
  long subscriptions() {
    return commands
        .clientList()
        .lines()
        .mapToLong(line -> Long.parseLong(line.replaceFirst(".* sub=(\\d+) .*", "$1")))
        .sum();
  }

  /** Redisson's locks. */
  List<String> locks() {
    return keys("heddle:{*}:lock:*");
  }

  /** Sessions that somebody holds: the ninth word of what is kept of a session names the holder. */
  List<String> held() {
    return keys(SESSIONS).stream()
        .filter(key -> commands.hexists(key, "o") || state(key)[8].contains("/"))
        .toList();
  }

  /** Of all sessions together. */
  long versions() {
    return keys(SESSIONS).stream().mapToLong(key -> Long.parseLong(state(key)[1])).sum();
  }

  private String[] state(String session) {
    return commands.hget(session, "p").split(" ", -1);
  }

  /** Idempotency keys marked as in progress. */
  List<String> inProgress() {
    return keys("heddle:{*}:o:*").stream()
        .filter(key -> {
          String record = commands.get(key);
          return record != null && record.startsWith("P ");
        })
        .toList();
  }

  @Override
  public void close() {
    client.shutdown(Duration.ZERO, Duration.ofSeconds(2));
  }
}
