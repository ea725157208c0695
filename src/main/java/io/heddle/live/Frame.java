package io.heddle.live;

import io.heddle.base.Position;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.json.Json;
import io.heddle.json.JsonWriter;
import io.heddle.session.ThreadPage;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collection;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One message to whoever watches, written once: every connection sends the same bytes. A class and
 * not a record, because a connection knows by identity which frame it has encoded last.
 */
public final class Frame {

  /** Ends a server-sent event without a type, and begins the next. */
  public static final String BETWEEN_EVENTS = "\n\ndata: ";

  static final String DELETED = "session.deleted";
  static final String EXPIRED = "session.expired";
  static final String GAP = "gap";
  static final String PRESENCE = "presence";
  static final String SNAPSHOT = "snapshot";
  static final String TURN_STARTED = "turn.started";
  static final String TURN_QUEUED = "turn.queued";

  /** That nothing is to be told. */
  static final Frame NOTHING = new Frame(null, "", "", null);

  /** What a change's durable form begins with, before its type. */
  private static final int TYPE_AT = "{\"type\":\"".length();

  private static final byte[] TURN = ",\"turn\":\"".getBytes(StandardCharsets.US_ASCII);

  private final @Nullable Position position;
  private final String previousTag;
  private final String type;
  private final @Nullable Json json;
  private final Of of;

  /**
   * What a frame knows beside its bytes.
   *
   * @param owner of the session, in a snapshot
   * @param turn whose change it is
   * @param spoken what it tells of what a running turn says
   * @param eventId of a server-sent event that has another than its position
   * @param unwritten bytes that are written when it is sent
   */
  private record Of(
      @Nullable String owner,
      @Nullable String turn,
      @Nullable Spoken spoken,
      @Nullable String eventId,
      @Nullable Unwritten unwritten) {
    static final Of NOBODY = new Of(null, null, null, null, null);
  }

  /**
   * @param about how many bytes it will write
   */
  private record Unwritten(int about, Consumer<JsonWriter> writer) {}

  /**
   * Where a frame stands that tells what a running turn says.
   *
   * @param seq of the last of the turn's events that it tells
   * @param version the session's that its hub had told when it told this: who is at that version
   *     knows that the turn has begun, and has not ended
   */
  record Spoken(String turn, long seq, long version) {}

  private Frame(@Nullable Position position, String previousTag, String type, @Nullable Json json) {
    this(position, previousTag, type, json, Of.NOBODY);
  }

  private Frame(
      @Nullable Position position, String previousTag, String type, @Nullable Json json, Of of) {
    this.position = position;
    this.previousTag = previousTag;
    this.type = type;
    this.json = json;
    this.of = of;
  }

  /** A message that is no change: an answer, or something that is kept only while it lasts. */
  public static Frame of(String type, Json json) {
    return new Frame(null, "", type, json);
  }

  /** A message of a stream that counts its events in its own way. */
  public static Frame event(String type, String id, Json json) {
    return new Frame(null, "", type, json, new Of(null, null, null, id, null));
  }

  static Frame spoken(String type, Spoken spoken, Json json) {
    return new Frame(null, "", type, json, new Of(null, null, spoken, null, null));
  }

  /**
   * The data of an event that has no type, on one line; {@code [DONE]} is not even JSON. Those of
   * several events, each with {@link #BETWEEN_EVENTS} before it but the first, are sent together.
   */
  public static Frame data(byte[] utf8) {
    return new Frame(null, "", "", new Json(utf8));
  }

  /**
   * The same for the one connection that it is sent on: its bytes are written when they go into the
   * connection's buffer, and are nobody's before. To be sent once.
   *
   * @param about how many bytes that will be
   * @param writer called once at most, on the connection's loop
   */
  public static Frame data(int about, Consumer<JsonWriter> writer) {
    Unwritten unwritten = new Unwritten(about, writer);
    return new Frame(null, "", "", null, new Of(null, null, null, null, unwritten));
  }

  /**
   * @param body the change's durable form; null makes a frame that only says that there is one
   */
  static Frame change(SessionKey key, Position position, String previousTag, @Nullable Json body) {
    if (body == null) {
      return new Frame(position, previousTag, "", null);
    }
    byte[] bytes = body.utf8();
    int end = TYPE_AT;
    while (bytes[end] != '"') {
      end++;
    }
    String type = new String(bytes, TYPE_AT, end - TYPE_AT, StandardCharsets.US_ASCII);
    JsonWriter out = open(type, key, position, bytes.length + 192);
    Json json = out.raw(bytes, end + 1, bytes.length).toJson();
    String turn = turn(bytes, end + 1);
    Of of = turn == null ? Of.NOBODY : new Of(null, turn, null, null, null);
    return new Frame(position, previousTag, type, json, of);
  }

  /** The turn that a change names first after its type; its id needs no escapes. */
  private static @Nullable String turn(byte[] body, int from) {
    int begin = from + TURN.length;
    if (body.length <= begin || !Arrays.equals(body, from, begin, TURN, 0, TURN.length)) {
      return null;
    }
    int end = begin;
    while (body[end] != '"') {
      end++;
    }
    return new String(body, begin, end - begin, StandardCharsets.US_ASCII);
  }

