package io.heddle.session;

import io.heddle.base.Position;
import io.heddle.base.SessionKey;
import io.heddle.json.JsonWriter;

/** One session as of one position, without its messages. */
public record Session(SessionKey key, SessionAttributes description, Head head) {

  public Position position() {
    return head.position();
  }

  /** Writes the Session object of the native API, without its closing brace. */
  public JsonWriter writeOpen(JsonWriter out) {
    out.ascii("{\"id\":\"").ascii(key.id()).ascii("\",\"user\":").string(description.user());
    description.writeShown(out);
    out.ascii(",\"position\":\"").ascii(head.position().toString());
    out.ascii("\",\"version\":").number(head.position().version());
    out.ascii(",\"messageCount\":").number(head.messageCount());
    out.ascii(",\"bytes\":").number(head.bytes());
    out.ascii(",\"createdAt\":").time(head.createdAt());
    out.ascii(",\"updatedAt\":").time(head.updatedAt());
    out.ascii(",\"expiresAt\":").time(head.expiresAt());
    out.ascii(",\"ttlSeconds\":").number(description.ttl().toSeconds());
    return out.ascii(",\"activeTurn\":").string(head.activeTurn());
  }

  public JsonWriter writeTo(JsonWriter out) {
    return writeOpen(out).ascii("}");
  }
}
