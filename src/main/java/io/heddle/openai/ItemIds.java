package io.heddle.openai;

import io.heddle.json.JsonValue;
import io.heddle.session.MessagePlace;
import io.heddle.turn.Summary;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Ids of items. An item that is all of its message has the message's id, with the prefix of its
 * kind where Heddle made the id. Those of a message that is several items have its id behind what
 * they are: {@code rs_…}, {@code fc_0_…}. Answers of turns always have the second form, because a
 * stream names its items before it knows how many there will be.
 *
 * <p>An id that Heddle made ends with the session it is in, {@link #suffix}: a reference to an item
 * names nothing else. Without that end it is the item's local id, which is enough where the session
 * is known, and is what versions before this one gave out.
 */
final class ItemIds {

  static final String MESSAGE = "msg_";
  static final String CALL = "fc_";
  static final String OUTPUT = "fco_";
  static final String REASONING = "rs_";
  static final String OTHER = "item_";
  static final String COMPACTION = Summary.ID;

  /** Of the copy of a message that another session's place names. */
  private static final String COPY = "msg_of_";

  private static final List<String> PREFIXES = List.of(CALL, OUTPUT, REASONING, OTHER, COMPACTION);

  /**
   * What Heddle makes: a place or a turn's random characters behind a prefix, the number of a later
   * part of a streamed answer, and the session.
   */
  private static final Pattern MADE =
      Pattern.compile(
          "((?:msg|rs|fc|fco|item|cmp)_(?:\\d{1,9}_)?"
              + "(\\d{1,16}-\\d{1,9}_[0-9a-z]{12}|[0-9a-z]{16}))(?:_\\d{1,9})?(?:_([rcsx].+))?");

  /** Of a summary of the session's thread, which is numbered. */
  private static final Pattern NUMBERED = Pattern.compile("(cmp_\\d{1,9})_([rcsx].+)");

  private static final String HEX = "[0-9a-f]";
  private static final Pattern UUID_FORM =
      Pattern.compile(HEX + "{8}-" + HEX + "{4}-" + HEX + "{4}-" + HEX + "{4}-" + HEX + "{12}");
  private static final Pattern CONVERSATION_FORM = Pattern.compile(HEX + "{48}");

  private static final Base64.Encoder TO_TEXT = Base64.getUrlEncoder().withoutPadding();
  private static final Base64.Decoder FROM_TEXT = Base64.getUrlDecoder();

  private ItemIds() {}

  /** Of the one item of a message. */
  static String only(String message, String prefix) {
    return MessagePlace.parse(message) == null ? message : prefix + rest(message);
  }

  static String reasoning(String message) {
    return REASONING + rest(message);
  }

  /** Of a message's tool call, by its place among them. */
  static String call(String message, int index) {
    return CALL + index + "_" + rest(message);
  }

  private static String rest(String message) {
    return message.startsWith(MESSAGE) ? message.substring(MESSAGE.length()) : message;
  }

  // ---- the session

  /** The end of the ids of items of a session; of none for local ids. */
  static String suffix(String session) {
    return session.isEmpty() ? "" : "_" + code(session);
  }

  /** The same where the ids of a message's items are Heddle's; else nothing. */
  static String suffix(String session, String message, JsonValue body) {
    return isOurs(message, body) ? suffix(session) : "";
  }

  private static boolean isOurs(String message, JsonValue body) {
    return MessagePlace.parse(message) != null
        || (body.has("turn") && MADE.matcher(message).matches());
  }

  /** Short for the ids that Heddle makes of sessions, which are most. */
  private static String code(String session) {
    int from = session.indexOf('_') + 1;
    String rest = session.substring(from);
    if (session.startsWith("conv_") && CONVERSATION_FORM.matcher(rest).matches()) {
      return "c" + TO_TEXT.encodeToString(HexFormat.of().parseHex(rest));
    }
    char kind = session.startsWith("rsp_") ? 'r' : session.startsWith("ses_") ? 's' : 'x';
    if (kind == 'x' || !UUID_FORM.matcher(rest).matches()) {
      return "x" + session;
    }
    UUID id = UUID.fromString(rest);
    ByteBuffer bytes = ByteBuffer.allocate(16);
    bytes.putLong(id.getMostSignificantBits()).putLong(id.getLeastSignificantBits());
    return kind + TO_TEXT.encodeToString(bytes.array());
  }

  private static @Nullable String session(String code) {
    String rest = code.substring(1);
    if (code.charAt(0) == 'x') {
      return rest;
    }
    byte[] bytes;
    try {
      bytes = FROM_TEXT.decode(rest);
    } catch (IllegalArgumentException _) {
      return null;
    }
    if (code.charAt(0) == 'c') {
      return bytes.length == 24 ? "conv_" + HexFormat.of().formatHex(bytes) : null;
    }
    if (bytes.length != 16) {
      return null;
    }
    ByteBuffer id = ByteBuffer.wrap(bytes);
    return (code.charAt(0) == 'r' ? "rsp_" : "ses_") + new UUID(id.getLong(), id.getLong());
  }

  /**
   * An id as Heddle made it.
   *
   * @param local what names the item in its session
   * @param message the id of its message
   * @param session null when the id does not say it
   */
  record Made(String local, String message, @Nullable String session) {}

  /** Null for an id that is a client's own. */
  static @Nullable Made made(String id) {
    Matcher matcher = MADE.matcher(id);
    if (!matcher.matches()) {
      return numbered(id);
    }
    String code = matcher.group(3);
    String session = code == null ? null : session(code);
    return code != null && session == null
        ? null
        : new Made(matcher.group(1), MESSAGE + matcher.group(2), session);
  }

  private static @Nullable Made numbered(String id) {
    Matcher matcher = NUMBERED.matcher(id);
    String session = matcher.matches() ? session(matcher.group(2)) : null;
    return session == null ? null : new Made(matcher.group(1), matcher.group(1), session);
  }

  /** The id without the session at its end. */
  static String local(String id) {
    Made made = made(id);
    return made == null ? id : made.local();
  }

  /** Whether both name the same item of one session. */
  static boolean same(String one, String other) {
    return one.equals(other) || local(one).equals(local(other));
  }

  /** Whether it names a place in one thread, and is no name for another. */
  static boolean isPlace(String id) {
    return messages(id).stream().anyMatch(message -> MessagePlace.parse(message) != null);
  }

  /** What a copy of a message in another session is called, always the same. */
  static String copy(String message) {
    return MessagePlace.parse(message) == null ? message : COPY + rest(message);
  }

  /** Whether it is the name of a copy and could be no other. */
  static boolean isCopy(String message) {
    return message.startsWith(COPY);
  }

  /** The ids that the item's message may have, the likely ones first. */
  static List<String> messages(String id) {
    Made made = made(id);
    if (made != null && made.session() != null) {
      return made.message().equals(made.local())
          ? List.of(made.message())
          : List.of(made.message(), made.local());
    }
    List<String> candidates = new ArrayList<>();
    for (String prefix : PREFIXES) {
      if (id.startsWith(prefix)) {
        String rest = id.substring(prefix.length());
        int underscore = rest.indexOf('_');
        boolean numbered =
            prefix.equals(CALL)
                && underscore > 0
                && rest.substring(0, underscore).chars().allMatch(c -> c >= '0' && c <= '9');
        add(candidates, MESSAGE + rest);
        if (numbered) {
          add(candidates, MESSAGE + rest.substring(underscore + 1));
          candidates.add(rest.substring(underscore + 1));
        }
        if (prefix.equals(REASONING)) {
          candidates.add(rest);
        }
      }
    }
    candidates.add(id);
    if (made != null && !candidates.contains(made.message())) {
      // Of a later part of a streamed answer.
      candidates.add(made.message());
    }
    return candidates;
  }

  /** A place comes first: nothing but an item's message has such an id. */
  private static void add(List<String> candidates, String message) {
    if (MessagePlace.parse(message) == null) {
      candidates.add(message);
    } else {
      candidates.addFirst(message);
    }
  }
}
