package io.heddle.openai;

import io.heddle.session.MessagePlace;
import java.util.ArrayList;
import java.util.List;

/**
 * Ids of items. An item that is all of its message has the message's id, with the prefix of its
 * kind where Heddle made the id. Those of a message that is several items have its id behind what
 * they are: {@code rs_…}, {@code fc_0_…}. Answers of turns always have the second form, because a
 * stream names its items before it knows how many there will be.
 */
final class ItemIds {

  static final String MESSAGE = "msg_";
  static final String CALL = "fc_";
  static final String OUTPUT = "fco_";
  static final String REASONING = "rs_";
  static final String OTHER = "item_";

  private static final List<String> PREFIXES = List.of(CALL, OUTPUT, REASONING, OTHER);

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

  /** Whether Heddle made it: then it names a place in one thread, and is no name for another. */
  static boolean isMade(String id) {
    return messages(id).stream().anyMatch(message -> MessagePlace.parse(message) != null);
  }

  /** The ids that the item's message may have, the likely ones first. */
  static List<String> messages(String id) {
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
