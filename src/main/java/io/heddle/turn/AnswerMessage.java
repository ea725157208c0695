package io.heddle.turn;

import io.heddle.json.Json;
import io.heddle.session.NewMessage;
import java.util.List;

/** An answer that no thread gets, as the messages that a thread would get of it. */
public final class AnswerMessage {

  private static final String CUT = "the answer was cut short";

  private final AnswerBuilder answer = new AnswerBuilder();

  public void add(ModelEvent piece) {
    answer.add(piece);
  }

  /**
   * The bodies of its messages: what was not said to its end is kept as that of a turn is.
   *
   * @param name stands for the turn
   */
  public List<Json> bodies(String name, boolean whole) {
    List<NewMessage> messages = whole ? answer.whole(name) : answer.cutShort(name, CUT);
    return messages.stream().map(NewMessage::body).toList();
  }
}
