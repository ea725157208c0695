package io.heddle.openai;

import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.json.Json;
import io.heddle.session.Message;
import io.heddle.session.NewMessage;
import io.heddle.session.ThreadPage;
import io.heddle.session.Turn;
import io.heddle.session.WriteContext;
import io.heddle.turn.TurnSpec;
import io.heddle.web.RequestContext;
import io.heddle.web.RequestHeaders;
import java.util.ArrayList;
import java.util.List;
import reactor.core.publisher.Mono;

/** Begins the turn of a chat completion that names a session. */
final class ChatTurns {

  private static final Json NOTES = Json.of("{\"wire\":\"chat\"}");

  private final WireServices services;

  ChatTurns(WireServices services) {
    this.services = services;
  }

  /**
   * @param create whether the session is made if it was never there
   */
  Mono<Turn> begin(
      RequestContext call, SessionKey key, boolean create, ChatRequest ask, byte[] body) {
    String fingerprint = call.fingerprint(body);
    WriteContext request = call.writing(key, body);
    Mono<Turn> fresh =
        Mono.defer(() -> thread(call, key, create))
            .flatMap(page -> {
              boolean empty =
                  page.messages().isEmpty() && page.session().head().activeTurn() == null;
              List<Json> thread = page.messages().stream().map(Message::body).toList();
              List<NewMessage> input =
                  input(thread.isEmpty() ? ask.added(empty) : ask.added(thread));
              return services
                  .gate()
                  .isRepeated(request)
                  .flatMap(repeated -> {
                    TurnSpec order =
                        new TurnSpec(
                            repeated ? input : PendingToolCalls.check(page, input),
                            ask.model(),
                            ask.instructions(),
                            ask.parameters(),
                            RequestHeaders.onBusy(call.headers()),
                            null,
                            NOTES,
                            fingerprint,
                            ask.prompt(),
                            0);
                    return services
                        .gate()
                        .write(call, request, () -> services.turns().begin(request, order))
                        .map(written -> written.value());
                  });
            });
    return Conversations.named(
        key, services.tries().in(call, key, fingerprint).switchIfEmpty(fresh));
  }

  private List<NewMessage> input(List<Json> added) {
    List<NewMessage> input = new ArrayList<>(added.size());
    for (Json message : added) {
      input.add(services.bodies().checked(new NewMessage(null, message), "messages"));
    }
    return input;
  }

  private Mono<ThreadPage> thread(RequestContext call, SessionKey key, boolean create) {
    Mono<ThreadPage> page = services.end(call, key);
    if (!create) {
      return page;
    }
    return page.onErrorResume(
        error -> ProblemException.is(error, ProblemCode.SESSION_NOT_FOUND),
        _ -> {
          services.requireAllowedUnlessRepeated(call);
          return services.make(call, key).then(page);
        });
  }
}
