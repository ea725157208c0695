package io.heddle.turn;

import io.heddle.json.Json;
import io.heddle.session.Message;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A thread as its last summary shows it: the instructions that it begins with, the summary, and all
 * that the summary does not stand for.
 *
 * @param lead bodies that are told first, in any case; none without a summary
 * @param summary the message that the lead ends with, or null
 * @param rest messages, oldest first
 * @param more whether there are messages between the two that are not here
 */
record StandIn(List<Json> lead, @Nullable Message summary, List<Message> rest, boolean more) {

  /**
   * @param thread its newest messages
   * @param before the last summary among its older ones, or null
   * @param more whether it has older ones
   * @param own ids of messages that no summary stands for
   */
  static StandIn of(List<Message> thread, @Nullable Message before, boolean more, Set<String> own) {
    int last = Summary.last(thread);
    if (last < 0) {
      return before == null
          ? new StandIn(List.of(), null, thread, more)
          : new StandIn(List.of(before.body()), before, thread, true);
    }
    Message message = thread.get(last);
    Summary summary = Summary.of(message.body());
    int kept = summary == null ? 0 : summary.kept();
    int from = Math.max(0, last - kept);
    List<Json> lead = new ArrayList<>(2);
    int first = 0;
    while (!more && first < from && isInstruction(thread.get(first))) {
      lead.add(thread.get(first++).body());
    }
    lead.add(message.body());
    List<Message> rest = new ArrayList<>(thread.size() - from);
    for (int i = first; i < last; i++) {
      Message each = thread.get(i);
      if (own.contains(each.id()) || (i >= from && Summary.of(each.body()) == null)) {
        rest.add(each);
      }
    }
    rest.addAll(thread.subList(last + 1, thread.size()));
    return new StandIn(lead, message, rest, more && kept > last);
  }

  static boolean isInstruction(Message message) {
    String role = MessageShape.of(message.body()).role();
    return role.equals("system") || role.equals("developer");
  }
}
