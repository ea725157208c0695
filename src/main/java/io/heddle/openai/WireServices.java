package io.heddle.openai;

import io.heddle.base.IdSource;
import io.heddle.session.SessionReader;
import io.heddle.session.SessionService;
import io.heddle.session.SessionServices;
import io.heddle.session.ThreadService;
import io.heddle.turn.StatelessCalls;
import io.heddle.turn.Turns;
import io.heddle.turn.Upstream;
import io.heddle.web.AdmissionGate;
import io.heddle.web.Connections;
import io.heddle.web.RequestContext;
import java.time.InstantSource;

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

  /** Names what is stored nowhere. */
  String random() {
    return ids.tag() + ids.tag();
  }

  /** The model that answers when a request names none; empty when there is none. */
  String defaultModel() {
    return upstream.models().stream().findFirst().map(Upstream.Model::id).orElse("");
  }
}
