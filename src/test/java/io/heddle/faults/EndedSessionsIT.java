package io.heddle.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Position;
import io.heddle.faults.History.Watched;
import io.heddle.faults.Watcher.Wire;
import io.heddle.testing.HttpConnection;
import io.heddle.testing.HttpConnection.Answer;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A13: a session ends and another user takes its name. What replicas remembered of it was served to
 * its old user for as long as nothing took it out, or to the new one.
 *
 * <p>{@code -Dheddle.it.rounds}
 */
class EndedSessionsIT {
  private static final int ROUNDS = Integer.getInteger("heddle.it.rounds", 3);
  private static final Duration TTL = Duration.ofSeconds(2);

  private enum Ending {
    EXPIRY("session.expired"),
    DELETION("session.deleted");

    private final String type;

    Ending(String type) {
      this.type = type;
    }
  }

  /**
   * An answer to a reader.
   *
   * @param text the whole body
   */
  private record Shown(String user, String replica, long askedAt, int status, String text) {}

  private final ConcurrentLinkedQueue<Shown> shown = new ConcurrentLinkedQueue<>();

  @ParameterizedTest
  @EnumSource
  void a13NothingOfAnEndedSessionIsServed(Ending ending) throws Exception {
    try (Pair pair = Pair.start(Pair.PATIENT)) {
      long slowest = 0;
      long told = 0;
      int wrong = 0;
      int reads = 0;
      for (int round = 0; round < ROUNDS; round++) {
        Round one = new Round(pair, ending, "a13-" + ending + "-" + round);
        one.run();
        slowest = Math.max(slowest, one.servedFor);
        told = Math.max(told, one.toldAfter);
        wrong += one.wrong;
        reads += shown.size();
        shown.clear();
      }
      System.out.printf(
          "A13 %s: lost=0 repeated=0 reordered=0 stale=%d; rounds=%d reads=%d; the last answer with"
              + " the old one was asked for %d ms after its end, watchers told after %d ms at"
              + " most%n",
          ending, wrong, ROUNDS, reads, slowest, told);
      assertThat(wrong).as("answers that showed the old session").isZero();
    }
  }

  private final class Round {
    private final Pair pair;
    private final Ending ending;
    private final String session;
    private final History anns = new History();
    private final History bobs = new History();
    private long servedFor;
    private long toldAfter;
    private int wrong;

    Round(Pair pair, Ending ending, String session) {
      this.pair = pair;
      this.ending = ending;
      this.session = session;
    }

    void run() throws Exception {
      List<Watcher> watchers = new ArrayList<>();
      CountDownLatch stop = new CountDownLatch(1);
      List<Thread> readers = new ArrayList<>();
      try {
        Answer created = create("ann");
        long ends =
            System.nanoTime()
                + Duration.between(
                        Instant.now(), Instant.parse(created.json().path("expiresAt").asString()))
                    .toNanos();
        for (Here replica : pair.both()) {
          Pair.await("ann's to be remembered")
              .until(() ->
                  "hit".equals(get(replica, "ann").headers().getOrDefault("heddle-cache", "")));
          for (Wire wire : Wire.values()) {
            watchers.add(
                Watcher.startAs("ann", wire, "ann's " + wire, anns, replica.port(), session));
          }
          for (String user : List.of("ann", "bob")) {
            readers.add(Thread.ofVirtual().start(() -> read(replica, user, stop)));
          }
        }
        Pair.await("ann's watchers to watch")
            .until(() -> watchers.stream().allMatch(Watcher::isWatching));
        if (ending == Ending.DELETION) {
          try (HttpConnection connection = pair.a().connect()) {
            Answer deleted = connection.call("DELETE", path(), null, as("ann"));
            assertThat(deleted.status()).isEqualTo(204);
          }
          ends = System.nanoTime();
        }
        long ended = ends;
        Pair.await("ann's watchers to be told")
            .until(() -> anns.watched().stream().allMatch(one -> one.count(ending.type) == 1));
        toldAfter = (System.nanoTime() - ended) / 1_000_000;
        for (Here replica : pair.both()) {
          assertThat(get(replica, "ann").status()).isEqualTo(410);
          assertThat(get(replica, "bob").status()).isEqualTo(404);
        }
        Answer bobsOwn = create("bob");
        long taken = System.nanoTime();
        Position position = Position.parse(bobsOwn.json().path("position").asString());
        assertThat(position).isNotNull();
        for (Here replica : pair.both()) {
          Pair.await("bob's to be remembered")
              .until(() ->
                  "hit".equals(get(replica, "bob").headers().getOrDefault("heddle-cache", "")));
          assertThat(get(replica, "bob").body()).contains("of bob").doesNotContain("of ann");
          assertThat(get(replica, "ann").status()).isEqualTo(404);
          watchers.add(
              Watcher.startAs("bob", Wire.WEB_SOCKET, "bob's", bobs, replica.port(), session));
        }
        Pair.await("bob's watchers to watch")
            .until(() -> watchers.stream().allMatch(Watcher::isWatching));
        Pair.pass(Duration.ofMillis(200));
        stop.countDown();
        for (Thread reader : readers) {
          reader.join();
        }
        judge(ended, taken);
      } finally {
        stop.countDown();
        watchers.forEach(Watcher::close);
      }
    }