  static Frame snapshot(ThreadPage page) {
    Position position = page.session().position();
    byte[] state = page.sessionJson();
    JsonWriter out = open(SNAPSHOT, page.session().key(), position, state.length + 192);
    out.ascii(",\"state\":").raw(state, 0, state.length).ascii("}");
    String owner = page.session().description().user();
    return new Frame(position, "", SNAPSHOT, out.toJson(), new Of(owner, null, null, null, null));
  }

  /**
   * @param since the position after which something cannot be replayed
   */
  static Frame gap(SessionKey key, @Nullable Position since) {
    JsonWriter out = open(GAP, key, null, 192);
    if (since != null) {
      out.ascii(",\"since\":\"").ascii(since.toString()).ascii("\"");
    }
    return new Frame(null, "", GAP, out.ascii("}").toJson());
  }

  /**
   * @param position null when nobody knows it any more
   */
  static Frame end(SessionKey key, @Nullable Position position, String type) {
    return new Frame(position, "", type, open(type, key, position, 192).ascii("}").toJson());
  }

  /** The end of a session that cannot be read because it has ended; null for any other error. */
  public static @Nullable Frame end(SessionKey key, Throwable error) {
    if (!(error instanceof ProblemException refusal)) {
      return null;
    }
    return switch (refusal.problem().code()) {
      case SESSION_DELETED, SESSION_NOT_FOUND -> end(key, null, DELETED);
      case SESSION_EXPIRED -> end(key, null, EXPIRED);
      default -> null;
    };
  }

  static Frame typing(SessionKey key, String user) {
    JsonWriter out = open("typing", key, null, 192).ascii(",\"user\":").string(user);
    return of("typing", out.ascii("}").toJson());
  }

  static Frame presence(SessionKey key, Collection<String> users) {
    JsonWriter out = open(PRESENCE, key, null, 256).name("users");
    return of(PRESENCE, out.array(users, (user, to) -> to.string(user)).done());
  }

  static JsonWriter open(String type, SessionKey key, @Nullable Position position, int size) {
    JsonWriter out = new JsonWriter(size).ascii("{\"type\":\"").ascii(type);
    out.ascii("\",\"session\":\"").ascii(key.id()).ascii("\"");
    if (position != null) {
      out.ascii(",\"position\":\"").ascii(position.toString()).ascii("\"");
    }
    return out;
  }

  /** Where the session stands after it; null for what is not durable. */
  public @Nullable Position position() {
    return position;
  }

  public String type() {
    return type;
  }

  /** What a server-sent event gives as its id; null for one that leaves the last one as it is. */
  public @Nullable String eventId() {
    return position == null ? of.eventId() : position.toString();
  }

  /** The turn whose change it is. */
  @Nullable String turn() {
    return of.turn();
  }

  @Nullable Spoken spoken() {
    return of.spoken();
  }

  /** Whether who may see this owner's sessions only may be sent a snapshot. */
  boolean isOf(@Nullable String other) {
    return other == null || other.equals(of.owner());
  }

  /**
   * Not to be asked of a frame that {@link #isBodyless()}, which is not sent, nor of one that is
   * written when it is sent.
   */
  public byte[] utf8() {
    if (json == null) {
      throw new IllegalStateException("a frame without its body is not sent");
    }
    return json.utf8();
  }

  /** Hands over its bytes, whenever they are written. */
  public void read(JsonWriter.Reader reader) {
    Unwritten unwritten = of.unwritten();
    if (unwritten == null) {
      reader.read(utf8(), utf8().length);
    } else {
      JsonWriter.write(unwritten.writer(), reader);
    }
  }

  /** In bytes, or about so many while they are not written; 0 if it {@link #isBodyless()}. */
  public int size() {
    if (json != null) {
      return json.length();
    }
    return of.unwritten() == null ? 0 : of.unwritten().about();
  }

  /** Whether its body has to be read from the log. */
  boolean isBodyless() {
    return json == null && of.unwritten() == null;
  }

  boolean isEnd() {
    return type.equals(DELETED) || type.equals(EXPIRED);
  }

  /** Whether it is a change that others may follow, or a snapshot. */
  boolean isDurable() {
    return position != null;
  }

  /** The position that this change follows; null when it is a session's first. */
  @Nullable Position previous() {
    return position == null || position.version() < 2 || previousTag.isEmpty()
        ? null
        : new Position(position.version() - 1, previousTag);
  }

  /** How it stands to somebody who is at a position. */
  Step stepFrom(Position at) {
    Position mine = position;
    if (mine == null || mine.version() < at.version()) {
      return Step.DUPLICATE;
    }
    if (mine.version() == at.version()) {
      return mine.tag().equals(at.tag()) ? Step.DUPLICATE : Step.GAP;
    }
    boolean next = mine.version() == at.version() + 1 && previousTag.equals(at.tag());
    return next && !isBodyless() ? Step.NEXT : Step.GAP;
  }

  enum Step {
    /** It has been seen. */
    DUPLICATE,
    /** It is the next one. */
    NEXT,
    /** Something before it, or its body, must be read from the log. */
    GAP
  }
}
