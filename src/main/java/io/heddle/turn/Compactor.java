package io.heddle.turn;

import io.heddle.base.Position;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.json.Json;
import io.heddle.session.Head;
import io.heddle.session.Message;
import io.heddle.session.NewMessage;
import io.heddle.session.Outcome;
import io.heddle.session.PageRequest;
import io.heddle.session.ReadContext;
import io.heddle.session.SessionLocks.Held;
import io.heddle.session.ThreadPage;
import io.heddle.session.Write;
import io.heddle.session.WritePreconditions;
import io.heddle.session.service.WholePages;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Adds summaries to threads. A thread keeps all its messages; the summary is one more at its end.
 *
 * <p>No thread is compacted twice at a time, and nothing is hidden that the summary does not cover:
 * it is added only at the position at which the thread was read last, with the number of messages
 * that have come behind those it covers. Where the thread was added to meanwhile it is read again
 * and that number is another; where another summary was added, or anything was deleted, this one is
 * dropped.
 */
final class Compactor {

  /** Of adding a summary to a thread that others add to. */
  private static final int TRIES = 8;

  private final TurnStore store;
  private final Summaries summaries;
  private final TurnProperties properties;

  Compactor(TurnStore store, Summaries summaries, TurnProperties properties) {
    this.store = store;
    this.summaries = summaries;
    this.properties = properties;
  }

  /**
   * What is asked of a thread.
   *
   * @param key the session
   * @param view who asks
   * @param own ids of messages that stay as they are, with all that follow them
   * @param keep how many of the newest stay as they are
   * @param room bytes of the messages before those that stay too, if they fit
   * @param whole whether the summary is of what stays too: somebody may drop all before it
   * @param instructions for the model, or null
   * @param terms on which the summary is added
   * @param waitFor how long for somebody's lock
   */
  record Task(
      SessionKey key,
      ReadContext view,
      Set<String> own,
      int keep,
      long room,
      boolean whole,
      @Nullable String instructions,
      WritePreconditions terms,
      Duration waitFor) {}

  /** What became of the thread, and at which position. */
  record Done(Compaction compaction, Position position, boolean replayed) {}

  /** What is to be summarised of a thread as it was read. */
  private record Plan(Head head, Message last, int messages, ModelCall call, int number) {}

  /**
   * @param model the one that summarises, by what the session says
   * @param ask asks it
   */
  Mono<Done> compact(
      Task task,
      Function<ThreadPage, Optional<String>> model,
      Function<ModelCall, Mono<SummaryText>> ask) {
    return WholePages.load(store.reader(), task.key(), task.view(), PageRequest.last(limit(task)))
        .flatMap(page -> {
          if (!task.terms().allow(page.session().position())) {
            return Mono.error(
                Problem.of(
                        ProblemCode.VERSION_CONFLICT,
                        "the session is at " + page.session().position())
                    .with("position", page.session().position().toString())
                    .toException());
          }
          return plan(task, page, model.apply(page).orElse(null))
              .flatMap(plan ->
                  ask.apply(plan.call()).flatMap(text -> add(task, plan, text, plan.number(), 1)))
              .switchIfEmpty(
                  Mono.fromSupplier(
                      () -> new Done(Compaction.NOTHING, page.session().position(), false)));
        });
  }

  /** Whether a client's lock keeps summaries out that are not its own. */
  Mono<Boolean> isLocked(SessionKey key) {
    return store.services().locks().holder(key, null).map(Held::client).defaultIfEmpty(false);
  }

  /** More than a model is told: what does not fit into a prompt any more is to be summarised. */
  private int limit(Task task) {
    return 2 * properties.historyMessages() + task.own().size() + task.keep();
  }

  // ---- before

  private Mono<Plan> plan(Task task, ThreadPage page, @Nullable String model) {
    int last = Summary.last(page.messages());
    Summary summary = last < 0 ? null : Summary.of(page.messages().get(last).body());
    boolean unknown = summary == null ? page.hasMore() : summary.number() == 0;
    Mono<Message> latest = unknown ? summaries.latest(page.session()) : Mono.empty();
    return latest
        .singleOptional()
        .flatMap(found -> {
          Message before = summary == null ? found.orElse(null) : null;
          Summary known = found.isPresent() ? Summary.of(found.get().body()) : summary;
          int number = known == null ? 1 : known.number() + 1;
          return Mono.justOrEmpty(plan(task, page, before, model, number));
        });
  }

