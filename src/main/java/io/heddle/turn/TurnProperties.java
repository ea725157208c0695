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
 * @param lease how long the replica that runs a turn may be silent before another one takes it for
 *     dead
 * @param renewEvery how often it says that it lives while the model says nothing
 * @param flushEvery how often at most what a model said is written to the log; the first of it is
 *     written at once
 * @param reapEvery how often a replica looks for turns whose owner died, and for waiting ones that
 *     nobody started; above a third of {@code lease} each look takes one lease longer, which proves
 *     that the store could be reached meanwhile
 * @param maxQueue how many turns may wait in a session
 * @param queueDeadline how long a turn may wait
 * @param keep how long record and log are kept after a turn's end
 * @param attempts model calls of one turn, while replicas die before the first token
 * @param historyMessages how many messages of the thread a model is told, the newest; those of the
 *     turn's own input always
 * @param historyTokens how many tokens they may have
 * @param compactAt tokens of the prompt from which a turn first has its thread summarised; 0: never
 * @param compactModel the model that summarises; empty: the one that the turn or call asks for
 * @param compactTimeout how long a turn waits for a summary, to go on without one
 * @param reserveOutput output tokens to reserve for a request that does not limit them
 * @param maxOutput the most output tokens that a request may ask for
 * @param maxAnswer the longest answer; one that gets longer ends there, as incomplete
 * @param maxRunning how many turns a replica runs at once, 0 for any number
 * @param drain how long a replica that stops lets its turns go on
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
