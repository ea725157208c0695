package io.heddle.openai;

import io.heddle.answercache.AnswerStore;
import io.heddle.base.SessionKey;
import io.heddle.session.Turn;
import io.heddle.turn.Turns;
import io.heddle.web.AdmissionGate;
import io.heddle.web.RequestContext;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import reactor.core.publisher.Mono;

/**
 * Finds the turn that an earlier try of the same request began. Libraries of OpenAI send no
 * idempotency key; they say how often they have sent a request. So a second try is given the turn
 * of the same caller, path and body in the same session, while it runs and, if nothing came after
 * it, for {@link #WITHIN} more: before any limit, because it was counted once.
 */
final class SdkRetries {

  static final Duration WITHIN = Duration.ofMinutes(2);

  /** Longer than a turn takes and a client waits for it. */
  private static final Duration REMEMBERED = Duration.ofHours(1);

  private static final String KEY = "openai/try/";
  private static final String TYPE = "text/plain";

  private final Turns turns;
  private final AnswerStore answers;
  private final AdmissionGate gate;

  SdkRetries(Turns turns, AnswerStore answers, AdmissionGate gate) {
    this.turns = turns;
    this.answers = answers;
    this.gate = gate;
  }

  /** The turn that was begun in this session, or empty. */
  Mono<Turn> in(RequestContext call, SessionKey key, String fingerprint) {
    if (!call.isRetry()) {
      return Mono.empty();
    }
    return turns
        .reattach(key, call.view(), fingerprint, WITHIN)
        .onErrorResume(Conversations::isGone, _ -> Mono.empty())
        .flatMap(turn -> gate.giveBack(call).thenReturn(turn));
  }

  /** The turn that was begun in a session which the request made, or empty. */
  Mono<Turn> anywhere(RequestContext call, String fingerprint) {
    if (!call.isRetry()) {
      return Mono.empty();
    }
    return answers
        .get(call.caller().tenant(), KEY + fingerprint)
        .onErrorResume(_ -> Mono.empty())
        .mapNotNull(answer -> call.keyOrNull(new String(answer.body(), StandardCharsets.US_ASCII)))
        .flatMap(key -> in(call, key, fingerprint));
  }

  /**
   * Says which session a request is about to make, for a second try of it. That it fails is no
   * reason to refuse the first.
   */
  Mono<Void> remember(RequestContext call, String fingerprint, SessionKey key) {
    if (!call.countsRetries()) {
      return Mono.empty();
    }
    return answers
        .put(
            call.caller().tenant(),
            KEY + fingerprint,
            TYPE,
            key.id().getBytes(StandardCharsets.US_ASCII),
            REMEMBERED)
        .onErrorComplete()
        .then();
  }
}
