package io.heddle.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.testing.HttpConnection.Answer;
import io.heddle.testing.ModelScript;
import io.heddle.testing.RedisProcess;
import io.heddle.testing.ReplicaProcess;
import io.heddle.testing.ScriptedModel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/**
 * The replica that runs three turns is killed with -9: one of them has said something and three
 * others wait behind it, one has said nothing yet, and of one the client orders the next turn at
 * once. Who follows does so on another replica, over one connection that is never made again.
 */
class OwnerKilledIT {
  private static final Duration SOON = Duration.ofSeconds(10);
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final String WORDS = "one two three four five";
  private static final String LONG = "'tokens':800,'pace':'40ms'";
  private static final String SHORT = "'pace':'5ms'";

  @Test
  void turnsOfADeadOwnerEndOrBeginAgainAndThoseBehindThemRun() throws Exception {
    try (RedisProcess redis = RedisProcess.start();
        ScriptedModel model = ScriptedModel.start();
        ReplicaProcess owner =
            ReplicaProcess.on(redis.uri(), "owner")
                .set("heddle.upstreams.scripted.base-url", model.baseUrl())
                .set("heddle.upstreams.scripted.models", "scripted")
                .launch();
        Here other =
            Here.start(
                "other",
                redis.uri(),
                "heddle.upstreams.scripted.base-url=" + model.baseUrl(),
                "heddle.upstreams.scripted.models=scripted");
        TurnCalls there = new TurnCalls(owner.port());
        TurnCalls here = new TurnCalls(other.port())) {
      owner.awaitReady();
      for (String session : List.of("said", "silent", "next")) {
        here.create(session);
      }
      model.next(ModelScript.stream().stall());
      model.next(ModelScript.say("Here", " I", " am"));

      String said = there.begin("said", TurnCalls.echo(WORDS, LONG));
      List<String> waiting = new ArrayList<>();
      for (TurnCalls taker : List.of(there, here, there)) {
        waiting.add(taker.begin("said", TurnCalls.echo("waits " + waiting.size(), SHORT)));
      }
      String silent =
          there.begin("silent", "{\"content\":\"are you there\",\"model\":\"scripted\"}");
      String first = there.begin("next", TurnCalls.echo(WORDS, LONG));
      List<TurnFollower> queue = new ArrayList<>();
      try (TurnFollower ofSaid = TurnFollower.of(other.port(), "said", said);
          TurnFollower ofSilent = TurnFollower.of(other.port(), "silent", silent);
          TurnFollower ofFirst = TurnFollower.of(other.port(), "next", first)) {
        for (String turn : waiting) {
          queue.add(TurnFollower.of(other.port(), "said", turn));
        }
        Pair.await("both to speak, and the third to be asked")
            .until(() -> ofSaid.seq() > 3 && ofFirst.seq() > 3 && model.requests().size() == 1);

        owner.kill();
        long killed = System.nanoTime();
        CompletableFuture<Answer> next =
            CompletableFuture.supplyAsync(() -> order(other.port(), "next", "and now"));

        JsonNode ended = ofSaid.end(PATIENCE);
        String partial = isCutShort(ended, ofSaid);
        isCutShort(ofFirst.end(PATIENCE), ofFirst);
        // What was asked is known to nobody but by the thread; 0 would be charged as nothing.
        JsonNode usage = here.turn("said", said).path("usage");
        assertThat(usage.path("inputTokens").asLong()).as("%s", usage).isGreaterThanOrEqualTo(5);
        assertThat(usage.path("outputTokens").asLong()).isPositive();
        Answer answered = next.get(30, TimeUnit.SECONDS);
        long nextMillis = (System.nanoTime() - killed) / 1_000_000;
        TurnCalls.ok(200, answered);
        assertThat(answered.json().path("status").asString()).isEqualTo("completed");

        JsonNode begunAgain = ofSilent.end(PATIENCE);
        assertThat(begunAgain.path("type").asString()).isEqualTo("turn.completed");
        assertThat(ofSilent.text()).isEqualTo("Here I am");
        assertThat(model.requests()).as("calls of the silent turn's model").hasSize(2);
        assertThat(here.texts("silent"))
            .containsExactly("user:are you there", "assistant:Here I am");

        List<String> thread = new ArrayList<>(List.of("user:" + WORDS, "assistant:" + partial));
        long last = 0;
        for (int i = 0; i < queue.size(); i++) {
          JsonNode end = queue.get(i).end(PATIENCE);
          assertThat(end.path("type").asString()).isEqualTo("turn.completed");
          assertThat(queue.get(i).text()).isEqualTo("waits " + i);
          thread.addAll(List.of("user:waits " + i, "assistant:waits " + i));
          last = Math.max(last, queue.get(i).endedAt());
        }
        assertThat(here.texts("said")).as("the thread").isEqualTo(thread);
        assertThat(here.texts("next"))
            .containsExactly(
                "user:" + WORDS,
                "assistant:" + ofFirst.text(),
                "user:and now",
                "assistant:and now");
        for (String session : List.of("said", "silent", "next")) {
          assertThat(here.session(session).path("activeTurn").isNull()).isTrue();
        }
        System.out.printf(
            "OwnerKilledIT: after the kill: end of the turn that spoke told after %d ms, silent"
                + " turn begun again and completed after %d ms, next turn done after %d ms, all 3"
                + " of the queue after %d ms; model calls of the silent turn=%d%n",
            millis(killed, ofSaid.endedAt()),
            millis(killed, ofSilent.endedAt()),
            nextMillis,
            millis(killed, last),
            model.requests().size());
        assertThat(nextMillis).as("until the next turn has worked").isLessThan(SOON.toMillis());
      } finally {
        queue.forEach(TurnFollower::close);
      }
    }
  }

  /** As a turn that has spoken ends; its text. */
  private static String isCutShort(JsonNode end, TurnFollower follower) {
    assertThat(end.path("type").asString()).isEqualTo("turn.incomplete");
    assertThat(end.path("error").path("code").asString()).isEqualTo("restarting");
    JsonNode message = end.path("messages").path(0);
    assertThat(message.path("status").asString()).isEqualTo("incomplete");
    assertThat(follower.text()).isNotEmpty();
    assertThat(message.path("content").asString()).isEqualTo(follower.text());
    return follower.text();
  }

  private static Answer order(int port, String session, String content) {
    try (TurnCalls calls = new TurnCalls(port)) {
      return calls.order(session, TurnCalls.echo(content, SHORT), Map.of());
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private static long millis(long from, long to) {
    return (to - from) / 1_000_000;
  }
}
