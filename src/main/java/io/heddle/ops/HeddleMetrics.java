package io.heddle.ops;

import io.heddle.answercache.Answers;
import io.heddle.base.ProblemCode;
import io.heddle.base.Refusals;
import io.heddle.limit.Limits;
import io.heddle.limit.Quotas;
import io.heddle.limit.Rule;
import io.heddle.limit.TokenLimits;
import io.heddle.session.SessionServices;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.util.function.LongSupplier;

/** What the rooms count, as meters. */
public final class HeddleMetrics implements MeterBinder {

  private final SessionServices services;
  private final Limits limits;
  private final TokenLimits tokens;
  private final Answers answers;
  private final LongSupplier lostLocks;

  /**
   * @param lostLocks how many updates lost their lock before they ended, since the start
   */
  public HeddleMetrics(
      SessionServices services,
      Limits limits,
      TokenLimits tokens,
      Answers answers,
      LongSupplier lostLocks) {
    this.services = services;
    this.limits = limits;
    this.tokens = tokens;
    this.answers = answers;
    this.lostLocks = lostLocks;
  }

  @Override
  public void bindTo(MeterRegistry registry) {
    for (Quotas.Kind kind : Quotas.Kind.values()) {
      FunctionCounter.builder(
              "heddle.quotas.refused", limits.quotas(), quotas -> quotas.refused(kind))
          .tag("quota", kind.text())
          .description("What was refused because a user has as much as he may")
          .register(registry);
    }
    for (Rule rule : limits.rules()) {
      FunctionCounter.builder("heddle.limits.refused", limits, all -> all.refused(rule))
          .tag("rule", rule.name())
          .description("Requests over a limit")
          .register(registry);
    }
    for (Rule rule : tokens.rules()) {
      FunctionCounter.builder("heddle.tokens.refused", tokens, all -> all.refused(rule))
          .tag("rule", rule.name())
          .description("Turns over a limit of tokens")
          .register(registry);
    }
    for (ProblemCode code : ProblemCode.values()) {
      FunctionCounter.builder("heddle.refusals", code, Refusals::told)
          .tag("code", code.code())
          .description("Problems told to clients, over every wire")
          .register(registry);
    }
    count(
        registry,
        "heddle.limits.failures",
        "Requests whose limits could not be asked in time",
        limits::failures);
    count(
        registry,
        "heddle.tokens.failures",
        "Questions about tokens that were not answered in time",
        tokens::failures);
    count(
        registry,
        "heddle.tokens.unsettled",
        "Reservations of tokens whose settlement was given up",
        tokens::unsettled);
    count(registry, "heddle.answers.hits", "Cached answers that were there", answers::hits);
    count(registry, "heddle.answers.misses", "Cached answers that were not there", answers::misses);
    count(
        registry,
        "heddle.index.failures",
        "Writes of the users' index that failed outside a request",
        services::indexFailures);
    count(
        registry, "heddle.locks.lost", "Updates that lost their lock before they ended", lostLocks);
  }

  private void count(MeterRegistry registry, String name, String description, LongSupplier value) {
    // A meter keeps its object weakly: this one lives as long as the application.
    FunctionCounter.builder(name, this, _ -> value.getAsLong())
        .description(description)
        .register(registry);
  }
}