    private void judge(long ended, long taken) {
      for (Shown each : shown) {
        boolean old = each.text().contains("of ann");
        if (old) {
          servedFor = Math.max(servedFor, (each.askedAt() - ended) / 1_000_000);
        }
        // Never to another user; not to its own when it has ended: an expiry is known beforehand,
        // a deletion is told. And what is not there any more is not half there.
        boolean late =
            each.askedAt() - ended > (ending == Ending.EXPIRY ? 20_000_000L : 500_000_000L);
        boolean odd =
            each.user().equals("bob")
                ? old || each.status() == 410
                : each.text().contains("of bob") || (old && late);
        if (odd) {
          wrong++;
          System.out.println("A13: " + each + " ended " + ended + " taken " + taken);
        }
      }
      for (Watched one : anns.watched()) {
        assertThat(one.count("snapshot")).as("nothing of bob's").isEqualTo(1);
        assertThat(one.frames().getLast().type()).isEqualTo(ending.type);
      }
      for (Watched one : bobs.watched()) {
        assertThat(one.count("snapshot")).isEqualTo(1);
        assertThat(one.count(ending.type)).as("the old one's end is not told again").isZero();
      }
    }

    private void read(Here replica, String user, CountDownLatch stop) {
      try (HttpConnection connection = replica.connect()) {
        while (stop.getCount() > 0) {
          long askedAt = System.nanoTime();
          Answer answer = connection.call("GET", path() + "/messages", null, as(user));
          shown.add(new Shown(user, replica.name(), askedAt, answer.status(), answer.body()));
          LockSupport.parkNanos(Duration.ofMillis(5).toNanos());
        }
      } catch (IOException e) {
        shown.add(new Shown(user, replica.name(), System.nanoTime(), 0, "of ann? " + e));
      }
    }

    private Answer create(String user) throws IOException {
      String life =
          user.equals("ann") && ending == Ending.EXPIRY ? ",\"ttlSeconds\":" + TTL.toSeconds() : "";
      String body =
          "{\"id\":\"%s\",\"messages\":[{\"role\":\"user\",\"content\":\"of %s\"}]%s}"
              .formatted(session, user, life);
      try (HttpConnection connection = pair.a().connect()) {
        Answer answer = connection.call("POST", "/v1/sessions", body, as(user));
        assertThat(answer.status()).as(answer.body()).isEqualTo(201);
        return answer;
      }
    }

    private Answer get(Here replica, String user) throws IOException {
      try (HttpConnection connection = replica.connect()) {
        return connection.call("GET", path() + "/messages", null, as(user));
      }
    }

    private String path() {
      return "/v1/sessions/" + session;
    }
  }

  private static Map<String, String> as(String user) {
    return Map.of("Heddle-User", user);
  }
}
