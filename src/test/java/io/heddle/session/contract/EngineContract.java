package io.heddle.session.contract;

import org.junit.jupiter.api.Nested;

/** All suites, for an engine's one test class to inherit. */
public abstract class EngineContract {

  /** The engine, started once for the whole class; the suites keep apart by their tenants. */
  protected abstract EngineUnderTest engine();

  @Nested
  class Writing extends SessionWriterContract {}

  @Nested
  class Paging extends ThreadPagingContract {}

  @Nested
  class LongThreads extends LongThreadContract {}

  @Nested
  class Life extends SessionLifeContract {}

  @Nested
  class Retries extends IdempotencyContract {}

  @Nested
  class Locking extends SessionLocksContract {}

  @Nested
  class States extends StateContract {}

  @Nested
  class Building extends BuildContract {}

  @Nested
  class Index extends SessionIndexContract {}

  @Nested
  class Feed extends ChangeFeedContract {}

  @Nested
  class Remembering extends NearCacheContract {}

  @Nested
  class Log extends ChangeLogContract {}

  @Nested
  class Live extends LiveChannelContract {}

  @Nested
  class Turns extends TurnContract {}

  @Nested
  class TurnEnds extends TurnEndContract {}

  @Nested
  class TurnLogs extends TurnLogContract {}

  @Nested
  class TurnLives extends TurnLifeContract {}

  @Nested
  class Limiting extends RateLimiterContract {}

  @Nested
  class Tokens extends TokenContract {}

  @Nested
  class KeptAnswers extends AnswerStoreContract {}

  @Nested
  class SharedAnswers extends AnswersContract {}
}
