package io.heddle.turn;

import io.heddle.base.Bounds;
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
    Bounds.of("heddle.turns")
        .within("lease", lease, "500ms", "5m")
        .positive("renew-every", renewEvery)
        .require(
            renewEvery.multipliedBy(2).compareTo(lease) < 0, "renew-every", "below half of lease")
        .positive("flush-every", flushEvery)
        .require(flushEvery.compareTo(renewEvery) <= 0, "flush-every", "at most renew-every")
        .positive("reap-every", reapEvery)
        .within("max-queue", maxQueue, 0, 1000)
        .positive("queue-deadline", queueDeadline)
        // Its record must be there when it is started.
        .atMost("queue-deadline", queueDeadline, "1d")
        .atLeast("keep", keep, "1m")
        .within("attempts", attempts, 1, 10)
        .within("history-messages", historyMessages, 1, 10_000)
        .atLeast("history-tokens", historyTokens, 1)
        // Above that nothing is told, so that no prompt would ever have as many.
        .require(compactAt >= 0 && compactAt <= historyTokens, "compact-at", "0 to history-tokens")
        .positive("compact-timeout", compactTimeout)
        .atLeast("reserve-output", reserveOutput, 0)
        .atLeast("max-output", maxOutput, 1)
        .within("max-answer", maxAnswer, "1KB", "256MB")
        .atLeast("max-running", maxRunning, 0)
        .atLeast("drain", drain, "0s");
  }

  /** The model that summarises, where the settings name none another one. */
  Optional<String> compactModelOr(@Nullable String other) {
    return compactModel.isEmpty() ? Optional.ofNullable(other) : Optional.of(compactModel);
  }
}
