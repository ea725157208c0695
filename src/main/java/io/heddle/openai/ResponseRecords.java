package io.heddle.openai;

import io.heddle.answercache.AnswerStore;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.session.Turn;
import io.heddle.turn.Turns;
import io.heddle.web.RequestContext;
import java.time.Duration;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Responses that were given, as the records of their turns have them. A turn's record cannot be
 * taken away before its time; that its response was deleted is noted beside it.
 */
final class ResponseRecords {

  private static final String DELETED = "openai/deleted/";

  /** Longer than any record is kept. */
  private static final Duration REMEMBERED = Duration.ofDays(31);

  private final Turns turns;
  private final ItemPages pages;
  private final AnswerStore answers;

  ResponseRecords(Turns turns, ItemPages pages, AnswerStore answers) {
    this.turns = turns;
    this.pages = pages;
    this.answers = answers;
  }

  /**
   * Where another response may go on.
   *
   * @param last the last message of the thread up to there
   * @param running whether it has not ended
   * @param conversation whether it is in a session that the client named
   */
  record Point(String last, boolean running, boolean conversation) {}

  /** The turn of a response that can be asked for, or empty. */
  Mono<Turn> find(RequestContext call, ResponseId id) {
    SessionKey key = call.keyOrNull(id.session());
    return key == null
        ? Mono.empty()
        : turns
            .get(key, call.view(), id.turn())
            .filter(turn -> ResponseNotes.of(turn).store())
            .filterWhen(_ -> isThere(call, id))
            .onErrorResume(ResponseRecords::isAbsent, _ -> Mono.empty());
  }

  /** Empty when there is no such response, or nothing left of it. */
  Mono<Point> point(RequestContext call, SessionKey key, ResponseId id) {
    return turns
        .get(key, call.view(), id.turn())
        .flatMap(turn -> point(call, turn))
        .onErrorResume(
            error -> ProblemException.is(error, ProblemCode.TURN_NOT_FOUND),
            // Its record has gone, but while the session lives its answer is there.
            _ ->
                pages
                    .message(key, call.view(), ItemIds.MESSAGE + id.random())
                    .map(page ->
                        new Point(
                            page.messages().getFirst().id(), false, Conversations.isOne(key))))
        .filterWhen(_ -> isThere(call, id))
        .onErrorResume(ResponseRecords::isAbsent, _ -> Mono.empty());
  }

  /** The id of the item that a response left in its thread, or empty. */
  Mono<String> answer(RequestContext call, ResponseId id) {
    SessionKey key = call.keyOrNull(id.session());
    return key == null
        ? Mono.empty()
        : pages
            .message(key, call.view(), ItemIds.MESSAGE + id.random())
            .map(page -> page.messages().getFirst().id() + ItemIds.suffix(id.session()))
            .filterWhen(_ -> isThere(call, id))
            .onErrorResume(ResponseRecords::isAbsent, _ -> Mono.empty());
  }

  /** Its last message that was not deleted since. */
  private Mono<Point> point(RequestContext call, Turn turn) {
    boolean conversation = ResponseNotes.of(turn).conversation();
    if (!turn.status().isEnd()) {
      return Mono.just(new Point("", true, conversation));
    }
    return Flux.fromIterable(turn.output().reversed())
        .concatWith(Flux.fromIterable(turn.input().reversed()))
        .concatMap(
            message ->
                pages
                    .message(turn.session(), call.view(), message)
                    .map(page -> new Point(page.messages().getFirst().id(), false, conversation)),
            1)
        .next();
  }

  Mono<Void> delete(RequestContext call, ResponseId id) {
    return answers
        .put(call.caller().tenant(), DELETED + id, "text/plain", new byte[0], REMEMBERED)
        .then();
  }

  private Mono<Boolean> isThere(RequestContext call, ResponseId id) {
    return answers.get(call.caller().tenant(), DELETED + id).hasElement().map(deleted -> !deleted);
  }

  private static boolean isAbsent(Throwable error) {
    ProblemCode code = ProblemException.codeOf(error);
    return Conversations.isGone(error) || code == ProblemCode.TURN_NOT_FOUND;
  }
}