  private @Nullable Plan plan(
      Task task, ThreadPage page, @Nullable Message before, @Nullable String model, int number) {
    StandIn thread = StandIn.of(page.messages(), before, page.hasMore(), Set.of());
    List<Message> rest = thread.rest();
    int most = 0;
    while (most < rest.size() - task.keep() && !task.own().contains(rest.get(most).id())) {
      most++;
    }
    int to = new Boundary(rest).before(most, task.room());
    if (to == 0) {
      return null;
    }
    List<Json> bodies = new ArrayList<>(rest.size() + 1);
    if (thread.summary() != null) {
      bodies.add(thread.summary().body());
    }
    rest.subList(0, task.whole() ? rest.size() : to).forEach(message -> bodies.add(message.body()));
    ModelCall call =
        SummaryPrompt.call(
            model,
            bodies,
            task.instructions(),
            properties.historyTokens(),
            "the compaction of " + task.key());
    return new Plan(page.session().head(), rest.get(to - 1), to, call, number);
  }

  // ---- after

  private Mono<Done> add(Task task, Plan plan, SummaryText text, int number, int attempt) {
    PageRequest newest = PageRequest.last(limit(task) + 100 * attempt);
    return WholePages.load(store.reader(), task.key(), task.view(), newest)
        .flatMap(page -> {
          int kept = kept(plan, page);
          if (kept < 0) {
            return Mono.error(overtaken());
          }
          NewMessage message = new Summary(kept, number).message(text.content());
          Position at = page.session().position();
          return store
              .services()
              .write(
                  task.key(),
                  new Write.Append(List.of(message)),
                  task.terms().withPositions(List.of(at)),
                  task.waitFor())
              .flatMap(outcome -> done(task, plan, text, message, outcome))
              .onErrorResume(
                  error -> attempt < TRIES && (isMoved(task, error) || isTaken(error)),
                  error ->
                      add(task, plan, text, isTaken(error) ? number + 1 : number, attempt + 1));
        });
  }

  /** Others added to the thread, which the caller has nothing against. */
  private static boolean isMoved(Task task, Throwable error) {
    return task.terms().positions().isEmpty()
        && ProblemException.is(error, ProblemCode.VERSION_CONFLICT);
  }

  /** A message of a client's has that id, or a summary that is not the newest. */
  private static boolean isTaken(Throwable error) {
    return ProblemException.is(error, ProblemCode.MESSAGE_EXISTS);
  }

  /** How many messages have come behind the last one that is covered; -1 when it is too late. */
  private static int kept(Plan plan, ThreadPage now) {
    Head then = plan.head();
    Head head = now.session().head();
    boolean same = then.createdAt().equals(head.createdAt());
    if (!same || then.deleted() != head.deleted()) {
      return -1;
    }
    List<Message> messages = now.messages();
    for (int i = messages.size() - 1; i >= 0; i--) {
      Message message = messages.get(i);
      if (message.seq() == plan.last().seq()) {
        return messages.size() - 1 - i;
      }
      if (message.seq() > then.lastSeq() && Summary.of(message.body()) != null) {
        return -1;
      }
    }
    return -1;
  }

  private Mono<Done> done(
      Task task, Plan plan, SummaryText text, NewMessage sent, Outcome outcome) {
    return switch (outcome) {
      case Outcome.Applied(_, _, Head head) -> {
        String id = sent.id() == null ? "" : sent.id();
        Message message = new Message(id, head.lastSeq(), head.updatedAt(), sent.body());
        yield Mono.just(
            new Done(
                new Compaction(message, plan.messages(), text.usage(), text.model()),
                head.position(),
                false));
      }
      case Outcome.Replayed(Position position, List<String> ids) ->
          replayed(task.key(), task.view(), position, ids);
      case Outcome.Refused refused -> Mono.error(refused.problem().toException());
    };
  }

  /** What an earlier request of the same idempotency key came to. */
  Mono<Done> replayed(SessionKey key, ReadContext view, Position position, List<String> ids) {
    if (ids.isEmpty()) {
      return Mono.just(new Done(Compaction.NOTHING, position, true));
    }
    return store
        .reader()
        .message(key, view, ids.getFirst())
        .map(page -> new Compaction(page.messages().getFirst(), 0, null, null))
        .onErrorResume(
            error ->
                ProblemException.is(error, ProblemCode.MESSAGE_NOT_FOUND)
                    || StoreErrors.isGone(error),
            _ -> Mono.just(Compaction.NOTHING))
        .map(compaction -> new Done(compaction, position, true));
  }

  private static ProblemException overtaken() {
    return Problem.of(
            ProblemCode.VERSION_CONFLICT,
            "the thread was compacted or cut by somebody else meanwhile; nothing was added")
        .toException();
  }
}
