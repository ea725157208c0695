package io.heddle.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.testing.HttpConnection;
import io.heddle.testing.HttpConnection.Answer;
import io.heddle.testing.RedisCluster;
import io.heddle.testing.ReplicaProcess;
import io.lettuce.core.cluster.SlotHash;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import tools.jackson.databind.JsonNode;

/**
 * Turns and threads on a Cluster whose slots move to and fro all the time, a few keys at a time.
 * Each client is the only writer of its session, so it knows the session's version: one more for
 * each write that was acknowledged, none for one that was refused, and every read must say so.
 *
 * <p>{@code -Dheddle.it.resharding} seconds of load.
 */
class ReshardingIT {

  private static final Duration LOAD =
      Duration.ofSeconds(Integer.getInteger("heddle.it.resharding", 12));
  private static final int CLIENTS = 8;

  /**
   * The wait for a lock and twice the store's timeout, which is long here for machines that are
   * busy.
   */
  private static final Duration IN_TIME = Duration.ofSeconds(23);

  private final AtomicBoolean over = new AtomicBoolean();
  private final Map<String, LongAdder> done = new TreeMap<>();
  private final Map<String, LongAdder> refused = new TreeMap<>();
  private final LongAdder reads = new LongAdder();
  private final LongAdder unknown = new LongAdder();
  private final LongAdder moves = new LongAdder();
  private final AtomicLong slowest = new AtomicLong();
  private volatile String slowestCall = "";
  private final ConcurrentLinkedQueue<String> wrong = new ConcurrentLinkedQueue<>();

  @Test
  void slotsMoveUnderLoad() throws Exception {
    for (String kind :
        List.of(
            "append",
            "patch",
            "put state",
            "patch state",
            "delete message",
            "turn",
            "lock",
            "unlock")) {
      done.put(kind, new LongAdder());
      refused.put(kind, new LongAdder());
    }
    try (RedisCluster cluster = RedisCluster.start();
        ReplicaProcess one = replica(cluster, "one").launch();
        ReplicaProcess two = replica(cluster, "two").launch();
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      one.awaitReady();
      two.awaitReady();
      List<Client> clients = new ArrayList<>();
      for (int i = 0; i < CLIENTS; i++) {
        clients.add(new Client(i, i % 2 == 0 ? one : two));
        clients.getLast().create();
      }
      long quiet = cluster.commands();
      Mono.delay(Duration.ofSeconds(1)).block();
      quiet = cluster.commands() - quiet;
      long commands = cluster.commands();
      long began = System.nanoTime();
      Future<?> mover = threads.submit(() -> move(cluster));
      List<Future<?>> running = new ArrayList<>();
      clients.forEach(client -> running.add(threads.submit(client::run)));
      Mono.delay(LOAD).block();
      over.set(true);
      for (Future<?> each : running) {
        each.get(1, TimeUnit.MINUTES);
      }
      mover.get(1, TimeUnit.MINUTES);
      double seconds = (System.nanoTime() - began) / 1e9;
      long rate = (long) ((cluster.commands() - commands) / seconds) - quiet;
      for (Client client : clients) {
        client.compare();
      }
      long writes = done.values().stream().mapToLong(LongAdder::sum).sum();
      long no = refused.values().stream().mapToLong(LongAdder::sum).sum();
      System.out.printf(
          "ReshardingIT: moves=%d of slots in %.1f s, done=%s refused=%s unknown=%d reads=%d"
              + " slowest=%d ms (%s) commands/s=%d and %d besides; wrong=%s%n",
          moves.sum(),
          seconds,
          done,
          refused,
          unknown.sum(),
          reads.sum(),
          slowest.get(),
          slowestCall,
          rate,
          quiet,
          wrong);
      assertThat(wrong).isEmpty();
      assertThat(Duration.ofMillis(slowest.get())).isLessThan(IN_TIME);
      assertThat(moves.sum()).as("moves").isPositive();
      assertThat(writes).as("writes that were done").isPositive();
      // A write that is refused has asked eleven times; an update also for its lock.
      assertThat(rate)
          .as("commands a second")
          .isLessThan((long) ((writes + no + reads.sum()) * 40 / seconds) + 2_000);
    }
  }

