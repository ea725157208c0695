package io.heddle.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.testing.HttpConnection.Answer;
import io.heddle.testing.RedisProcess;
import io.heddle.testing.ReplicaProcess;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/**
 * The replica that runs turns is told to stop (SIGTERM), as by a deploy. What ends within its grace
 * is completed, the rest ends as it is, what waits runs elsewhere, and every client, at whatever
 * moment its stream ends, goes on at another replica without a hole.
 */
class OwnerDrainedIT {
  private static final Duration GRACE = Duration.ofSeconds(3);
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final int SHORT = 60;
  private static final String WORDS = "one two three ";

  /** What a client has seen in the end, and how often it had to come back for it. */
  private record Seen(String turn, String type, String text, String told, int returns) {}

  @Test
  void turnsEndWithinTheGraceOrAsTheyAreAndTheQueueRunsElsewhere() throws Exception {
    try (RedisProcess redis = RedisProcess.start();
        ReplicaProcess owner =
            ReplicaProcess.on(redis.uri(), "drained-owner")
                .set("heddle.turns.drain", GRACE)
                .set("heddle.live.drain", "2s")
                .launch();
        Here other = Here.start("other", redis.uri());
        TurnCalls here = new TurnCalls(other.port())) {
      owner.awaitReady();
      for (String session : List.of("short", "long")) {
        here.create(session);
      }
      String quick = TurnCalls.echo(WORDS, "'tokens':" + SHORT + ",'pace':'30ms'");
      String slow = TurnCalls.echo(WORDS, "'tokens':2000,'pace':'30ms'");
      // Waits, and is ordered as a stream, which was kept until the process cut it off.
      String late = TurnCalls.echo("late ", "'tokens':150,'pace':'30ms'");
      List<CompletableFuture<Seen>> clients = new ArrayList<>();
      try (TurnFollower longOne = TurnFollower.order(owner.port(), "long", slow);
          TurnFollower longElsewhere = TurnFollower.of(other.port(), "long", longOne.turn())) {
        List<String> waiting = new ArrayList<>();
        try (TurnCalls there = new TurnCalls(owner.port())) {
          for (TurnCalls taker : List.of(there, here, there)) {
            waiting.add(taker.begin("long", TurnCalls.echo("waits " + waiting.size(), "")));
          }
        }
        // Two that follow at the owner, and come back: one of what runs, one of what waits.
        clients.add(
            follow(() -> TurnFollower.of(owner.port(), "long", longOne.turn()), other, "long"));
        clients.add(
            follow(() -> TurnFollower.of(owner.port(), "long", waiting.getFirst()), other, "long"));
        clients.add(follow(() -> TurnFollower.order(owner.port(), "long", late), other, "long"));
        Pair.await("the long one to wait for by four")
            .until(() -> here.turns("long", "queued").size() == 4);
        CompletableFuture<Answer> plain = plain(owner.port(), "long", TurnCalls.echo("plain", ""));
        Pair.await("a plain order to wait for too")
            .until(() -> here.turns("long", "queued").size() == 5);
        Pair.await("the long one to speak").until(() -> longElsewhere.seq() > 3);
        try (TurnFollower shortOne = TurnFollower.order(owner.port(), "short", quick)) {
          String shortTurn = shortOne.turn();
          clients.add(
              follow(() -> TurnFollower.of(owner.port(), "short", shortTurn), other, "short"));
          Pair.await("the short one to speak").until(() -> shortOne.seq() > 3);

          long told = System.nanoTime();
          owner.terminate();
          JsonNode shortEnd = shortOne.end(PATIENCE);
          assertThat(shortEnd.path("type").asString()).isEqualTo("turn.completed");
          assertThat(shortOne.text()).isEqualTo(WORDS.repeat(SHORT / 3));

          JsonNode longEnd = longOne.end(PATIENCE);
          long longMillis = (longOne.endedAt() - told) / 1_000_000;
          assertThat(longEnd.path("type").asString()).isEqualTo("turn.incomplete");
          assertThat(longEnd.path("error").path("code").asString()).isEqualTo("restarting");
          assertThat(TurnFollower.answer(longEnd)).isEqualTo(longOne.text()).isNotEmpty();
          longElsewhere.end(PATIENCE);
          assertThat(longElsewhere.text()).isEqualTo(longOne.text());

          Answer accepted = plain.get(30, TimeUnit.SECONDS);
          assertThat(accepted.status()).as("%s", accepted).isEqualTo(202);
          String plainTurn = accepted.json().path("id").asString();
          assertThat(accepted.headers())
              .containsEntry("location", TurnCalls.path("long", plainTurn));
          assertThat(owner.waitFor(Duration.ofSeconds(20))).as("it ends by itself").isTrue();
          long gone = (System.nanoTime() - told) / 1_000_000;
          List<String> thread =
              new ArrayList<>(List.of("user:" + WORDS, "assistant:" + longOne.text()));
          for (int i = 0; i < waiting.size(); i++) {
            String turn = waiting.get(i);
            Pair.await("the queue to run elsewhere")
                .until(() -> here.turn("long", turn).path("status").asString().equals("completed"));
            thread.addAll(List.of("user:waits " + i, "assistant:waits " + i));
          }
          assertThat(here.texts("short"))
              .containsExactly("user:" + WORDS, "assistant:" + shortOne.text());

          int returns = 0;
          for (CompletableFuture<Seen> client : clients) {
            Seen seen = client.get(30, TimeUnit.SECONDS);
            assertThat(seen.text()).as("%s", seen).isEqualTo(seen.told());
            assertThat(seen.type())
                .isEqualTo(
                    seen.turn().equals(longOne.turn()) ? "turn.incomplete" : "turn.completed");
            returns += seen.returns();
          }
          String lateText = "late ".repeat(150);
          thread.addAll(List.of("user:late ", "assistant:" + lateText));
          thread.addAll(List.of("user:plain", "assistant:plain"));
          Pair.await("the plain one to run elsewhere")
              .until(
                  () -> here.turn("long", plainTurn).path("status").asString().equals("completed"));
          assertThat(here.texts("long")).isEqualTo(thread);
          assertThat(returns).as("clients that were sent away and came back").isPositive();
          System.out.printf(
              "OwnerDrainedIT: grace=%d s: turns that ended in it=1, cut short=1 after %d ms, of"
                  + " the queue run elsewhere=%d, clients that followed there=%d came back %d"
                  + " times; the process was gone after %d ms%n",
              GRACE.toSeconds(), longMillis, waiting.size() + 2, clients.size(), returns, gone);
          assertThat(gone).as("with its last turn, not with the last client").isLessThan(10_000);
          assertThat(longMillis).isBetween(GRACE.toMillis() - 200, GRACE.toMillis() + 5_000);
        }
      }
    }
  }

