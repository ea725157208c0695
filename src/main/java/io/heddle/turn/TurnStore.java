package io.heddle.turn;

import io.heddle.answercache.Answers;
import io.heddle.session.ChangeFeed;
import io.heddle.session.IdempotencyRecords;
import io.heddle.session.LiveChannel;
import io.heddle.session.SessionReader;
import io.heddle.session.TurnLog;
import io.heddle.session.service.SessionServices;

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
    Answers answers) {}
