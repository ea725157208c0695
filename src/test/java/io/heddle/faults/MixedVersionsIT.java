package io.heddle.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.testing.HttpConnection;
import io.heddle.testing.HttpConnection.Answer;
import io.heddle.testing.RedisProcess;
import io.heddle.testing.ReplicaProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/**
 * A replica of this version and one of another on one Redis, as during a rolling update: what
 * either writes the other reads, repeats, deletes and continues, and each ends the turns that the
 * other died over.
 *
 * <p>{@code -Dheddle.it.other-jar} names the other version's jar; without it the other is of this
 * version too. {@code -Dheddle.it.mixed-seconds} gives another length.
 */
class MixedVersionsIT {
  private static final String JAR = System.getProperty("heddle.it.other-jar", "");
  private static final int SECONDS = Integer.getInteger("heddle.it.mixed-seconds", 4);
  private static final int CLIENTS = 8;

  /** Promised of what is read without a position, and some for a busy machine. */
  private static final Duration FRESH = Duration.ofSeconds(4);

  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final String LONG = "'tokens':2000,'pace':'30ms'";
  private static final String SHORT = "'pace':'2ms'";
  private static final int PAGE = 200;

  @TempDir Path directory;

  private final LongAdder appends = new LongAdder();
  private final LongAdder repeats = new LongAdder();
  private final LongAdder reads = new LongAdder();
  private final LongAdder deletes = new LongAdder();
  private final LongAdder patches = new LongAdder();
  private final LongAdder turns = new LongAdder();
  private final LongAdder lost = new LongAdder();
  private final LongAdder twice = new LongAdder();
  private final LongAdder stale = new LongAdder();

  @Test
  void eachGoesOnWithWhatTheOtherDid() throws Exception {
    Path jar = JAR.isEmpty() ? null : Path.of(JAR);
    if (jar != null) {
      assertThat(Files.isRegularFile(jar)).as("heddle.it.other-jar, %s", jar).isTrue();
    }
    try (RedisProcess redis = RedisProcess.start();
        ReplicaProcess ours = replica(redis, "this", null);
        ReplicaProcess other = replica(redis, "other", jar)) {
      ours.awaitReady();
      other.awaitReady();
      load(other.port(), ours.port());
      List<Long> died = new ArrayList<>();
      died.add(takenOver(other, ours, "by-this"));
      if (jar != null) {
        try (ReplicaProcess again = replica(redis, "again", jar).awaitReady()) {
          died.add(takenOver(ours, again, "by-other"));
        }
      }
      System.out.printf(
          "MixedVersionsIT: %s and this one, %d clients for %d s: appends=%d repeated=%d reads=%d"
              + " deletes=%d patches=%d turns=%d; lost=%d double=%d stale=%d; turns whose replica"
              + " died, the other's here and this one's there, ended after %s ms%n",
          jar == null ? "this version" : jar.getFileName(),
          CLIENTS,
          SECONDS,
          appends.sum(),
          repeats.sum(),
          reads.sum(),
          deletes.sum(),
          patches.sum(),
          turns.sum(),
          lost.sum(),
          twice.sum(),
          stale.sum(),
          died);
      assertThat(lost.sum() + twice.sum() + stale.sum()).as("lost, double, stale").isZero();
      assertThat(List.of(repeats.sum(), deletes.sum(), patches.sum(), turns.sum()))
          .allMatch(count -> count > 0);
    }
  }

  /**
   * An embedded file that the other version wrote and was killed over opens here, and what is in it
   * is answered to the byte; and writes go on.
   */
  @Test
  void theOthersEmbeddedFileOpens() throws Exception {
    Path jar = JAR.isEmpty() ? null : Path.of(JAR);
    Path file = directory.resolve("heddle.mv");
    String session = "/v1/sessions/file";
    List<String> paths =
        List.of(
            session,
            session + "/messages?limit=100",
            session + "/state",
            session + "/checkpoints",
            session + "/turns",
            "/v1/sessions?user=u",
            "/v1/cache/k");
    List<String> before = new ArrayList<>();
    try (ReplicaProcess other = embedded(file, jar);
        HttpConnection http = other.connect(PATIENCE)) {
      ok(
          201,
          http.post("/v1/sessions", "{\"id\":\"file\",\"user\":\"u\",\"metadata\":{\"n\":1.50}}"));
      for (int i = 0; i < 30; i++) {
        String text = "{\"role\":\"user\",\"content\":\"m" + i + " ä\"}";
        ok(201, http.post(session + "/messages", text));
      }
      for (int i = 0; i < 3; i++) {
        ok(200, http.call("PUT", session + "/state", "{\"i\":" + i + "}", Map.of()));
      }
      ok(200, http.post(session + "/turns", TurnCalls.echo("say", SHORT)));
      ok(201, http.call("PUT", "/v1/cache/k", "{\"kept\":true}", Map.of()));
      for (String path : paths) {
        before.add(whole(http.get(path)));
      }
      other.kill();
    }
    try (ReplicaProcess ours = embedded(file, null);
        HttpConnection http = ours.connect(PATIENCE)) {
      for (int i = 0; i < paths.size(); i++) {
        assertThat(whole(http.get(paths.get(i)))).as(paths.get(i)).isEqualTo(before.get(i));
      }
      ok(201, http.post(session + "/messages", "{\"role\":\"user\",\"content\":\"more\"}"));
      ok(200, http.call("PUT", session + "/state", "{\"i\":3}", Map.of()));
    }
    System.out.printf(
        "MixedVersionsIT: an embedded file of %s: %d answers are the same here%n",
        jar == null ? "this version" : jar.getFileName(), before.size());
  }

