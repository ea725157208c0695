package io.heddle.upstream;

import static io.heddle.upstream.Calls.all;
import static io.heddle.upstream.Calls.call;
import static io.heddle.upstream.Calls.ended;
import static io.heddle.upstream.Calls.finish;
import static io.heddle.upstream.Calls.problem;
import static io.heddle.upstream.Calls.text;
import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.testing.ModelScript;
import io.heddle.testing.ScriptedModel;
import io.heddle.upstream.Calls.Ended;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;

/** Breakers, and what is asked in the place of a server that cannot be. */
class ModelsIT {

  private final ScriptedModel first = ScriptedModel.start();
  private final ScriptedModel second = ScriptedModel.start();
  private final Recorded recorded = new Recorded();
  private final List<Models> made = new ArrayList<>();

  @BeforeEach
  void scripts() {
    second.answer(ModelScript.say("from the second"));
  }

  @AfterEach
  void close() {
    made.forEach(Models::close);
    first.close();
    second.close();
  }

  /** Two upstreams, {@code first} for models a*, {@code second} for b*. */
  private Models models(String... settings) {
    List<String> all =
        new ArrayList<>(
            List.of(
                "upstreams.first.base-url=" + first.baseUrl(),
                "upstreams.first.models=a*",
                "upstreams.first.max-retries=0",
                "upstreams.first.breaker.minimum-calls=4",
                "upstreams.first.breaker.open-for=2s",
                "upstreams.second.base-url=" + second.baseUrl(),
                "upstreams.second.models=b*"));
    all.addAll(List.of(settings));
    Models models = Calls.models(recorded, all.toArray(String[]::new));
    made.add(models);
    return models;
  }

  // ---- names

  @Test
  void aNameLeadsToItsServer() {
    Models models = models();

    assertThat(text(all(models.call(call("a1", "hi"))))).isEqualTo("Hello world");
    assertThat(text(all(models.call(call("b1", "hi"))))).isEqualTo("from the second");
    assertThat(text(all(models.call(call("echo", "hi"))))).isEqualTo("hi");
    Problem problem = problem(models.call(call("c1", "hi")));
    assertThat(problem.code()).isEqualTo(ProblemCode.MODEL_NOT_FOUND);
    assertThat(problem.detail()).contains("c1");
    assertThat(problem.members()).containsEntry("model", "c1");
    assertThat(first.lastRequest().body()).contains("\"model\":\"a1\"");
  }

  // ---- breakers

  @Test
  void aServerThatFailsIsLeftAloneAndTriedAgainLater() {
    first.answer(ModelScript.error(500, "a bug"));
    Models models = models();
    for (int i = 0; i < 4; i++) {
      assertThat(problem(models.call(call("a", "hi"))).code()).isEqualTo(ProblemCode.MODEL_FAILED);
    }
    assertThat(models.breakers()).containsEntry("first", BreakerState.OPEN);

    Problem rejected = problem(models.call(call("a", "hi")));
    assertThat(rejected.code()).isEqualTo(ProblemCode.MODEL_UNAVAILABLE);
    assertThat(rejected.detail()).contains("failed too often");
    assertThat(first.requests()).hasSize(4);
    assertThat(recorded.told()).endsWith("first rejected");

    // On trial, and ill still: left alone again.
    Awaitility.await().until(() -> models.breakers().get("first") == BreakerState.HALF_OPEN);
    problem(models.call(call("a", "hi")));
    problem(models.call(call("a", "hi")));
    assertThat(first.requests()).hasSize(6);
    assertThat(models.breakers()).containsEntry("first", BreakerState.OPEN);
    problem(models.call(call("a", "hi")));
    assertThat(first.requests()).hasSize(6);

    first.answer(ModelScript.say("well again"));
    Awaitility.await().until(() -> models.breakers().get("first") == BreakerState.HALF_OPEN);
    assertThat(text(all(models.call(call("a", "hi"))))).isEqualTo("well again");
    assertThat(text(all(models.call(call("a", "hi"))))).isEqualTo("well again");
    assertThat(models.breakers()).containsEntry("first", BreakerState.CLOSED);
    assertThat(models.breakers()).containsEntry("second", BreakerState.CLOSED);
  }

  /** A trial that takes minutes to answer kept every other call away for those minutes. */
  @Test
  void aTrialIsOverWithItsFirstToken() {
    first.answer(ModelScript.error(500, "a bug"));
    Models models = models("upstreams.first.breaker.trials=1");
    for (int i = 0; i < 4; i++) {
      problem(models.call(call("a", "hi")));
    }
    first.answer(ModelScript.stream().text("a").stall());
    Awaitility.await().until(() -> models.breakers().get("first") == BreakerState.HALF_OPEN);
    Disposable slow = models.call(call("a", "hi")).subscribe();
    Awaitility.await().until(() -> models.breakers().get("first") == BreakerState.CLOSED);
    first.answer(ModelScript.say("well again"));

    assertThat(text(all(models.call(call("a", "hi"))))).isEqualTo("well again");
    slow.dispose();
  }

