package io.heddle.session;

import io.heddle.base.JsonBuffer;
import java.util.List;

/**
 * A session and some of its messages, all as of one position.
 *
 * @param hasMore whether the asked stretch of the thread goes on past these messages
 */
public record ThreadPage(Session session, List<Message> messages, boolean hasMore) {

  /** {@code {"session","position","data":[…],"hasMore"}}. */
  public JsonBuffer writeTo(JsonBuffer out) {
    out.ascii("{\"session\":\"").ascii(session.key().id());
    out.ascii("\",\"position\":\"").ascii(session.position().toString()).ascii("\",\"data\":");
    return writeMessages(out).ascii(",\"hasMore\":").ascii(Boolean.toString(hasMore)).ascii("}");
  }

  /** The Session object with {@code messages}. */
  public JsonBuffer writeSession(JsonBuffer out) {
    session.writeOpen(out).ascii(",\"messages\":");
    return writeMessages(out).ascii("}");
  }

  public int weight() {
    int weight = 512;
    for (Message message : messages) {
      weight += message.weight();
    }
    return weight;
  }

  private JsonBuffer writeMessages(JsonBuffer out) {
    out.ascii("[");
    String comma = "";
    for (Message message : messages) {
      out.ascii(comma);
      message.writeTo(out);
      comma = ",";
    }
    return out.ascii("]");
  }
}
