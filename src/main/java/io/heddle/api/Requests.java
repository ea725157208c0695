package io.heddle.api;

import io.heddle.base.Caller;
import io.heddle.base.IdSource;
import io.heddle.base.Json;
import io.heddle.base.SessionKey;
import io.heddle.session.Conditions;
import io.heddle.session.Description;
import io.heddle.session.Request;
import io.heddle.session.SessionProperties;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Makes of a call and its body what the services take. */
final class Requests {

  private static final byte[] NO_BODY = new byte[0];

  private final IdSource ids;
  private final Duration defaultTtl;
  private final Duration lockWait;

  Requests(IdSource ids, SessionProperties properties) {
    this.ids = ids;
    this.defaultTtl = properties.defaultTtl();
    this.lockWait = properties.lockWait();
  }

  Request writing(Call call, SessionKey key) {
    return writing(call, key, NO_BODY);
  }

  Request writing(Call call, SessionKey key, byte[] body) {
    return new Request(
        call.caller(), key, call.conditions(body), Terms.waitFor(call.headers(), lockWait));
  }

  /** An append over a socket. */
  Request writing(Caller caller, SessionKey key, Conditions conditions, @Nullable Duration wait) {
    return new Request(caller, key, conditions, wait == null ? lockWait : wait);
  }

  /** The id a new session gets when its maker does not name one. */
  String newId(Call call, @Nullable String given) {
    if (given != null) {
      return given;
    }
    String derived = call.derivedId();
    return derived != null ? derived : ids.sessionId();
  }

  Description description(Call call, SessionBody body) {
    return new Description(
        call.owner(body.user()),
        body.title(),
        body.metadata(),
        body.systemPrompt(),
        body.model(),
        Description.Status.ACTIVE,
        body.ttl() == null ? defaultTtl : body.ttl());
  }

  /** Of a session that is made because somebody appends to it. */
  Description description(Call call) {
    return description(call.caller());
  }

  Description description(Caller caller) {
    return new Description(
        caller.user(), null, Json.EMPTY_OBJECT, null, null, Description.Status.ACTIVE, defaultTtl);
  }
}
