package io.heddle.turn;

import io.heddle.base.Position;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.session.Head;
import io.heddle.session.Message;
import io.heddle.session.MessagePlace;
import io.heddle.session.NewMessage;
import io.heddle.session.NewTurn;
import io.heddle.session.ReadContext;
import io.heddle.session.SessionReader;
import io.heddle.session.Turn;
import io.heddle.session.Turn.Cancel;
import io.heddle.session.Write.EndTurn;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** What the store made of a write of ours, where it need not be asked for. */
final class Records {

  private Records() {}

  /** The record of a turn that was just started. */
  static Turn begun(SessionKey key, NewTurn turn, Head head) {
    return new Turn(
        key,
        turn.id(),
        Turn.Status.RUNNING,
        1,
        turn.model(),
        head.updatedAt(),
        head.updatedAt(),
        null,
        head.updatedAt().plus(turn.lease()),
        Cancel.NONE,
        ids(key, head.position(), turn.input()),
        List.of(),
        turn.request(),
        null,
        0);
  }

  /** The end of a turn that was just ended. */
  static TurnEvent.Ended ended(Turn turn, EndTurn write, Head head) {
    SessionKey key = turn.session();
    List<NewMessage> output = write.output();
    List<String> ids = ids(key, head.position(), output);
    List<Message> messages = new ArrayList<>(output.size());
    long seq = head.lastSeq() - output.size();
    for (int i = 0; i < output.size(); i++) {
      messages.add(new Message(ids.get(i), ++seq, head.updatedAt(), output.get(i).body()));
    }
    return new TurnEvent.Ended(
        new Turn(
            key,
            turn.id(),
            write.status(),
            turn.attempt(),
            turn.model(),
            turn.createdAt(),
            turn.startedAt(),
            head.updatedAt(),
            null,
            Cancel.NONE,
            turn.input(),
            ids,
            turn.request(),
            write.end(),
            0),
        messages);
  }

  /** The messages of a turn's output, as far as they are still there. Most have one. */
  static Mono<List<Message>> output(SessionReader reader, Turn turn) {
    return Flux.fromIterable(turn.output())
        .concatMap(id ->
            reader
                .message(turn.session(), ReadContext.ANY, id)
                .map(page -> page.messages().getFirst())
                .onErrorResume(
                    error -> ProblemException.is(error, ProblemCode.MESSAGE_NOT_FOUND),
                    _ -> Mono.empty()))
        .collectList();
  }

  private static List<String> ids(SessionKey key, Position position, List<NewMessage> messages) {
    List<String> ids = new ArrayList<>(messages.size());
    for (int i = 0; i < messages.size(); i++) {
      @Nullable String own = messages.get(i).id();
      ids.add(own != null ? own : MessagePlace.of(key, position, i).id());
    }
    return ids;
  }
}
