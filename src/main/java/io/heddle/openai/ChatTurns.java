package io.heddle.openai;

import io.heddle.base.Json;
import io.heddle.base.ProblemCode;
import io.heddle.base.SessionKey;
import io.heddle.session.IdempotentRequest;
import io.heddle.session.Message;
import io.heddle.session.NewMessage;
import io.heddle.session.PageRequest;
import io.heddle.session.SessionReader;
import io.heddle.session.ThreadPage;
import io.heddle.session.Turn;
import io.heddle.session.WriteContext;
import io.heddle.session.WritePreconditions;
import io.heddle.session.service.SessionService;
import io.heddle.session.service.WholePages;
import io.heddle.turn.TurnSpec;
import io.heddle.turn.Turns;
import java.util.ArrayList;
import java.util.List;
import reactor.core.publisher.Mono;

/** Begins the turn of a chat completion that names a session. */
final class ChatTurns {

  private static final Json NOTES = Json.of("{\"wire\":\"chat\"}");

  private final Turns turns;
  private final SessionService sessions;
  private final SessionReader reader;
  private final AdmissionGate gate;
  private final RequestBodies bodies;
  private final Conversations conversations;
  private final SdkRetries tries;

  ChatTurns(
      Turns turns,
      SessionService sessions,
      SessionReader reader,
      AdmissionGate gate,
      RequestBodies bodies,
      Conversations conversations,
      SdkRetries tries) {
    this.turns = turns;
    this.sessions = sessions;
    this.reader = reader;
    this.gate = gate;
    this.bodies = bodies;
    this.conversations = conversations;
    this.tries = tries;
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
              return isRepeated(request)
                  .flatMap(repeated -> {
                    TurnSpec order =
                        new TurnSpec(
                            repeated ? input : PendingToolCalls.check(page, input),
                            ask.model(),
                            ask.instructions(),
                            ask.parameters(),
                            call.onBusy(),
                            null,
                            NOTES,
                            fingerprint,
                            ask.prompt(),
                            0);
                    return gate.write(call, request, () -> turns.begin(request, order))
                        .map(written -> written.value());
                  });
            });
    return Conversations.named(key, tries.in(call, key, fingerprint).switchIfEmpty(fresh));
  }

  private List<NewMessage> input(List<Json> added) {
    List<NewMessage> input = new ArrayList<>(added.size());
    for (Json message : added) {
      input.add(bodies.checked(new NewMessage(null, message), "messages"));
    }
    return input;
  }

  private Mono<ThreadPage> thread(RequestContext call, SessionKey key, boolean create) {
    PageRequest last = PageRequest.last(PendingToolCalls.WINDOW);
    Mono<ThreadPage> page = WholePages.load(reader, key, call.view(), last);
    if (!create) {
      return page;
    }
    return page.onErrorResume(
        error -> Conversations.code(error) == ProblemCode.SESSION_NOT_FOUND,
        _ -> {
          if (call.idempotencyKey() == null) {
            gate.once(call);
          }
          return sessions
              .put(
                  call.writing(key, WritePreconditions.NONE),
                  conversations.description(call.caller(), Json.EMPTY_OBJECT),
                  List.of())
              .then(page);
        });
  }

  private Mono<Boolean> isRepeated(WriteContext request) {
    IdempotentRequest retry = request.requested().retry();
    return retry == null ? Mono.just(false) : sessions.isRecorded(request.key(), retry);
  }
}
