package io.heddle.turn;

import io.heddle.json.InvalidJson;
import io.heddle.json.Json;
import io.heddle.json.JsonValue;
import io.heddle.json.JsonWriter;
import io.heddle.session.Message;
import io.heddle.session.NewMessage;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The mark of a message that stands for the messages before it in what a model is told. It is a
 * user's message for every reader that does not know the mark. Where it stands for less than all of
 * them it says how many messages right before it are told as they are: a number holds in a fork of
 * the thread too, where messages have other places, and when one of them is deleted an older one is
 * told in addition, so that nothing is ever hidden that the text does not cover.
 *
 * @param kept how many messages right before it are still told
 * @param number 1, 2, 3 … in its thread; 0 for one that a client brought along
 */
public record Summary(int kept, int number) {

  /** Of the ids of summaries, which end with their number. */
  public static final String ID = "cmp_";

  private static final String MEMBER = "compaction";

  private static final String PREAMBLE = "Summary of the conversation so far:\n\n";

  /** The member is the last one of its body, and short. */
  private static final int TAIL = 64;

  private static final byte[] MARK = ("\"" + MEMBER + "\":{").getBytes(StandardCharsets.US_ASCII);

  /** The mark of a message, or null. */
  public static @Nullable Summary of(Json body) {
    byte[] utf8 = body.utf8();
    int length = utf8.length;
    return length > 2 && utf8[length - 2] == '}' && hasMark(utf8) ? read(body) : null;
  }

  /** The content of a summary's message, which is text. */
  public static String content(String text) {
    return PREAMBLE + text;
  }

  /** The body of a summary's message. */
  public Json body(String content) {
    JsonWriter out = new JsonWriter(content.length() + 160);
    out.ascii("{\"role\":\"user\",\"content\":").string(content);
    out.ascii(",\"status\":\"completed\",\"").ascii(MEMBER).ascii("\":{\"kept\":").number(kept);
    return out.ascii(",\"number\":").number(number).ascii("}}").toJson();
  }

  NewMessage message(String content) {
    return new NewMessage(id(number), body(content));
  }

  static String id(int number) {
    return ID + number;
  }

  /** The place of the last summary in a thread, or -1. */
  static int last(List<Message> thread) {
    for (int i = thread.size() - 1; i >= 0; i--) {
      if (of(thread.get(i).body()) != null) {
        return i;
      }
    }
    return -1;
  }

  private static boolean hasMark(byte[] utf8) {
    for (int at = Math.max(0, utf8.length - TAIL); at + MARK.length <= utf8.length; at++) {
      if (Arrays.equals(utf8, at, at + MARK.length, MARK, 0, MARK.length)) {
        return true;
      }
    }
    return false;
  }

  private static @Nullable Summary read(Json body) {
    try {
      JsonValue mark = JsonValue.of(body).get(MEMBER);
      return mark == null || !mark.isObject()
          ? null
          : new Summary(number(mark, "kept"), number(mark, "number"));
    } catch (InvalidJson _) {
      return null;
    }
  }

  private static int number(JsonValue mark, String name) {
    return (int) Math.clamp(mark.number(name), 0, Integer.MAX_VALUE);
  }
}
