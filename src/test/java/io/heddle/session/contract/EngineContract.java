package io.heddle.session.contract;

import org.junit.jupiter.api.Nested;

/** All suites, for an engine's one test class to inherit. */
public abstract class EngineContract {

  /** The engine, started once for the whole class; the suites keep apart by their tenants. */
  protected abstract EngineUnderTest engine();

  @Nested
  class Writing extends SessionWriterContract {
    @Override
    EngineUnderTest engine() {
      return EngineContract.this.engine();
    }
  }

  @Nested
  class Paging extends ThreadPagingContract {
    @Override
    EngineUnderTest engine() {
      return EngineContract.this.engine();
    }
  }

  @Nested
  class LongThreads extends LongThreadContract {
    @Override
    EngineUnderTest engine() {
      return EngineContract.this.engine();
    }
  }

  @Nested
  class Life extends SessionLifeContract {
    @Override
    EngineUnderTest engine() {
      return EngineContract.this.engine();
    }
  }

  @Nested
  class Retries extends IdempotencyContract {
    @Override
    EngineUnderTest engine() {
      return EngineContract.this.engine();
    }
  }

  @Nested
  class Locking extends SessionLocksContract {
    @Override
    EngineUnderTest engine() {
      return EngineContract.this.engine();
    }
  }

  @Nested
  class States extends StateContract {
    @Override
    EngineUnderTest engine() {
      return EngineContract.this.engine();
    }
  }

  @Nested
  class Building extends BuildContract {
    @Override
    EngineUnderTest engine() {
      return EngineContract.this.engine();
    }
  }

  @Nested
  class Index extends SessionIndexContract {
    @Override
    EngineUnderTest engine() {
      return EngineContract.this.engine();
    }
  }

  @Nested
  class Feed extends ChangeFeedContract {
    @Override
    EngineUnderTest engine() {
      return EngineContract.this.engine();
    }
  }

  @Nested
  class Remembering extends NearCacheContract {
    @Override
    EngineUnderTest engine() {
      return EngineContract.this.engine();
    }
  }

  @Nested
  class Log extends ChangeLogContract {
    @Override
    EngineUnderTest engine() {
      return EngineContract.this.engine();
    }
  }

  @Nested
  class Live extends LiveChannelContract {
    @Override
    EngineUnderTest engine() {
      return EngineContract.this.engine();
    }
  }

  @Nested
  class Turns extends TurnContract {
    @Override
    EngineUnderTest engine() {
      return EngineContract.this.engine();
    }
  }

  @Nested
  class TurnEnds extends TurnEndContract {
    @Override
    EngineUnderTest engine() {
      return EngineContract.this.engine();
    }
  }

  @Nested
  class TurnLogs extends TurnLogContract {
    @Override
    EngineUnderTest engine() {
      return EngineContract.this.engine();
    }
  }

  @Nested
  class TurnLives extends TurnLifeContract {
    @Override
    EngineUnderTest engine() {
      return EngineContract.this.engine();
    }
  }

  @Nested
  class Limiting extends RateLimiterContract {
    @Override
    EngineUnderTest engine() {
      return EngineContract.this.engine();
    }
  }

  @Nested
  class Tokens extends TokenContract {
    @Override
    EngineUnderTest engine() {
      return EngineContract.this.engine();
    }
  }

  @Nested
  class KeptAnswers extends AnswerStoreContract {
    @Override
    EngineUnderTest engine() {
      return EngineContract.this.engine();
    }
  }

  @Nested
  class SharedAnswers extends AnswersContract {
    @Override
    EngineUnderTest engine() {
      return EngineContract.this.engine();
    }
  }
}