  private static ReplicaProcess.Builder replica(RedisCluster cluster, String name) {
    return ReplicaProcess.named("resharding-" + name)
        .set("spring.data.redis.cluster.nodes", cluster.hostsAndPorts())
        .set("heddle.redis.timeout", "10s")
        .set("heddle.limits.enabled", false);
  }

  /** One slot after the other, each to the next node and, the next time, back. */
  private Void move(RedisCluster cluster) {
    TreeSet<Integer> slots = new TreeSet<>();
    for (int node = 0; node < 3; node++) {
      for (byte[] key : cluster.node(node).keys("heddle:{*}:s:*")) {
        slots.add(SlotHash.getSlot(key));
      }
    }
    boolean forth = true;
    while (!over.get()) {
      for (int slot : slots) {
        int from = cluster.owner(slot);
        int to = (from + (forth ? 1 : 2)) % 3;
        cluster.beginMove(slot, from, to);
        pause(50);
        while (cluster.moveKeys(slot, from, to, 2) > 0) {
          pause(60);
        }
        cluster.endMove(slot, from, to);
        moves.increment();
        if (over.get()) {
          break;
        }
      }
      forth = !forth;
    }
    return null;
  }

  private void took(String call, long sentAt) {
    long millis = (System.nanoTime() - sentAt) / 1_000_000;
    if (millis > slowest.getAndAccumulate(millis, Math::max)) {
      slowestCall = call;
    }
  }

  private static void pause(int millis) {
    Mono.delay(Duration.ofMillis(millis)).block();
  }

  /** One client and its session. */
  private final class Client {
    private final int number;
    private final HttpConnection connection;
    private final Random random;
    private final String session;
    private final List<String> texts = new ArrayList<>();
    private final Map<String, String> ids = new HashMap<>();
    private long version;
    private String position = "";
    private String title = "";
    private long state = -1;
    private @Nullable String token;
    private int next;

    Client(int number, ReplicaProcess replica) {
      this.number = number;
      this.connection = replica.connect(Duration.ofSeconds(60));
      this.random = new Random(number);
      this.session = "resharded-" + number;
    }

    void create() throws IOException {
      Answer made = connection.post("/v1/sessions", "{\"id\":\"" + session + "\"}");
      assertThat(made.status()).as(made.body()).isEqualTo(201);
      look("create");
    }

    Void run() throws IOException {
      while (!over.get()) {
        write();
        look("a write");
      }
      connection.close();
      return null;
    }

    private void write() throws IOException {
      int n = next++;
      String text = "client " + number + " message " + n;
      switch ((number + n) % 9) {
        case 0, 1, 2 -> {
          if (call("append", "POST", "/messages", message(text), 1, true)) {
            texts.add(text);
          }
        }
        case 3 -> {
          String was = title;
          title = "title " + n;
          if (!call("patch", "PATCH", "", "{\"title\":\"" + title + "\"}", 1, true)) {
            title = was;
          }
        }
        case 4 -> {
          if (call("put state", "PUT", "/state", "{\"n\":" + n + "}", 1, true)) {
            state = n;
          }
        }
        case 5 -> {
          if (call("patch state", "PATCH", "/state", "{\"n\":" + n + "}", 1, true)) {
            state = n;
          }
        }
        case 6 -> {
          // One of its own: a model's answer has no text to know it by.
          List<String> own = texts.stream().filter(other -> !other.equals("?")).toList();
          if (!own.isEmpty()) {
            String gone = own.get(random.nextInt(own.size()));
            if (call("delete message", "DELETE", "/messages/" + ids.get(gone), null, 1, true)) {
              texts.remove(gone);
            }
          }
        }
        case 7 -> {
          String order = "{\"content\":\"" + text + "\",\"model\":\"echo\"}";
          if (call("turn", "POST", "/turns", order, 2, random.nextBoolean())) {
            texts.add(text);
            texts.add("?");
          }
        }
        default -> {
          if (call("lock", "POST", "/lock", "{\"ttlSeconds\":5}", 0, false)) {
            if (call("unlock", "DELETE", "/lock", null, 0, false)) {
              token = null;
            }
            token = null;
          }
        }
      }
    }

    private String message(String text) {
      return "{\"role\":\"user\",\"content\":\"" + text + "\"}";
    }

