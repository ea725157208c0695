package io.heddle.live;

import io.heddle.base.Position;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.json.Json;
import io.heddle.live.Frame.Spoken;
import io.heddle.session.PageRequest;
import io.heddle.session.ReadContext;
import io.heddle.session.Session;
import io.heddle.session.ThreadPage;
import io.heddle.session.TurnLog;
import java.util.ArrayDeque;
import java.util.Queue;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;

/**
 * What the running turn of one watched session says. The live channel brings it; where that leaves
 * a hole, or when somebody comes while the turn runs, the turn's log is read, once for all
 * watchers, and what is heard meanwhile waits.
 *
 * <p>Which turn runs follows from the changes that are told, so nothing is told of a turn before
 * its start or after its end. A hub that begins in the middle does not know it yet: a snapshot
 * tells, or the session is asked.
 *
 * <p>Its hub's lock guards it; the store is not asked under it.
 */
final class RunningTurnTracker {

  private static final Logger log = LoggerFactory.getLogger(RunningTurnTracker.class);

  /** Events of one read; a read that leaves some is followed by another. */
  private static final int LOG_READ = 4096;

  private static final int WAITING = 256;

  private final SessionHub hub;
  private final SessionHubs hubs;
  private final SessionKey key;
  private final Watchers watchers;

  /** The session's that was told last. */
  private long version;

  /** Whether it is known which turn runs, or that none does. */
  private boolean known;

  /** Known as of a version that was not told yet. */
  private @Nullable Running later;

  /** The last one whose end was told. */
  private @Nullable String ended;

  /** A turn of which something was heard though it does not run, as far as is known. */
  private @Nullable String stranger;

  /** Of the turn that runs. */
  private @Nullable TurnTranscript said;

  /** {@link TurnTranscript#soFar} as it was told last. */
  private @Nullable Frame soFar;

  /** What was heard of it while something is read. */
  private final Queue<JsonNode> waiting = new ArrayDeque<>(0);

  /** Nothing was heard of it since the last tick. */
  private boolean quiet;

  /** The session or the turn's log is being read. */
  private boolean reading;

  /** The session must say which turn runs. */
  private boolean mustAsk;

  /** The turn's log must be read. */
  private boolean mustRead;

  private record Running(long version, @Nullable String turn) {}

  RunningTurnTracker(SessionHub hub) {
    this.hub = hub;
    this.hubs = hub.hubs;
    this.key = hub.key;
    this.watchers = hub.watchers;
  }

  // ---- which turn runs; all under the lock

  /** A read of the session says which turn runs as of its version. */
  void runs(Session session) {
    if (!known) {
      later = new Running(session.position().version(), session.head().activeTurn());
      settleReached();
    }
  }

  /** The same, of what the watchers begin anew with. */
  void restart(Session session) {
    version = session.position().version();
    waiting.clear();
    settle(session.head().activeTurn());
  }

  /** A watch is level, and only the session can say which turn runs. */
  void want() {
    mustAsk |= !known && later == null;
  }

  /** This change was told. */
  void told(Frame change) {
    String turn = change.turn();
    if (turn != null && change.type().equals(Frame.TURN_STARTED)) {
      begin(turn);
      // What was heard of it before its start was not taken.
      mustRead = turn.equals(stranger);
    } else if (turn != null && !change.type().equals(Frame.TURN_QUEUED)) {
      ended = turn;
      if (said != null && said.turn().equals(turn)) {
        said = null;
      }
    }
    Position position = change.position();
    if (position != null) {
      reached(position.version());
    }
  }

  /** The watchers are at another version. */
  void reached(long version) {
    this.version = version;
    settleReached();
  }

  private void settleReached() {
    Running told = later;
    if (!known && told != null && version >= told.version()) {
      settle(told.turn());
    }
  }

  private void settle(@Nullable String turn) {
    if (turn == null || turn.equals(ended)) {
      known = true;
      later = null;
      said = null;
    } else {
      begin(turn);
      mustRead = true;
    }
  }

  private void begin(String turn) {
    known = true;
    later = null;
    said = new TurnTranscript(key, turn);
    soFar = null;
    waiting.clear();
    quiet = false;
  }

  // ---- what it says; all under the lock

