package io.heddle.turn;

import io.heddle.json.Json;
import io.heddle.session.Message;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * Messages that a client keeps itself, as their last summary shows them.
 *
 * @param lead instructions that they begin with, and the summary; none without a summary
 * @param rest what the summary does not stand for, oldest first
 */
public record Conversation(List<Json> lead, List<Message> rest) {

  public static Conversation of(List<Message> messages) {
    StandIn thread = StandIn.of(messages, null, false, Set.of());
    return new Conversation(thread.lead(), thread.rest());
  }

  public static Conversation ofBodies(List<Json> bodies) {
    return of(bodies.stream().map(body -> new Message("", 0, Instant.EPOCH, body)).toList());
  }

  /** What a summary of all of it is made of. */
  public List<Json> all() {
    List<Json> all = new ArrayList<>(rest.size() + 1);
    if (!lead.isEmpty()) {
      all.add(lead.getLast());
    }
    rest.forEach(message -> all.add(message.body()));
    return all;
  }

  /** How many of the rest a summary may stand for, so that the last question is told as it is. */
  public int beforeQuestion() {
    return new Boundary(rest).before(rest.size() - 1, 0);
  }

  /**
   * What a model is told once a summary stands for the first messages of the rest.
   *
   * @param summary body of its message
   */
  public List<Json> after(Json summary, int first) {
    List<Json> told = new ArrayList<>();
    if (lead.isEmpty()) {
      for (int i = 0; i < first && StandIn.isInstruction(rest.get(i)); i++) {
        told.add(rest.get(i).body());
      }
    } else {
      told.addAll(lead.subList(0, lead.size() - 1));
    }
    told.add(summary);
    List<Json> kept = rest.subList(first, rest.size()).stream().map(Message::body).toList();
    told.addAll(PromptWindow.arranged(kept, false));
    return told;
  }
}
