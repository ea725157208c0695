package io.heddle.session.service;

import io.heddle.base.IdSource;
import io.heddle.base.SessionKey;
import io.heddle.session.IdempotencyRecords;
import io.heddle.session.Outcome;
import io.heddle.session.PageReader;
import io.heddle.session.SessionIndex;
import io.heddle.session.SessionLocks;
import io.heddle.session.SessionProperties;
import io.heddle.session.SessionReader;
import io.heddle.session.SessionWriter;
import io.heddle.session.Storage;
import io.heddle.session.Write;
import io.heddle.session.WritePreconditions;
import java.time.Duration;
import java.time.InstantSource;
import reactor.core.publisher.Mono;

/** The services over one engine's ports. They share what a replica remembers of its sessions. */
public final class SessionServices {

  private final SessionService sessions;
  private final ThreadService threads;
  private final StateService states;
  private final LockService locks;
  private final IndexUpdater activity;
  private final WriteExecutor writes;

  /** Without a near cache and without bounds of what a user may have. */
  public SessionServices(
      SessionReader reader,
      SessionWriter writer,
      SessionIndex index,
      SessionLocks sessionLocks,
      IdempotencyRecords records,
      IdSource ids,
      InstantSource clock,
      SessionProperties properties) {
    this(
        reader,
        reader::load,
        writer,
        index,
        sessionLocks,
        records,
        ids,
        clock,
        properties,
        Storage.UNBOUNDED);
  }

  /**
   * @param reader the engine's: what a write is based on must be read from the store
   * @param near for calls that only read
   * @param storage bounds what each user may have
   */
  public SessionServices(
      SessionReader reader,
      PageReader near,
      SessionWriter writer,
      SessionIndex index,
      SessionLocks sessionLocks,
      IdempotencyRecords records,
      IdSource ids,
      InstantSource clock,
      SessionProperties properties,
      Storage storage) {
    activity = new IndexUpdater(index, reader, properties.indexEvery());
    SessionWriter counted =
        storage == Storage.UNBOUNDED ? writer : new CountedWriter(writer, reader, records, storage);
    writes =
        new WriteExecutor(counted, sessionLocks, records, ids, activity, properties.updateLease());
    Forks forks =
        new Forks(reader, writes, activity, ids, clock, properties.forkTimeout(), storage);
    SessionCreator creator = new SessionCreator(reader, writes, activity, clock);
    sessions = new SessionService(reader, near, writes, index, records, activity, forks, creator);
    threads = new ThreadService(reader, near, writes, creator);
    states = new StateService(reader, writes, properties.maxState().toBytes());
    locks = new LockService(sessionLocks);
  }

  public SessionService sessions() {
    return sessions;
  }

  public ThreadService threads() {
    return threads;
  }

  public StateService states() {
    return states;
  }

  public LockService locks() {
    return locks;
  }

  /**
   * Sends a write until it is not refused as {@code session-locked}, or the wait is over, and keeps
   * the users' index. For services beside these; refusals are errors.
   */
  public Mono<Outcome> write(SessionKey key, Write write, WritePreconditions terms, Duration wait) {
    return writes.apply(key, write, terms, wait);
  }

  /** How many writes of the users' index failed outside a request, since the start. */
  public long indexFailures() {
    return activity.failures();
  }
}