  private static String whole(HttpConnection.Answer answer) {
    assertThat(answer.ok()).as(answer.body()).isTrue();
    return answer.status() + " " + answer.headers().get("etag") + " " + answer.body();
  }

  private static ReplicaProcess embedded(Path file, @Nullable Path jar) {
    return ReplicaProcess.named("file")
        .jar(jar)
        .set("heddle.engine", "embedded")
        .set("heddle.embedded.path", file)
        .start();
  }

  private static ReplicaProcess replica(RedisProcess redis, String name, @Nullable Path jar) {
    return ReplicaProcess.on(redis.uri(), name)
        .jar(jar)
        .set("heddle.turns.lease", "2s")
        .set("heddle.turns.renew-every", "500ms")
        .launch();
  }

  private void load(int first, int second) throws Exception {
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      long end = System.nanoTime() + Duration.ofSeconds(SECONDS).toNanos();
      List<Future<?>> clients = new ArrayList<>();
      for (int i = 0; i < CLIENTS; i++) {
        int[] ports = i % 2 == 0 ? new int[] {first, second} : new int[] {second, first};
        String session = "mixed-" + i;
        clients.add(
            threads.submit(() -> {
              try (HttpConnection one = new HttpConnection(ports[0], PATIENCE);
                  HttpConnection two = new HttpConnection(ports[1], PATIENCE)) {
                new Client(session, one, two).run(end);
                return null;
              }
            }));
      }
      for (Future<?> client : clients) {
        client.get(SECONDS + 60, TimeUnit.SECONDS);
      }
    }
  }

  /** The only one that writes to its session, so it knows what must be there. */
  private final class Client {
    private final String session;
    private final HttpConnection[] at;
    private final List<String> expected = new ArrayList<>();

    Client(String session, HttpConnection one, HttpConnection two) {
      this.session = session;
      this.at = new HttpConnection[] {one, two};
    }

    void run(long end) throws IOException {
      ok(201, at[0].post("/v1/sessions", "{\"id\":\"" + session + "\"}"));
      for (int n = 1; System.nanoTime() < end || n <= 30; n++) {
        HttpConnection here = at[n % 2];
        HttpConnection there = at[1 - n % 2];
        String text = session + "/" + n;
        String id = n % 2 == 0 || n % 5 == 0 ? "m" + n : null;
        String position = append(here, there, n, text, id);
        newest(there, position, text);
        if (id != null && n % 4 == 0) {
          ok(204, there.call("DELETE", path() + "/messages/" + id, null, Map.of()));
          deletes.increment();
          expected.removeLast();
        }
        if (n % 15 == 0) {
          patch(here, there, text);
        }
        if (n % 10 == 0) {
          turn(there, text);
        }
        if (n == 29) {
          unasked(here, there);
        }
      }
      List<List<String>> threads = List.of(thread(at[0]), thread(at[1]));
      for (List<String> thread : threads) {
        List<String> more = new ArrayList<>(thread);
        for (String text : expected) {
          if (!more.remove(text)) {
            lost.increment();
          }
        }
        twice.add(more.size());
        if (lost.sum() + twice.sum() == 0) {
          assertThat(thread).as("in their order").isEqualTo(expected);
        }
      }
    }

    private String append(
        HttpConnection here, HttpConnection there, int n, String text, @Nullable String id)
        throws IOException {
      String member = id == null ? "" : "\"id\":\"" + id + "\",";
      String body = "{" + member + "\"role\":\"user\",\"content\":\"" + text + "\"}";
      Map<String, String> key = Map.of("Idempotency-Key", text);
      Answer answer = ok(201, here.call("POST", path() + "/messages", body, key));
      appends.increment();
      expected.add(text);
      if (n % 3 == 0) {
        Answer again = there.call("POST", path() + "/messages", body, key);
        repeats.increment();
        if (!idOf(again).equals(idOf(answer))) {
          twice.increment();
        }
      }
      return answer.json().path("position").asString();
    }

    private static String idOf(Answer answer) {
      return answer.json().path("data").path(0).path("id").asString("none in " + answer.body());
    }

    /** What somebody sees who has a position of the other replica. */
    private void newest(HttpConnection there, String position, String text) throws IOException {
      JsonNode seen = read(there, "?messages=1", Map.of("Heddle-Min-Position", position));
      reads.increment();
      if (!text.equals(newest(seen))) {
        stale.increment();
      }
    }

    private static String newest(JsonNode session) {
      JsonNode messages = session.path("messages");
      return messages.path(messages.size() - 1).path("content").asString("");
    }

    private JsonNode read(HttpConnection from, String query, Map<String, String> headers)
        throws IOException {
      return ok(200, from.call("GET", path() + query, null, headers)).json();
    }

    private void patch(HttpConnection here, HttpConnection there, String title) throws IOException {
      Answer answer =
          ok(200, here.call("PATCH", path(), "{\"title\":\"" + title + "\"}", Map.of()));
      patches.increment();
      String position = answer.json().path("position").asString();
      JsonNode seen = read(there, "", Map.of("Heddle-Min-Position", position));
      if (!seen.path("title").asString("").equals(title)) {
        stale.increment();
      }
    }

    private void turn(HttpConnection there, String text) throws IOException {
      String asked = "asked " + text;
      Answer answer = ok(200, there.post(path() + "/turns", TurnCalls.echo(asked, SHORT)));
      assertThat(answer.json().path("status").asString()).isEqualTo("completed");
      assertThat(TurnFollower.answer(answer.json())).isEqualTo(asked);
      turns.increment();
      expected.addAll(List.of(asked, asked));
    }

    /** Read before, and so kept there; the change must reach it all the same. */
    private void unasked(HttpConnection here, HttpConnection there) throws IOException {
      read(there, "?messages=1", Map.of());
      append(here, there, 1, session + "/unasked", null);
      long until = System.nanoTime() + FRESH.toNanos();
      while (!newest(read(there, "?messages=1", Map.of())).equals(session + "/unasked")) {
        if (System.nanoTime() > until) {
          stale.increment();
          return;
        }
      }
    }

    private List<String> thread(HttpConnection from) throws IOException {
      List<String> thread = new ArrayList<>();
      String after = "";
      while (true) {
        Answer answer = ok(200, from.get(path() + "/messages?order=asc&limit=" + PAGE + after));
        String last = "";
        for (JsonNode message : answer.json().path("data")) {
          thread.add(message.path("content").asString(""));
          last = message.path("id").asString();
        }
        if (!answer.json().path("hasMore").asBoolean()) {
          return thread;
        }
        after = "&after=" + last;
      }
    }

    private String path() {
      return TurnCalls.path(session);
    }
  }

  /**
   * The owner dies while one of its turns speaks and another one waits behind it; how long after
   * that the first one has ended.
   */
  private static long takenOver(ReplicaProcess owner, ReplicaProcess survivor, String session)
      throws Exception {
    try (TurnCalls there = new TurnCalls(owner.port());
        TurnCalls here = new TurnCalls(survivor.port())) {
      there.create(session);
      String turn = there.begin(session, TurnCalls.echo("one two three", LONG));
      String waits = there.begin(session, TurnCalls.echo("and now", SHORT));
      try (TurnFollower follower = TurnFollower.of(survivor.port(), session, turn)) {
        Pair.await("it to speak").until(() -> follower.seq() > 3);
        owner.kill();
        long killed = System.nanoTime();
        JsonNode end = follower.end(PATIENCE);
        assertThat(end.path("type").asString()).isEqualTo("turn.incomplete");
        assertThat(TurnFollower.answer(end)).isNotEmpty().isEqualTo(follower.text());
        Pair.await("the turn that waited")
            .until(() -> here.turn(session, waits).path("status").asString().equals("completed"));
        assertThat(here.texts(session))
            .containsExactly(
                "user:one two three",
                "assistant:" + follower.text(),
                "user:and now",
                "assistant:and now");
        return (follower.endedAt() - killed) / 1_000_000;
      }
    }
  }

  private static Answer ok(int status, Answer answer) {
    TurnCalls.ok(status, answer);
    return answer;
  }
}
