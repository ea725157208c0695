package io.heddle.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.testing.TcpProxy.Request;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/**
 * What a streamed turn asks of Redis, counted on the wire by proxies: 200 tokens at 40 a second,
 * followed by its caller and one more, who is at the same replica or at another one. All that is
 * not asked anyway, by a replica that does nothing, counts as the turn's.
 */
class RequestsPerTurnIT {
  private static final int TOKENS = 200;
  private static final int MOST_A_SECOND = 25;
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  @Test
  void allTokensOfATurnAreAtMost25RequestsASecond() throws Exception {
    try (Pair replicas = Pair.start(Pair.PATIENT)) {
      // The first of each kind also brings the script to Redis.
      turn("warm-here", 20, replicas, replicas.a());
      turn("warm-there", 20, replicas, replicas.b());
      List<Counted> all = new ArrayList<>();
      for (Here where : replicas.both()) {
        all.add(turn("counted-" + where.name(), TOKENS, replicas, where));
      }
      System.out.printf(
          "RequestsPerTurnIT: %d tokens at 40 a second; followed at its replica: %s; at another:"
              + " %s%n",
          TOKENS, all.get(0), all.get(1));
      for (Counted each : all) {
        assertThat(each.seconds()).as("seconds").isBetween(4.9, 10.0);
        assertThat(each.aSecond()).as("%s", each).isLessThanOrEqualTo(MOST_A_SECOND);
        assertThat(each.kinds()).containsKey("script turn-flush");
        assertThat(each.kinds().keySet())
            .as("of a turn")
            .isSubsetOf(
                "script create",
                "script load",
                "script message",
                "script turn-begin",
                "script turn-flush",
                "script turn-end",
                "script turn-read",
                "script turn-list",
                "live channel SUBSCRIBE",
                "live channel UNSUBSCRIBE",
                "index ZADD");
      }
    }
  }

  /**
   * @param seconds from the order to the end
   */
  private record Counted(Map<String, Long> kinds, double seconds, long beside) {
    long requests() {
      return kinds.values().stream().mapToLong(Long::longValue).sum();
    }

    double aSecond() {
      return requests() / seconds;
    }

    @Override
    public String toString() {
      return "%d requests in %.1f s, %.1f a second %s; two replicas by themselves %.0f a second"
          .formatted(requests(), seconds, aSecond(), kinds, beside / seconds);
    }
  }

  private static Counted turn(String session, int tokens, Pair replicas, Here where)
      throws Exception {
    try (TurnCalls calls = new TurnCalls(replicas.a().port())) {
      calls.create(session);
    }
    Pair.pass(Duration.ofMillis(300));
    replicas.both().forEach(replica -> replica.proxy().forgetRequests());
    long start = System.nanoTime();
    String order = TurnCalls.echo("some words here ", "'pace':'25ms','tokens':" + tokens);
    try (TurnFollower caller = TurnFollower.order(replicas.a().port(), session, order);
        TurnFollower other = TurnFollower.of(where.port(), session, caller.turn())) {
      JsonNode end = caller.end(PATIENCE);
      other.end(PATIENCE);
      double seconds = (System.nanoTime() - start) / 1e9;
      List<Request> requests = new ArrayList<>();
      replicas.both().forEach(replica -> requests.addAll(replica.proxy().requests()));
      assertThat(end.path("type").asString()).isEqualTo("turn.completed");
      assertThat(other.text()).isEqualTo(caller.text()).isEqualTo(TurnFollower.answer(end));
      Map<String, Long> kinds = new TreeMap<>(RequestKinds.count(requests));
      long beside = 0;
      for (String kind : RequestKinds.BESIDE) {
        Long some = kinds.remove(kind);
        beside += some == null ? 0 : some;
      }
      return new Counted(kinds, seconds, beside);
    }
  }
}
