package io.heddle.openai;

import io.heddle.base.Detached;
import io.heddle.base.Position;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.json.Json;
import io.heddle.session.Message;
import io.heddle.session.MessagePlace;
import io.heddle.session.NewMessage;
import io.heddle.session.PageRequest;
import io.heddle.session.SessionAttributes;
import io.heddle.session.ThreadPage;
import io.heddle.session.WriteContext;
import io.heddle.session.WritePreconditions;
import io.heddle.session.WriteResult;
import io.heddle.web.RequestContext;
import java.time.Duration;
import java.util.List;
import reactor.core.publisher.Mono;
import reactor.util.retry.Retry;

/**
 * Deletes items. Clients take an answer back item by item from its end, and count on each call
 * taking just one: more than was asked for must not go with it. A message is not changed in place;
 * so the rest of it is written again under its id, which can be done only at the thread's end.
 *
 * <p>Further up, an answer of several items is deleted as a whole, by the first item that is more
 * than a thought on the way to the others.
 */
final class ItemRemoval {

  private static final int TRIES = 3;

  /** Of writing the rest again: by then its message is gone. */
  private static final int SENDINGS = 10;

  private static final Duration FIRST_PAUSE = Duration.ofMillis(100);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(2);

  private final WireServices services;

  ItemRemoval(WireServices services) {
    this.services = services;
  }

  /** Whether the item was there. */
  Mono<Boolean> remove(RequestContext call, SessionKey key, String id) {
    return Mono.defer(() -> services.pages().found(key, call.view(), id))
        .flatMap(found ->
            found.all().size() == 1
                ? whole(call, key, found.message())
                : services
                    .reader()
                    .load(key, call.view(), PageRequest.last(1))
                    .flatMap(page -> oneOfSeveral(call, key, found, page)))
        // Something was written in between: what is last has to be looked at again.
        .retryWhen(
            Retry.max(TRIES)
                .filter(error -> ProblemException.is(error, ProblemCode.VERSION_CONFLICT))
                .onRetryExhaustedThrow((_, last) -> last.failure()))
        .hasElement();
  }

  private Mono<WriteResult<Position>> whole(RequestContext call, SessionKey key, Message message) {
    WriteContext request = call.writing(key);
    return services
        .gate()
        .write(call, request, () -> services.threads().deleteMessage(request, message.id()));
  }

  private Mono<WriteResult<Position>> oneOfSeveral(
      RequestContext call, SessionKey key, ItemPages.Found found, ThreadPage end) {
    Message message = found.message();
    boolean last =
        !end.messages().isEmpty()
            && end.messages().getLast().id().equals(message.id())
            && end.session().description().status() == SessionAttributes.Status.ACTIVE;
    if (last && keepsNames(found)) {
      WriteContext request = call.writing(key);
      WriteContext here =
          call.writing(key, request.requested().withPositions(List.of(end.session().position())));
      return services.gate().write(call, here, () -> part(call, here, message, found.item()));
    }
    Item stands = standsForAll(found.all());
    if (!last && stands.id().equals(found.item().id())) {
      return whole(call, key, message);
    }
    String why =
        last
            ? "Item '%s' is one of %d of one answer: delete '%s' first."
                .formatted(found.item().id(), found.all().size(), found.all().getLast().id())
            : "Item '%s' is one of %d of one answer, which is deleted as a whole: delete '%s'."
                .formatted(found.item().id(), found.all().size(), stands.id());
    return Mono.error(WireError.unsupported("item_id", why).toException());
  }

  /** A call is named by its place among the calls; without it, those behind it had other names. */
  private static boolean keepsNames(ItemPages.Found found) {
    return !ItemOutput.isCall(type(found.item()))
        || found.all().getLast().id().equals(found.item().id());
  }

  /** The first item that is more than a thought on the way to the others. */
  private static Item standsForAll(List<Item> items) {
    return items.stream()
        .filter(item -> !item.id().startsWith(ItemIds.REASONING))
        .findFirst()
        .orElse(items.getFirst());
  }

  /** Goes on to its end when the caller hangs up: half of it would lose the rest. */
  private Mono<WriteResult<Position>> part(
      RequestContext call, WriteContext here, Message message, Item item) {
    String own = MessagePlace.parse(message.id()) == null ? message.id() : null;
    NewMessage rest = new NewMessage(own, without(message.body(), item));
    WriteContext again = call.writing(here.key(), WritePreconditions.NONE);
    return Detached.of(
        services
            .threads()
            .deleteMessage(here, message.id())
            .flatMap(
                done -> done.replayed() ? Mono.just(done) : write(again, rest).thenReturn(done)));
  }

  private Mono<Void> write(WriteContext request, NewMessage rest) {
    return Mono.defer(() -> services.threads().append(request, List.of(rest), null))
        .retryWhen(
            Retry.backoff(SENDINGS, FIRST_PAUSE)
                .maxBackoff(LONGEST_PAUSE)
                .filter(ItemRemoval::mayBeRepeated)
                .onRetryExhaustedThrow((_, last) -> last.failure()))
        .then()
        // By a sending that was not answered.
        .onErrorResume(
            error -> ProblemException.is(error, ProblemCode.MESSAGE_EXISTS), _ -> Mono.empty());
  }

  private static boolean mayBeRepeated(Throwable error) {
    ProblemCode code = ProblemException.codeOf(error);
    return code != null && (code.retryable() || code == ProblemCode.OUTCOME_UNKNOWN);
  }

  /** The body of a message of several items without one of them. */
  static Json without(Json body, Item item) {
    String gone = type(item);
    int calls = StoredCall.of(OpenAiJson.object(body)).size();
    return ItemOutput.with(
        body,
        type -> !type.equals(gone),
        i -> !ItemOutput.isCall(gone) || i < calls - 1,
        !gone.equals("reasoning"));
  }

  private static String type(Item item) {
    return OpenAiJson.object(item.json()).word("type");
  }
}