  /** Takes a message of the live channel, if it is one of a turn. */
  void heard(JsonNode message) {
    String turn = message.path("turn").asString("");
    if (turn.isEmpty() || !message.path("events").isArray()) {
      return;
    }
    TurnTranscript now = said;
    if (now == null || !now.turn().equals(turn)) {
      stranger = turn;
      return;
    }
    quiet = false;
    if (!reading) {
      take(now, message);
    } else {
      if (waiting.size() == WAITING) {
        // They are in the log too.
        waiting.clear();
      }
      waiting.add(message);
    }
  }

  private void take(TurnTranscript now, JsonNode message) {
    long seq = message.path("seq").asLong(Long.MAX_VALUE);
    for (JsonNode event : message.path("events")) {
      if (seq > now.seq() + 1) {
        mustRead = true;
        return;
      }
      if (seq > now.seq()) {
        watchers.tell(now.add(event, version));
      }
      seq++;
    }
  }

  /** What the turn has said, for who is at the hub's version; {@link Frame#NOTHING} when none. */
  Frame soFar() {
    TurnTranscript now = said;
    if (now == null || now.seq() == 0) {
      return Frame.NOTHING;
    }
    Frame last = soFar;
    Spoken spoken = last == null ? null : last.spoken();
    if (last == null
        || spoken == null
        || spoken.seq() != now.seq()
        || spoken.version() != version) {
      last = now.soFar(version);
      soFar = last;
    }
    return last;
  }

  /**
   * Once a second: a turn of which nothing was heard for that long may be one that is not heard.
   */
  void tick() {
    if (said != null) {
      mustRead |= quiet;
      quiet = true;
    } else if (stranger != null && !stranger.equals(ended)) {
      known = false;
    }
    stranger = null;
    want();
  }

  // ---- the store; not under the lock

  /** Reads what must be read, if nobody does. */
  void read() {
    TurnTranscript of;
    long after;
    synchronized (hub.lock) {
      of = said;
      after = of == null ? 0 : of.seq();
      if (reading || watchers.areClosed() || !(of == null ? mustAsk : mustRead)) {
        return;
      }
      reading = true;
      mustAsk = false;
      mustRead = false;
    }
    if (of == null) {
      hubs.reader.load(key, ReadContext.ANY, PageRequest.NONE).subscribe(this::told, this::failed);
    } else {
      hubs.counts.logReads.increment();
      hubs.turns
          .read(key, null, of.turn(), after, LOG_READ)
          .subscribe(recorded -> told(of, recorded), this::failed);
    }
  }

  private void told(ThreadPage page) {
    synchronized (hub.lock) {
      reading = false;
      runs(page.session());
      takeWaiting();
    }
    read();
  }

  @SuppressWarnings("ReferenceEquality") // the same turn's telling, not an equal one
  private void told(TurnTranscript of, TurnLog.Recorded recorded) {
    synchronized (hub.lock) {
      reading = false;
      if (said == of && !watchers.areClosed()) {
        follow(of, recorded);
      } else {
        takeWaiting();
      }
    }
    read();
  }

  /** What was heard while something was read is of the turn that runs now, perhaps another one. */
  private void takeWaiting() {
    TurnTranscript now = said;
    for (JsonNode next = waiting.poll(); next != null; next = waiting.poll()) {
      if (now != null) {
        take(now, next);
      }
    }
  }

  private void follow(TurnTranscript of, TurnLog.Recorded recorded) {
    long before = of.seq();
    for (Json event : recorded.events()) {
      of.add(SessionHub.JSON.readTree(event.utf8()), version);
    }
    if (of.seq() < recorded.last() && of.seq() > before) {
      mustRead = true;
      return;
    }
    if (recorded.turn().status().isEnd()) {
      // Its end is on its way as a change, which has all of it.
      ended = of.turn();
      said = null;
      waiting.clear();
      return;
    }
    if (of.seq() > before) {
      watchers.tell(soFar());
    }
    takeWaiting();
    if (of.seq() == before) {
      // What brought nothing would bring nothing again: the next tick is soon enough.
      mustRead = false;
    }
  }

  private void failed(Throwable error) {
    synchronized (hub.lock) {
      reading = false;
      waiting.clear();
      // The next tick asks again; that the session has ended is told by its own log.
      quiet = true;
      if (said != null && isOver(error)) {
        said = null;
      }
    }
    if (!(error instanceof ProblemException)) {
      log.error("{}: its turn's log could not be read", key, error);
    }
  }

  private static boolean isOver(Throwable error) {
    return error instanceof ProblemException refusal
        && refusal.problem().code() == ProblemCode.TURN_NOT_FOUND;
  }
}
