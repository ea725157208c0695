package io.heddle.embedded;

import io.heddle.session.SessionAttributes;
import java.util.ArrayList;
import java.util.List;

/**
 * A map of the store, by what stands in it. The order of {@link #ALL} is that of {@link #ordinal}
 * and is not stored: the store knows the maps by their names.
 */
final class Table<V> {

  /** Each one as it is made; the first of the constants, so that it is there before them. */
  private static final List<Table<?>> DECLARED = new ArrayList<>();

  /** Session by tenant and id; also tombstones and what is being built. */
  static final Table<SessionRecord> SESSIONS = new Table<>("sessions", Codecs.SESSION);

  /** By session number. */
  static final Table<SessionAttributes> DESCRIPTIONS =
      new Table<>("descriptions", Codecs.DESCRIPTION);

  /** By thread number, version and place in the append. */
  static final Table<StoredRecords.Row> MESSAGES = new Table<>("messages", Codecs.ROW);

  /** By thread number and client's message id. */
  static final Table<StoredRecords.Place> NAMES = new Table<>("names", Codecs.PLACE);

  /** By session number and version: the changes that are not appends. */
  static final Table<StoredRecords.Made> CHANGES = new Table<>("changes", Codecs.MADE);

  /** By session number and version. */
  static final Table<StoredRecords.Saved> CHECKPOINTS = new Table<>("checkpoints", Codecs.SAVED);

  /** By session and idempotency key. */
  static final Table<StoredRecords.Kept> RETRIES = new Table<>("retries", Codecs.KEPT);

  /** By time, then session: when to look whether it has expired. Never later than it does. */
  static final Table<Boolean> EXPIRIES = new Table<>("expiries", Codecs.NOTHING);

  /** By time, then a kind and a key: what else is removed when its time has come. */
  static final Table<Boolean> RUBBISH = new Table<>("rubbish", Codecs.NOTHING);

  /** Numbers of sessions and threads whose rows nobody can reach any more. */
  static final Table<Boolean> ORPHANS = new Table<>("orphans", Codecs.NOTHING);

  /** By user and session: when it was last active. */
  static final Table<Long> ACTIVE = new Table<>("active", Codecs.NUMBER);

  /** By user and last activity, newest first. */
  static final Table<Boolean> RECENT = new Table<>("recent", Codecs.NOTHING);

  /** By user: the current session. */
  static final Table<String> CURRENT = new Table<>("current", Codecs.TEXT);

  /** {@code next}: numbers from here on are free. */
  static final Table<Long> NUMBERS = new Table<>("numbers", Codecs.NUMBER);

  /** By session number and the version that a turn was begun in. */
  static final Table<StoredRecords.Ordered> TURNS = new Table<>("turns", TurnCodecs.ORDERED);

  /** By session number and turn's id: the version it was begun in. */
  static final Table<Long> TURN_IDS = new Table<>("turn-ids", Codecs.NUMBER);

  /** By session number and place: the versions that waiting turns were begun in. */
  static final Table<Long> QUEUE = new Table<>("queue", Codecs.NUMBER);

  /** By session number, the version that a turn was begun in, and the first event's seq. */
  static final Table<StoredRecords.Events> LOGS = new Table<>("turn-logs", TurnCodecs.EVENTS);

  /** By time, then session: when to look after its turns. Never later than there is need. */
  static final Table<Boolean> DEADLINES = new Table<>("turn-deadlines", Codecs.NOTHING);

  /** By tenant and hash of the key. */
  static final Table<StoredRecords.Cached> ANSWERS = new Table<>("answers", Codecs.CACHED);

  /** By the time an answer ends, then its key: how much room it takes. */
  static final Table<Long> ANSWER_ENDS = new Table<>("answer-ends", Codecs.NUMBER);

  /** By thread number and a place in a ring: where messages with a client's id stood that went. */
  static final Table<StoredRecords.Gone> GONE = new Table<>("gone", Codecs.GONE);

  static final List<Table<?>> ALL = List.copyOf(DECLARED);

  /** The tables whose keys begin with a session's or a thread's number. */
  static final List<Table<?>> NUMBERED =
      List.of(
          MESSAGES, NAMES, CHANGES, CHECKPOINTS, DESCRIPTIONS, TURNS, TURN_IDS, QUEUE, LOGS, GONE);

  private final int ordinal;
  private final String name;
  private final Codecs.Codec<V> codec;

  private Table(String name, Codecs.Codec<V> codec) {
    this.ordinal = DECLARED.size();
    this.name = name;
    this.codec = codec;
    DECLARED.add(this);
  }

  int ordinal() {
    return ordinal;
  }

  String mapName() {
    return name;
  }

  Codecs.Codec<V> codec() {
    return codec;
  }
}
