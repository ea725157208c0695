package io.heddle.session;

import io.heddle.json.JsonWriter;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A session and some of its messages, all as of one position. It knows its JSON: written when it is
 * first asked for, and then the same bytes for everybody.
 */
public final class ThreadPage {

  private static final int SESSION_WEIGHT = 768;

  private final Session session;
  private final List<Message> messages;
  private final boolean hasMore;
  private final long endsAt;
  private final Origin origin;
  private final Ready ready;

  /** Where an answer was read. */
  public enum Origin {
    /** In this replica's near cache. */
    HIT,
    /** In the store, and it may be remembered. */
    MISS,
    /** In the store, past the near cache. */
    BYPASS
  }

  /**
   * @param hasMore whether the asked stretch of the thread goes on past these messages
   * @param endsAt when the session ends unless it is written to before, by {@link
   *     System#nanoTime()} and never too late
   */
  public ThreadPage(Session session, List<Message> messages, boolean hasMore, long endsAt) {
    this(session, messages, hasMore, endsAt, Origin.BYPASS, new Ready());
  }

  private ThreadPage(
      Session session,
      List<Message> messages,
      boolean hasMore,
      long endsAt,
      Origin origin,
      Ready ready) {
    this.session = session;
    this.messages = messages;
    this.hasMore = hasMore;
    this.endsAt = endsAt;
    this.origin = origin;
    this.ready = ready;
  }

  public Session session() {
    return session;
  }

  public List<Message> messages() {
    return messages;
  }

  public boolean hasMore() {
    return hasMore;
  }

  public long endsAt() {
    return endsAt;
  }

  public Origin origin() {
    return origin;
  }

  /** The same page, read there. */
  public ThreadPage from(Origin origin) {
    return new ThreadPage(session, messages, hasMore, endsAt, origin, ready);
  }

  /** The position in quotes, as a client gives it back. */
  public String tag() {
    String tag = ready.tag;
    if (tag == null) {
      tag = "\"" + session.position() + "\"";
      ready.tag = tag;
    }
    return tag;
  }

  /** {@code {"session","position","data":[…],"hasMore"}}. Not to be changed. */
  public byte[] json() {
    byte[] bytes = ready.page;
    if (bytes == null) {
      bytes = write(new JsonWriter(weight()));
      ready.page = bytes;
    }
    return bytes;
  }

  /** The Session object without messages. Not to be changed. */
  public byte[] bareSessionJson() {
    byte[] bytes = ready.bare;
    if (bytes == null) {
      bytes = session.writeTo(new JsonWriter(SESSION_WEIGHT)).toBytes();
      ready.bare = bytes;
    }
    return bytes;
  }

  /** The Session object with {@code messages}. Not to be changed. */
  public byte[] sessionJson() {
    byte[] bytes = ready.session;
    if (bytes == null) {
      JsonWriter out = session.writeOpen(new JsonWriter(weight())).ascii(",\"messages\":");
      bytes = writeMessages(out).ascii("}").toBytes();
      ready.session = bytes;
    }
    return bytes;
  }

  /** About how many bytes its JSON has. */
  public int weight() {
    int weight = SESSION_WEIGHT + session.description().weight();
    for (Message message : messages) {
      weight += message.weight();
    }
    return weight;
  }

  private byte[] write(JsonWriter out) {
    out.ascii("{\"session\":\"").ascii(session.key().id());
    out.ascii("\",\"position\":\"").ascii(session.position().toString()).ascii("\",\"data\":");
    return writeMessages(out)
        .ascii(",\"hasMore\":")
        .ascii(Boolean.toString(hasMore))
        .ascii("}")
        .toBytes();
  }

  private JsonWriter writeMessages(JsonWriter out) {
    return out.array(messages, Message::writeTo);
  }

  /** Two threads may write the same bytes twice; that costs less than a lock. */
  private static final class Ready {
    private volatile byte @Nullable [] page;
    private volatile byte @Nullable [] session;
    private volatile byte @Nullable [] bare;
    private volatile @Nullable String tag;
  }
}