  /** An order that is answered when its turn has ended. */
  private static CompletableFuture<Answer> plain(int port, String session, String body) {
    return CompletableFuture.supplyAsync(() -> {
      try (TurnCalls calls = new TurnCalls(port)) {
        return calls.order(session, body, Map.of());
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    });
  }

  /** A stream at the owner. */
  private interface First {
    TurnFollower open() throws IOException;
  }

  /** Follows at the owner, then, from where its stream ended, at the other. */
  private static CompletableFuture<Seen> follow(First first, Here other, String session) {
    CompletableFuture<Seen> seen = new CompletableFuture<>();
    Thread.ofVirtual()
        .name("client")
        .start(() -> {
          try {
            seen.complete(followed(first, other.port(), session));
          } catch (IOException | InterruptedException | RuntimeException | AssertionError e) {
            seen.completeExceptionally(e);
          }
        });
    return seen;
  }

  private static Seen followed(First first, int next, String session)
      throws IOException, InterruptedException {
    TurnFollower follower = first.open();
    String turn = follower.turn();
    for (int returns = 0; ; returns++) {
      try (TurnFollower now = follower) {
        JsonNode end = now.end(PATIENCE);
        return new Seen(
            turn, end.path("type").asString(), now.text(), TurnFollower.answer(end), returns);
      } catch (IOException sentAway) {
        assertThat(returns).as("returns, at last because of %s", sentAway).isLessThan(3);
      }
      follower = TurnFollower.again(next, session, turn, follower.text(), follower.seq());
    }
  }
}
