package io.heddle.embedded;

import io.heddle.answercache.AnswerStore;
import io.heddle.base.IdSource;
import io.heddle.engine.Engine;
import io.heddle.limit.RateLimiter;
import io.heddle.limit.UsageStore;
import io.heddle.session.ChangeFeed;
import io.heddle.session.ChangeLog;
import io.heddle.session.IdempotencyRecords;
import io.heddle.session.LiveChannel;
import io.heddle.session.SessionIndex;
import io.heddle.session.SessionLocks;
import io.heddle.session.SessionReader;
import io.heddle.session.SessionWriter;
import io.heddle.session.StoreLimits;
import io.heddle.session.TurnLog;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.Map;
import reactor.core.publisher.Mono;

/**
 * The engine inside this process: every port of the sessions on one MVStore, in RAM or in a file
 * that no other process may use meanwhile.
 */
public final class EmbeddedEngine implements Engine {

  private final StoreFile store;
  private final Workers readers;
  private final Workers answers;
  private final StoreWriter storeWriter;
  private final SnapshotReads reads;
  private final SessionWriter writer;
  private final IdempotencyRecords records;
  private final SessionReader reader;
  private final SessionIndex index;
  private final EmbeddedLocks locks;
  private final EmbeddedFeed feed;
  private final ChangeLog changeLog;
  private final LiveChannel liveChannel;
  private final TurnLog turnLog;
  private final RateLimiter limiter = new EmbeddedRateLimiter();
  private final UsageStore usage;
  private final AnswerStore answerStore;

  private EmbeddedEngine(
      StoreFile store,
      EmbeddedProperties properties,
      StoreLimits limits,
      InstantSource clock,
      IdSource ids,
      Compaction compaction) {
    this.store = store;
    this.readers =
        new Workers("heddle-embedded-reader", properties.readThreads(), properties.queue());
    this.answers = new Workers("heddle-embedded-answers", 1, properties.queue());
    this.feed = new EmbeddedFeed(answers);
    EmbeddedLiveChannel liveMessages = new EmbeddedLiveChannel(answers);
    this.liveChannel = liveMessages;
    Heartbeat heartbeat = new Heartbeat(System::nanoTime);
    Locking locking = new Locking(new SecureRandom().nextLong());
    this.storeWriter =
        new StoreWriter(
            store,
            clock,
            ids,
            feed,
            liveMessages,
            answers,
            new Upkeep(new Sweep(), compaction, properties.sweepEvery()),
            heartbeat,
            properties.commitDelay(),
            properties.queue());
    this.reads = new SnapshotReads(storeWriter, readers);
    WriteRules rules = new WriteRules(locking, limits);
    this.writer =
        (key, write, conditions) ->
            storeWriter.submit(tx -> rules.decide(tx, key, write, conditions));
    this.records = new EmbeddedIdempotencyRecords(storeWriter, reads, clock);
    this.reader = new EmbeddedReader(reads, clock, limits.pageBytes());
    this.changeLog = new EmbeddedChangeLog(reads, clock);
    this.turnLog = new EmbeddedTurnLog(storeWriter, reads, clock, heartbeat);
    this.index = new EmbeddedIndex(storeWriter, reads);
    this.locks = new EmbeddedLocks(storeWriter, reads, locking, clock, liveChannel);
    this.usage = new EmbeddedUsage(clock);
    this.answerStore =
        new EmbeddedAnswers(storeWriter, reads, clock, properties.answers().toBytes());
  }

  /**
   * Opens the store and starts the engine's threads. Blocks, so it is called at start, not on an
   * event loop.
   *
   * @throws EmbeddedFileException when the file is in use, of a newer layout, or no store
   */
  public static EmbeddedEngine open(
      EmbeddedProperties properties, StoreLimits limits, InstantSource clock, IdSource ids) {
    return open(properties, limits, clock, ids, new Compaction(Compaction.SLACK));
  }

  static EmbeddedEngine open(
      EmbeddedProperties properties,
      StoreLimits limits,
      InstantSource clock,
      IdSource ids,
      Compaction compaction) {
    StoreFile store = StoreFile.open(properties);
    EmbeddedEngine engine = new EmbeddedEngine(store, properties, limits, clock, ids, compaction);
    engine.storeWriter.start();
    return engine;
  }

  @Override
  public SessionWriter writer() {
    return writer;
  }

  @Override
  public IdempotencyRecords records() {
    return records;
  }

  @Override
  public SessionReader reader() {
    return reader;
  }

  @Override
  public SessionIndex index() {
    return index;
  }

  @Override
  public SessionLocks locks() {
    return locks;
  }

  @Override
  public ChangeFeed feed() {
    return feed;
  }

  @Override
  public ChangeLog changeLog() {
    return changeLog;
  }

  @Override
  public LiveChannel liveChannel() {
    return liveChannel;
  }

  @Override
  public TurnLog turnLog() {
    return turnLog;
  }

  @Override
  public UsageStore usage() {
    return usage;
  }

  @Override
  public RateLimiter limiter() {
    return limiter;
  }

  @Override
  public AnswerStore answers() {
    return answerStore;
  }

  /** Its line is in this process and ends with its holder: no lock is lost before. */
  @Override
  public long lostLocks() {
    return 0;
  }

  @Override
  public String name() {
    return "embedded";
  }

  @Override
  public boolean isReady() {
    return true;
  }

  @Override
  public Mono<Look> look() {
    return Mono.fromSupplier(() -> new Look(Map.of("kept", describe()), storeWriter.fault()));
  }

  /**
   * @param told when the store failed and only a restart of the process can help
   */
  public void whenFailed(Runnable told) {
    storeWriter.whenFailed(told);
  }

  @Override
  public Mono<Long> sessions() {
    return reads.read(rows -> rows.count(Table.EXPIRIES));
  }

  /** Where the sessions are kept, in words for a log line. */
  public String describe() {
    return store.file() == null
        ? "in RAM: sessions end with this process"
        : "in the file " + store.file();
  }

  /** Finishes what was handed in, commits it and closes the file. */
  @Override
  public void close() {
    feed.close();
    locks.close();
    readers.close();
    storeWriter.close();
    answers.close();
  }
}
