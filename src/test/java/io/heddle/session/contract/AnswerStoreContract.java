package io.heddle.session.contract;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.answercache.AnswerStore.Answer;
import io.heddle.answercache.AnswerStore.Kept;
import io.heddle.base.Tenant;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/** Answers that are kept for a while, and who computes them. */
abstract class AnswerStoreContract extends ContractSuite {

  private static final Duration MINUTE = Duration.ofMinutes(1);
  private static final Duration SHORT = Duration.ofMillis(300);

  @Test
  void whatIsPutIsThereAsItWas() {
    byte[] body = new byte[300_000];
    new Random(1).nextBytes(body);
    Kept kept = put("k", "application/x-odd; a=\"b c\"", body, MINUTE);
    assertThat(kept.replaced()).isFalse();
    Answer answer = find("k");
    assertThat(answer.contentType()).isEqualTo("application/x-odd; a=\"b c\"");
    assertThat(answer.body()).isEqualTo(body);
    assertThat(answer.storedAt()).isEqualTo(kept.answer().storedAt());
    assertThat(answer.readAt()).isAfterOrEqualTo(answer.storedAt());
    assertThat(answer.age()).isBetween(Duration.ZERO, Duration.ofSeconds(10));
    assertThat(answer.life()).isBetween(MINUTE.minusMillis(5), MINUTE.plusMillis(5));
  }

  @Test
  void anyBytesArePut() {
    for (byte[] body : List.of(bytes(""), bytes("\n"), bytes(" \n \0"), bytes("1 2\n3"))) {
      put("k", "text/plain", body, MINUTE);
      assertThat(find("k").body()).isEqualTo(body);
    }
    put("k", "", bytes("x"), MINUTE);
    assertThat(find("k").contentType()).isEmpty();
  }

  @Test
  void theNewOneIsInThePlaceOfTheOld() {
    put("k", "text/a", bytes("a"), Duration.ofHours(1));
    Kept second = put("k", "text/b", bytes("b"), MINUTE);
    assertThat(second.replaced()).isTrue();
    assertThat(text(find("k"))).isEqualTo("b");
    assertThat(find("k").contentType()).isEqualTo("text/b");
    assertThat(find("k").life()).isLessThan(MINUTE.plusSeconds(1));
    assertThat(get(engine().answers().remove(tenant, "k"))).isTrue();
    assertThat(none("k")).isTrue();
    assertThat(get(engine().peer().answers().remove(tenant, "k"))).isFalse();
    assertThat(put("k", "text/c", bytes("c"), MINUTE).replaced()).isFalse();
  }

  @Test
  void itEndsAtTheEndOfItsLifeAndNotBefore() {
    long sent = System.nanoTime();
    put("k", "text/a", bytes("a"), SHORT);
    assertThat(text(find("k"))).isEqualTo("a");
    Duration waited = elapsedUntil(sent, () -> none("k"));
    assertThat(waited).isBetween(SHORT.minusMillis(5), SHORT.plusSeconds(2));
    assertThat(get(engine().answers().remove(tenant, "k"))).isFalse();
    assertThat(put("k", "text/a", bytes("a"), MINUTE).replaced()).isFalse();
  }

  @Test
  void tenantsAndKeysAreApart() {
    Tenant other = new Tenant("x" + tenant.name());
    List<String> keys =
        List.of(
            "a",
            "a:claim",
            "A",
            "a ",
            "a\nb",
            "\na",
            "ä",
            "{a}",
            "a/b",
            "x".repeat(64),
            "x".repeat(65),
            "x".repeat(800),
            "x".repeat(799) + "y");
    for (String key : keys) {
      put(key, "text/plain", bytes("1" + key), MINUTE);
      get(engine().answers().put(other, key, "text/plain", bytes("2" + key), MINUTE));
      assertThat(claim(key, "one", MINUTE)).as(key).isTrue();
    }
    for (String key : keys) {
      assertThat(text(find(key))).isEqualTo("1" + key);
      assertThat(text(get(engine().peer().answers().get(other, key)))).isEqualTo("2" + key);
    }
    get(engine().answers().remove(other, "a"));
    assertThat(text(find("a"))).isEqualTo("1a");
  }