    /** Whether it was done; a refused one with a key is sometimes sent again with it. */
    private boolean call(
        String kind, String method, String path, @Nullable String body, int versions, boolean key)
        throws IOException {
      Map<String, String> headers = new HashMap<>();
      if (token != null) {
        headers.put("Heddle-Lock", token);
      }
      boolean keyed = key && random.nextInt(3) == 0;
      if (keyed) {
        headers.put("Idempotency-Key", "key-" + number + "-" + next);
      }
      for (int tries = keyed ? 3 : 1; ; tries--) {
        long sentAt = System.nanoTime();
        Answer answer = connection.call(method, "/v1/sessions/" + session + path, body, headers);
        took(kind, sentAt);
        if (answer.ok()) {
          if (kind.equals("lock")) {
            token = answer.json().path("lock").asString();
          }
          if (kind.equals("turn") && !answer.body().contains("\"completed\"")) {
            wrong.add("a turn that did not complete: " + answer.body());
          }
          done(kind).increment();
          version += versions;
          if (answer.position().startsWith(version + "-")) {
            // Then no near cache may answer with less.
            position = answer.position();
          }
          return true;
        }
        if (answer.code().equals("outcome-unknown")) {
          unknown.increment();
          return settle(kind, versions);
        }
        refused(kind).increment();
        if (answer.status() != 503
            && answer.status() != 423
            && !answer.code().equals("session-locked")
            && !answer.code().equals("key-in-progress")) {
          wrong.add(kind + ": " + answer.status() + " " + answer.body());
        }
        if (tries == 1) {
          return false;
        }
      }
    }

    private boolean settle(String kind, int versions) throws IOException {
      pause(3_000);
      long now = at(get("", Map.of()));
      if (now != version && now != version + versions) {
        wrong.add(kind + " unknown: at " + now + ", was " + version);
      }
      boolean happened = versions > 0 && now == version + versions;
      version = now;
      return happened;
    }

    private LongAdder done(String kind) {
      return done.getOrDefault(kind, new LongAdder());
    }

    private LongAdder refused(String kind) {
      return refused.getOrDefault(kind, new LongAdder());
    }

    /** Session, thread and state are as this client has made them. */
    private void look(String when) throws IOException {
      Map<String, String> own =
          position.isEmpty() ? Map.of() : Map.of("Heddle-Min-Position", position);
      JsonNode found = get("", own);
      if (at(found) < version) {
        // A near cache may be two seconds late; past it, by this position, it may not.
        pause(2_100);
        found = get("", own);
      }
      if (at(found) != version && !when.equals("create")) {
        wrong.add("%s: at %d after %s, not %d".formatted(session, at(found), when, version));
      }
      version = at(found);
      position = found.path("position").asString("");
      own = Map.of("Heddle-Min-Position", position);
      if (!title.isEmpty() && !found.path("title").asString("").equals(title)) {
        wrong.add("%s: title %s, not %s".formatted(session, found.path("title"), title));
      }
      JsonNode page = get("/messages?order=asc&limit=1000", own);
      List<String> seen = new ArrayList<>();
      for (JsonNode message : page.path("data")) {
        boolean mine = message.path("role").asString("").equals("user");
        String text = mine ? message.path("content").asString("") : "?";
        seen.add(text);
        ids.put(text, message.path("id").asString(""));
      }
      if (!page.path("hasMore").asBoolean() && !seen.equals(texts)) {
        wrong.add("%s: thread %s, not %s".formatted(session, seen, texts));
        texts.clear();
        texts.addAll(seen);
      }
      JsonNode document = get("/state", own);
      if (state >= 0 && !document.toString().contains("\"n\":" + state)) {
        wrong.add("%s: state %s, not %d".formatted(session, document, state));
      }
    }

    void compare() throws IOException {
      look("the end");
      connection.close();
    }

    private JsonNode get(String path, Map<String, String> headers) throws IOException {
      long sentAt = System.nanoTime();
      Answer answer = connection.call("GET", "/v1/sessions/" + session + path, null, headers);
      took("GET " + path, sentAt);
      reads.increment();
      if (answer.status() != 200) {
        wrong.add("GET " + path + ": " + answer.status() + " " + answer.body());
      }
      return answer.json();
    }

    private static long at(JsonNode session) {
      return session.path("version").asLong(-1);
    }
  }
}
