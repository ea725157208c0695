package io.heddle.openai;

import io.heddle.base.IdSource;
import io.heddle.base.SessionKey;
import io.heddle.json.Json;
import io.heddle.session.PageRequest;
import io.heddle.session.Session;
import io.heddle.session.SessionReader;
import io.heddle.session.ThreadPage;
import io.heddle.session.WritePreconditions;
import io.heddle.session.WriteResult;
import io.heddle.session.service.SessionService;
import io.heddle.session.service.SessionServices;
import io.heddle.session.service.ThreadService;
import io.heddle.session.service.WholePages;
import io.heddle.turn.StatelessCalls;
import io.heddle.turn.Turns;
import io.heddle.turn.Upstream;
import io.heddle.web.AdmissionGate;
import io.heddle.web.Connections;
import io.heddle.web.RequestContext;
import java.time.InstantSource;
import java.util.List;
import reactor.core.publisher.Mono;

/**
 * What the handlers of this wire share.
 *
 * @param reader the store's, not the near cache: clients of this wire send no position, and expect
 *     to be shown what they have just written through another replica
 */
record WireServices(
    AdmissionGate gate,
    RequestBodies bodies,
    SessionServices all,
    SessionReader reader,
    Turns turns,
    StatelessCalls calls,
    Upstream upstream,
    Connections connections,
    IdSource ids,
    InstantSource clock,
    Conversations conversations,
    ItemPages pages,
    ItemReferences references,
    ResponseRecords records,
    SdkRetries tries) {

  SessionService sessions() {
    return all.sessions();
  }

  ThreadService threads() {
    return all.threads();
  }

  /** Refuses a stream that this replica, or the caller's quota, has no room for. */
  void requireRoom(RequestContext call) {
    connections.requireRoom();
    gate.refuseConnection(call.caller());
  }

  /** Refuses what is over a limit, unless a record of its key may say that it was done before. */
  void requireAllowedUnlessRepeated(RequestContext call) {
    if (call.idempotencyKey() == null) {
      gate.requireAllowed(call.admission());
    }
  }

  /** Makes the session, if it is not there. */
  Mono<WriteResult<Session>> make(RequestContext call, SessionKey key) {
    return sessions()
        .put(
            call.writing(key, WritePreconditions.NONE),
            conversations.description(call.caller(), Json.EMPTY_OBJECT),
            List.of());
  }

  /** The end of a thread, with as much as calls of tools are looked for in. */
  Mono<ThreadPage> end(RequestContext call, SessionKey key) {
    PageRequest last = PageRequest.last(PendingToolCalls.WINDOW);
    return WholePages.load(reader, key, call.view(), last);
  }

  /** Names what is stored nowhere. */
  String random() {
    return ids.tag() + ids.tag();
  }

  /** The model that answers when a request names none; empty when there is none. */
  String defaultModel() {
    return upstream.models().stream().findFirst().map(Upstream.Model::id).orElse("");
  }
}
