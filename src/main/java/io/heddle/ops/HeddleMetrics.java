package io.heddle.ops;

import io.heddle.answercache.Answers;
import io.heddle.base.ProblemCode;
import io.heddle.base.Refusals;
import io.heddle.engine.Engine;
import io.heddle.limit.Limits;
import io.heddle.limit.Quotas;
import io.heddle.limit.Rule;
import io.heddle.limit.TokenLimits;
import io.heddle.session.service.SessionServices;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;

/** What the rooms count, as meters. */
public final class HeddleMetrics implements MeterBinder {

  private final SessionServices services;
  private final Limits limits;
  private final TokenLimits tokens;
  private final Answers answers;
  private final Engine engine;

  public HeddleMetrics(
      SessionServices services, Limits limits, TokenLimits tokens, Answers answers, Engine engine) {
    this.services = services;
    this.limits = limits;
    this.tokens = tokens;
    this.answers = answers;
    this.engine = engine;
  }

  @Override
  public void bindTo(MeterRegistry registry) {
    Meters meters = new Meters(registry);
    for (Quotas.Kind kind : Quotas.Kind.values()) {
      meters.count(
          "heddle.quotas.refused",
          "What was refused because a user has as much as he may",
          () -> limits.quotas().refused(kind),
          "quota",
          kind.text());
    }
    for (Rule rule : limits.rules()) {
      meters.count(
          "heddle.limits.refused",
          "Requests over a limit",
          () -> limits.refused(rule),
          "rule",
          rule.name());
    }
    for (Rule rule : tokens.rules()) {
      meters.count(
          "heddle.tokens.refused",
          "Turns over a limit of tokens",
          () -> tokens.refused(rule),
          "rule",
          rule.name());
    }
    for (ProblemCode code : ProblemCode.values()) {
      meters.count(
          "heddle.refusals",
          "Problems told to clients, over every wire",
          () -> Refusals.told(code),
          "code",
          code.code());
    }
    meters.count(
        "heddle.limits.failures",
        "Requests whose limits could not be asked in time",
        limits::failures);
    meters.count(
        "heddle.tokens.failures",
        "Questions about tokens that were not answered in time",
        tokens::failures);
    meters.count(
        "heddle.tokens.unsettled",
        "Reservations of tokens whose settlement was given up",
        tokens::unsettled);
    meters.count("heddle.answers.hits", "Cached answers that were there", answers::hits);
    meters.count("heddle.answers.misses", "Cached answers that were not there", answers::misses);
    meters.count(
        "heddle.index.failures",
        "Writes of the users' index that failed outside a request",
        services::indexFailures);
    meters.count(
        "heddle.locks.lost", "Updates that lost their lock before they ended", engine::lostLocks);
  }
}