  @Test
  void aTrialThatNobodyWaitsForIsNoVerdict() {
    first.answer(ModelScript.error(500, "a bug"));
    Models models = models("upstreams.first.breaker.trials=1");
    for (int i = 0; i < 4; i++) {
      problem(models.call(call("a", "hi")));
    }
    first.answer(ModelScript.stream().stall());
    Awaitility.await().until(() -> models.breakers().get("first") == BreakerState.HALF_OPEN);
    Disposable slow = models.call(call("a", "hi")).subscribe();
    Awaitility.await().until(() -> first.requests().size() == 5);
    slow.dispose();
    first.answer(ModelScript.say("well again"));

    assertThat(text(all(models.call(call("a", "hi"))))).isEqualTo("well again");
    assertThat(models.breakers()).containsEntry("first", BreakerState.CLOSED);
  }

  @Test
  void timeoutsCountAgainstAServerAndRefusalsDoNot() {
    first.answer(ModelScript.error(400, "no"));
    Models models = models();
    for (int i = 0; i < 8; i++) {
      problem(models.call(call("a", "hi")));
    }
    assertThat(models.breakers()).containsEntry("first", BreakerState.CLOSED);

    first.answer(ModelScript.stream().text("x").pause(Duration.ofMillis(20)).cut());
    for (int i = 0; i < 8; i++) {
      problem(models.call(call("a", "hi")));
    }
    assertThat(models.breakers()).containsEntry("first", BreakerState.CLOSED);
    assertThat(first.requests()).hasSize(16);

    Models impatient =
        models(
            "upstreams.first.first-token-timeout=100ms",
            "upstreams.first.between-tokens-timeout=100ms");
    first.answer(ModelScript.stream().stall());
    for (int i = 0; i < 4; i++) {
      assertThat(problem(impatient.call(call("a", "hi"))).code())
          .isEqualTo(ProblemCode.MODEL_TIMEOUT);
    }
    assertThat(impatient.breakers()).containsEntry("first", BreakerState.OPEN);
  }

  // ---- fallbacks

  @Test
  void aServerThatCannotBeReachedIsReplaced() {
    first.refuse();
    Models models = models("upstreams.first.fallback=b-small");
    var pieces = all(models.call(call("a", "hi")));

    assertThat(text(pieces)).isEqualTo("from the second");
    assertThat(second.lastRequest().body()).contains("\"model\":\"b-small\"");
    assertThat(finish(pieces).model()).isEqualTo("scripted");
    assertThat(recorded.told())
        .containsExactly(
            "first started",
            "first unavailable",
            "first fell back",
            "second started",
            "second first",
            "second finished");
  }

  @Test
  void aServerThatIsLeftAloneIsReplacedAtOnce() {
    first.answer(ModelScript.error(500, "a bug"));
    Models models = models("upstreams.first.fallback=echo");
    for (int i = 0; i < 4; i++) {
      assertThat(problem(models.call(call("a", "hi"))).code()).isEqualTo(ProblemCode.MODEL_FAILED);
    }

    assertThat(text(all(models.call(call("a", "hi"))))).isEqualTo("hi");
    assertThat(first.requests()).hasSize(4);
  }

  @Test
  void anAnswerThatBeganOrARequestThatWasRefusedIsNotAskedElsewhere() {
    first.next(ModelScript.stream().text("a").pause(Duration.ofMillis(20)).cut());
    first.next(ModelScript.error(400, "no"));
    Models models = models("upstreams.first.fallback=b");

    Ended ended = ended(models.call(call("a", "hi")));
    assertThat(text(ended.pieces())).isEqualTo("a");
    assertThat(ended.problem().code()).isEqualTo(ProblemCode.MODEL_FAILED);
    assertThat(problem(models.call(call("a", "hi"))).code()).isEqualTo(ProblemCode.MODEL_REFUSED);
    assertThat(second.requests()).isEmpty();
  }

  @Test
  void fallbacksThatNameEachOtherComeToAnEnd() {
    first.refuse();
    second.refuse();
    Models models =
        models(
            "upstreams.first.fallback=b",
            "upstreams.second.fallback=a",
            "upstreams.second.max-retries=0");

    Problem problem = problem(models.call(call("a", "hi")));
    assertThat(problem.code()).isEqualTo(ProblemCode.MODEL_UNAVAILABLE);
    assertThat(problem.detail()).contains("upstream first", "its fallback", "upstream second");
    assertThat(recorded.count("first started")).isEqualTo(1);
    assertThat(recorded.count("second started")).isEqualTo(1);
  }
}