  // ---- claims

  @Test
  void oneOfManyComputes() {
    List<Boolean> claimed =
        atOnce(
            100,
            i ->
                (i % 2 == 0 ? engine() : engine().peer())
                    .answers()
                    .claim(tenant, "k", "owner-" + i, MINUTE));
    assertThat(claimed).filteredOn(mine -> mine).hasSize(1);
  }

  @Test
  void theOneWhoComputesMayAskAgainAndRelease() {
    assertThat(claim("k", "one", MINUTE)).isTrue();
    assertThat(claim("k", "one", MINUTE)).isTrue();
    assertThat(claim("k", "two", MINUTE)).isFalse();
    run(engine().peer().answers().release(tenant, "k", "two"));
    assertThat(claim("k", "two", MINUTE)).isFalse();
    run(engine().peer().answers().release(tenant, "k", "one"));
    assertThat(claim("k", "two", MINUTE)).isTrue();
    run(engine().answers().release(tenant, "k", "one"));
    assertThat(claim("k", "one", MINUTE)).isFalse();
  }

  @Test
  void aLeaseEndsByItselfAndIsRenewed() {
    long sent = System.nanoTime();
    assertThat(claim("k", "one", SHORT)).isTrue();
    Duration waited = elapsedUntil(sent, () -> claim("k", "two", Duration.ofMillis(200)));
    assertThat(waited).isBetween(SHORT.minusMillis(5), SHORT.plusSeconds(2));
    assertThat(claim("k", "two", MINUTE)).isTrue();
    pass(SHORT);
    assertThat(claim("k", "one", MINUTE)).isFalse();
  }

  @Test
  void whatIsPutOrRemovedEndsTheClaim() {
    claim("k", "one", MINUTE);
    put("k", "text/a", bytes("a"), MINUTE);
    assertThat(claim("k", "two", MINUTE)).isTrue();
    get(engine().answers().remove(tenant, "k"));
    assertThat(claim("k", "three", MINUTE)).isTrue();
    // There is none now, and the claim ends all the same.
    get(engine().answers().remove(tenant, "k"));
    assertThat(claim("k", "four", MINUTE)).isTrue();
  }

  /** A claim that an answer ended is had by the next one only when the answer can be read. */
  @Test
  void whoClaimsAfterAnAnswerFindsIt() {
    for (int i = 0; i < 30; i++) {
      String key = "k" + i;
      byte[] body = bytes("body");
      claim(key, "one", MINUTE);
      Mono<String> puts =
          engine().answers().put(tenant, key, "text/plain", body, MINUTE).thenReturn("put");
      Mono<String> claims =
          engine()
              .peer()
              .answers()
              .claim(tenant, key, "two", MINUTE)
              .repeat(() -> true)
              .filter(mine -> mine)
              .next()
              .flatMap(_ -> engine().peer().answers().get(tenant, key))
              .map(AnswerStoreContract::text)
              .defaultIfEmpty("none")
              .subscribeOn(Schedulers.boundedElastic());
      assertThat(
              atOnce(2, side -> side == 0 ? claims : puts.delaySubscription(Duration.ofMillis(2))))
          .containsExactlyInAnyOrder("put", "body");
    }
  }

  private Kept put(String key, String type, byte[] body, Duration life) {
    return get(engine().answers().put(tenant, key, type, body, life));
  }

  private Answer find(String key) {
    return get(engine().peer().answers().get(tenant, key));
  }

  private boolean none(String key) {
    return engine().peer().answers().get(tenant, key).block(PATIENCE) == null;
  }

  private boolean claim(String key, String owner, Duration lease) {
    return get(engine().answers().claim(tenant, key, owner, lease));
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static String text(Answer answer) {
    return new String(answer.body(), StandardCharsets.UTF_8);
  }
}
