package io.heddle.api;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.json.JsonReader;
import io.heddle.json.JsonWriter;
import io.heddle.session.MessagePlace;
import io.heddle.session.NewMessage;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads messages of a request into the form that is stored: one object, on one line, its members in
 * a fixed order, each copied token by token. For one request, because it keeps its buffers.
 */
final class MessageShape {

  static final int MAX_MESSAGES = 100;

  private static final int MAX_NAME = 256;
  private static final int MAX_STATUS = 16;
  private static final int MAX_ROLE = 16;

  /** The order of the members in a stored body. */
  private static final String[] MEMBERS = {
    "role", "content", "name", "status", "toolCalls", "toolCallId", "metadata"
  };

  private static final int ROLE = 0;
  private static final int CONTENT = 1;
  private static final int NAME = 2;
  private static final int STATUS = 3;
  private static final int TOOL_CALLS = 4;
  private static final int TOOL_CALL_ID = 5;
  private static final int METADATA = 6;
  private static final int ID = 7;

  private final JsonReader in;
  private final int maxBytes;
  private final JsonWriter values = new JsonWriter(512);
  private final JsonWriter body = new JsonWriter(512);
  private final int[] from = new int[MEMBERS.length];
  private final int[] to = new int[MEMBERS.length];
  private int seen;
  private @Nullable String id;

  MessageShape(JsonReader in, int maxBytes) {
    this.in = in;
    this.maxBytes = maxBytes;
  }

  /** One Message, or {@code {"messages":[…]}}: the first member tells which. */
  List<NewMessage> oneOrMore() {
    in.object();
    if (!in.nextMember()) {
      throw in.refuseMember("", "role", "is missing");
    }
    if (!in.name().equals("messages")) {
      return List.of(message(""));
    }
    List<NewMessage> messages = list(1);
    if (in.nextMember()) {
      throw in.name().equals("messages") ? in.refuse("is there twice") : in.unknownField();
    }
    return messages;
  }

  /** One message, the value of a member. */
  NewMessage one() {
    in.object();
    String path = in.path();
    if (!in.nextMember()) {
      throw in.refuseMember(path, "role", "is missing");
    }
    return message(path);
  }

  /** One message of the user, of which the current value is the content. */
  NewMessage user() {
    String path = in.path();
    values.clear();
    body.clear();
    content();
    body.ascii("{\"role\":\"user\",\"content\":");
    body.raw(values, 0, values.length());
    body.ascii(",\"status\":\"completed\"}");
    if (body.length() > maxBytes) {
      throw tooLarge(path);
    }
    return new NewMessage(null, body.copy());
  }

  /** An array of messages. */
  List<NewMessage> list(int least) {
    in.array();
    String path = in.path();
    List<NewMessage> messages = new ArrayList<>();
    while (in.nextElement()) {
      if (messages.size() == MAX_MESSAGES) {
        throw Problem.field(
                ProblemCode.INVALID_REQUEST,
                path,
                path + " has more than " + MAX_MESSAGES + " messages")
            .with("limit", MAX_MESSAGES)
            .toException();
      }
      in.object();
      String element = path + "[" + messages.size() + "]";
      if (!in.nextMember()) {
        throw in.refuseMember(element, "role", "is missing");
      }
      messages.add(message(element));
    }
    if (messages.size() < least) {
      throw in.refuseMember("", path, "must have at least one message");
    }
    return messages;
  }

  /** The rest of an object whose first member is the current one. */
  private NewMessage message(String path) {
    values.clear();
    body.clear();
    seen = 0;
    id = null;
    do {
      member();
    } while (in.nextMember());

    if (!has(ROLE)) {
      throw in.refuseMember(path, "role", "is missing");
    }
    if (!has(CONTENT) && !has(TOOL_CALLS)) {
      throw in.refuseMember(path, "content", "is missing; only a message with toolCalls may be so");
    }
    char before = '{';
    for (int member = 0; member < MEMBERS.length; member++) {
      boolean defaulted = member == CONTENT || member == STATUS;
      if (!has(member) && !defaulted) {
        continue;
      }
      body.ascii(before);
      before = ',';
      body.ascii('"');
      body.ascii(MEMBERS[member]);
      body.ascii("\":");
      if (has(member)) {
        body.raw(values, from[member], to[member]);
      } else {
        body.ascii(member == CONTENT ? "null" : "\"completed\"");
      }
    }
    body.ascii('}');
    if (body.length() > maxBytes) {
      throw tooLarge(path);
    }
    return new NewMessage(id, body.copy());
  }

