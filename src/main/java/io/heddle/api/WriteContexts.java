package io.heddle.api;

import io.heddle.base.Caller;
import io.heddle.base.IdSource;
import io.heddle.base.SessionKey;
import io.heddle.json.Json;
import io.heddle.session.SessionAttributes;
import io.heddle.session.SessionProperties;
import io.heddle.session.WriteContext;
import io.heddle.session.WritePreconditions;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Makes of a call and its body what the services take. */
final class WriteContexts {

  private static final byte[] NO_BODY = new byte[0];

  private final IdSource ids;
  private final Duration defaultTtl;
  private final Duration lockWait;

  WriteContexts(IdSource ids, SessionProperties properties) {
    this.ids = ids;
    this.defaultTtl = properties.defaultTtl();
    this.lockWait = properties.lockWait();
  }

  WriteContext writing(RequestContext call, SessionKey key) {
    return writing(call, key, NO_BODY);
  }

  WriteContext writing(RequestContext call, SessionKey key, byte[] body) {
    return new WriteContext(
        call.caller(),
        key,
        call.conditions(body),
        RequestHeaders.waitFor(call.headers(), lockWait));
  }

  /** An append over a socket. */
  WriteContext writing(
      Caller caller, SessionKey key, WritePreconditions conditions, @Nullable Duration wait) {
    return new WriteContext(caller, key, conditions, wait == null ? lockWait : wait);
  }

  /** The id a new session gets when its maker does not name one. */
  String newId(RequestContext call, @Nullable String given) {
    if (given != null) {
      return given;
    }
    String derived = call.derivedId();
    return derived != null ? derived : ids.sessionId();
  }

  SessionAttributes description(RequestContext call, SessionBody body) {
    return new SessionAttributes(
        call.owner(body.user()),
        body.title(),
        body.metadata(),
        body.systemPrompt(),
        body.model(),
        SessionAttributes.Status.ACTIVE,
        body.ttl() == null ? defaultTtl : body.ttl());
  }

  /** Of a session that is made because somebody appends to it. */
  SessionAttributes description(RequestContext call) {
    return description(call.caller());
  }

  SessionAttributes description(Caller caller) {
    return new SessionAttributes(
        caller.user(),
        null,
        Json.EMPTY_OBJECT,
        null,
        null,
        SessionAttributes.Status.ACTIVE,
        defaultTtl);
  }
}
