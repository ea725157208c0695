package io.heddle.turn;

import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/**
 * Turns.
 *
 * @param lease A replica that does not renew its turn for this long counts as dead.
 * @param renewEvery How often the owner of a turn renews its lease, until the end is written.
 * @param flushEvery Period over which tokens are gathered into one write of the turn log. The first
 *     token is written at once.
 * @param reapEvery How often a replica looks for turns whose owner died and for waiting turns that
 *     nobody starts. Above a third of {@code lease} each look takes one lease longer, which proves
 *     that the store was reachable meanwhile.
 * @param maxQueue Turns that may wait in a session, 0 to 1000.
 * @param queueDeadline How long a turn may wait.
 * @param keep How long the record and log of an ended turn are kept, so that clients can follow it
 *     again.
 * @param attempts Model calls of one turn, when replicas die before its first token.
 * @param historyMessages Messages of the thread in the prompt, the newest. The input of the turn is
 *     always in it.
 * @param historyTokens Tokens of the thread in the prompt.
 * @param compactAt Prompt tokens from which a turn first has older messages summarised, at most
 *     {@code history-tokens}. 0: never.
 * @param compactModel Model that writes summaries when a call names none. Empty: the model of the
 *     turn.
 * @param compactTimeout How long a turn waits for a summary before it goes on without one.
 * @param reserveOutput Output tokens to reserve for a request without a bound of its own.
 * @param maxOutput Most output tokens that a request may ask for.
 * @param maxAnswer Longest answer. A longer one ends there as {@code incomplete}.
 * @param maxRunning Running turns of one replica. 0: any number.
 * @param drain How long a stopping replica lets its turns go on.
 */
@ConfigurationProperties("heddle.turns")
public record TurnProperties(
    @DefaultValue("6s") Duration lease,
    @DefaultValue("2s") Duration renewEvery,
    @DefaultValue("50ms") Duration flushEvery,
    @DefaultValue("1s") Duration reapEvery,
    @DefaultValue("16") int maxQueue,
    @DefaultValue("2m") Duration queueDeadline,
    @DefaultValue("6h") Duration keep,
    @DefaultValue("3") int attempts,
    @DefaultValue("100") int historyMessages,
    @DefaultValue("16000") int historyTokens,
    @DefaultValue("0") int compactAt,
    @DefaultValue("") String compactModel,
    @DefaultValue("30s") Duration compactTimeout,
    @DefaultValue("1024") int reserveOutput,
    @DefaultValue("10000000") int maxOutput,
    @DefaultValue("1MB") DataSize maxAnswer,
    @DefaultValue("0") int maxRunning,
    @DefaultValue("10s") Duration drain) {

  public TurnProperties {
    check(between(lease, Duration.ofMillis(500), Duration.ofMinutes(5)), "lease", "500ms to 5m");
    check(
        positive(renewEvery) && renewEvery.multipliedBy(2).compareTo(lease) < 0,
        "renew-every",
        "more than 0 and less than half of lease");
    check(
        positive(flushEvery) && flushEvery.compareTo(renewEvery) <= 0,
        "flush-every",
        "more than 0 and at most renew-every");
    check(positive(reapEvery), "reap-every", "more than 0");
    check(maxQueue >= 0 && maxQueue <= 1000, "max-queue", "0 to 1000");
    // Its record must be there when it is started.
    check(
        positive(queueDeadline) && queueDeadline.compareTo(Duration.ofDays(1)) <= 0,
        "queue-deadline",
        "more than 0 and at most 1d");
    check(keep.compareTo(Duration.ofMinutes(1)) >= 0, "keep", "1m or more");
    check(attempts >= 1 && attempts <= 10, "attempts", "1 to 10");
    check(historyMessages >= 1 && historyMessages <= 10_000, "history-messages", "1 to 10000");
    check(historyTokens >= 1, "history-tokens", "1 or more");
    // Above that nothing is told, so that no prompt would ever have as many.
    check(compactAt >= 0 && compactAt <= historyTokens, "compact-at", "0 to history-tokens");
    check(positive(compactTimeout), "compact-timeout", "more than 0");
    check(reserveOutput >= 0, "reserve-output", "0 or more");
    check(maxOutput >= 1, "max-output", "1 or more");
    check(
        maxAnswer.toBytes() >= 1024 && maxAnswer.toBytes() <= 1L << 28,
        "max-answer",
        "1KB to 256MB");
    check(maxRunning >= 0, "max-running", "0 or more");
    check(!drain.isNegative(), "drain", "0s or more");
  }

  private static boolean positive(Duration value) {
    return value.compareTo(Duration.ZERO) > 0;
  }

  private static boolean between(Duration value, Duration least, Duration most) {
    return value.compareTo(least) >= 0 && value.compareTo(most) <= 0;
  }

  /** The model that summarises, where the settings name none another one. */
  Optional<String> compactModelOr(@Nullable String other) {
    return compactModel.isEmpty() ? Optional.ofNullable(other) : Optional.of(compactModel);
  }

  private static void check(boolean good, String name, String allowed) {
    if (!good) {
      throw new IllegalArgumentException("heddle.turns." + name + " must be " + allowed);
    }
  }
}