  private void member() {
    int member =
        switch (in.name()) {
          case "role" -> ROLE;
          case "content" -> CONTENT;
          case "name" -> NAME;
          case "status" -> STATUS;
          case "toolCalls" -> TOOL_CALLS;
          case "toolCallId" -> TOOL_CALL_ID;
          case "metadata" -> METADATA;
          case "id" -> ID;
          default -> throw in.unknownField();
        };
    seen = in.once(seen, member);
    if (in.isNull()) {
      // Clients write null for what they do not have; a role must be there.
      if (member == ROLE) {
        throw in.refuse("must be one of system, developer, user, assistant, tool");
      }
      if (member < MEMBERS.length) {
        to[member] = -1;
      }
      return;
    }
    if (member == ID) {
      id = messageId();
      return;
    }
    from[member] = values.length();
    switch (member) {
      case ROLE -> word(MAX_ROLE, "system", "developer", "user", "assistant", "tool");
      case STATUS -> word(MAX_STATUS, "completed", "incomplete");
      case CONTENT -> content();
      case TOOL_CALLS -> toolCalls();
      case METADATA -> Metadata.copy(in, values);
      default -> in.copyString(values, 1, MAX_NAME);
    }
    to[member] = values.length();
  }

  private boolean has(int member) {
    return (seen & 1 << member) != 0 && to[member] >= 0;
  }

  private void word(int max, String... words) {
    String word = in.isString() ? in.string(0, 1 << 20) : "";
    if (word.length() <= max) {
      for (String known : words) {
        if (known.equals(word)) {
          values.ascii('"');
          values.ascii(known);
          values.ascii('"');
          return;
        }
      }
    }
    throw in.refuse("must be one of " + String.join(", ", words));
  }

  private void content() {
    if (in.isString()) {
      in.copy(values);
      return;
    }
    if (!in.isArray()) {
      throw in.refuse("must be a string or an array of parts");
    }
    int parts = 0;
    values.ascii('[');
    while (in.nextElement()) {
      if (parts++ > 0) {
        values.ascii(',');
      }
      part();
    }
    values.ascii(']');
    if (parts == 0) {
      throw in.refuse("must have at least one part");
    }
  }

  private void part() {
    if (!in.isObject()) {
      throw in.refuse("must be a part: an object with a type");
    }
    String path = in.path();
    boolean typed = false;
    boolean more = false;
    values.ascii('{');
    while (in.nextMember()) {
      if (more) {
        values.ascii(',');
      }
      more = true;
      if (in.name().equals("type")) {
        if (!in.isString()) {
          throw in.refuse("must be a string");
        }
        typed = true;
      }
      in.copyName(values);
      in.copy(values);
    }
    values.ascii('}');
    if (!typed) {
      throw in.refuseMember(path, "type", "is missing");
    }
  }

  private void toolCalls() {
    if (!in.isArray()) {
      throw in.refuse("must be an array of tool calls");
    }
    int calls = 0;
    values.ascii('[');
    while (in.nextElement()) {
      if (!in.isObject()) {
        throw in.refuse("must be an object");
      }
      if (calls++ > 0) {
        values.ascii(',');
      }
      in.copy(values);
    }
    values.ascii(']');
    if (calls == 0) {
      throw in.refuse("must have at least one tool call");
    }
  }

  private String messageId() {
    String given = in.string(1, 128);
    if (!SessionKey.isId(given)) {
      throw in.refuse("must be [A-Za-z0-9._:@-]{1,128}, not . or ..");
    }
    if (MessagePlace.parse(given) != null) {
      throw in.refuse("has the form of the ids that Heddle gives");
    }
    return given;
  }

  /** Names the message in a list; of a single one, the member that takes up most of it. */
  private ProblemException tooLarge(String path) {
    String field = path;
    if (path.isEmpty()) {
      int largest = CONTENT;
      for (int member = 0; member < MEMBERS.length; member++) {
        if (has(member) && size(member) > size(largest)) {
          largest = member;
        }
      }
      field = MEMBERS[largest];
    }
    return Problem.field(
            ProblemCode.MESSAGE_TOO_LARGE,
            field,
            "The message has " + body.length() + " bytes; at most " + maxBytes + " are allowed")
        .with("limit", maxBytes)
        .toException();
  }

  private int size(int member) {
    return has(member) ? to[member] - from[member] : 0;
  }
}
