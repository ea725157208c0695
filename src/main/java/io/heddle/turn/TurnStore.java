package io.heddle.turn;

import io.heddle.answercache.Answers;
import io.heddle.base.SessionKey;
import io.heddle.session.ChangeFeed;
import io.heddle.session.IdempotencyRecords;
import io.heddle.session.LiveChannel;
import io.heddle.session.Outcome;
import io.heddle.session.SessionReader;
import io.heddle.session.Turn;
import io.heddle.session.TurnLog;
import io.heddle.session.Write;
import io.heddle.session.WritePreconditions;
import io.heddle.session.service.SessionServices;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * What turns need of the store.
 *
 * @param services write, and keep the users' index
 * @param reader the engine's: a model must be told the thread as it is
 */
public record TurnStore(
    SessionServices services,
    SessionReader reader,
    IdempotencyRecords records,
    TurnLog log,
    LiveChannel channel,
    ChangeFeed feed,
    Answers answers) {

  /** A write that no client asked for, so without its conditions; it waits for no lock. */
  Mono<Outcome> write(SessionKey key, Write write) {
    return services.write(key, write, WritePreconditions.NONE, Duration.ZERO);
  }

  /**
   * The record of a turn.
   *
   * @param owner the user the session must belong to, or null for any
   */
  Mono<Turn> turn(SessionKey key, @Nullable String owner, String id) {
    return log.read(key, owner, id, 0, 0).map(recorded -> recorded.turn());
  }
}
