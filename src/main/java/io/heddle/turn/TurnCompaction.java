package io.heddle.turn;

import io.heddle.base.ByteBudget;
import io.heddle.base.ByteShare;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.session.Message;
import io.heddle.session.ReadContext;
import io.heddle.session.Turn;
import io.heddle.session.WritePreconditions;
import java.time.Duration;
import java.util.HashSet;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Has a thread summarised before a turn asks its model, where the prompt has too many tokens. A
 * summary that fails, or takes too long, is no reason for a turn to fail: it goes on without.
 */
final class TurnCompaction {

  private static final Logger log = LoggerFactory.getLogger(TurnCompaction.class);

  private final Compactor compactor;
  private final History history;
  private final Upstream upstream;
  private final TurnProperties properties;
  private final Timers ticks;
  private final TurnCounts counts;

  TurnCompaction(
      Compactor compactor,
      History history,
      Upstream upstream,
      TurnProperties properties,
      Timers ticks,
      TurnCounts counts) {
    this.compactor = compactor;
    this.history = history;
    this.upstream = upstream;
    this.properties = properties;
    this.ticks = ticks;
    this.counts = counts;
  }

  /**
   * What a turn asks its model.
   *
   * @param compaction what became of the thread before, or null
   */
  record Prepared(ModelCall call, @Nullable Compaction compaction) {}

  /** From how many tokens of its prompt a turn compacts; 0 for never. */
  private long threshold(TurnRequest request) {
    long at = request.compactAt() > 0 ? request.compactAt() : properties.compactAt();
    return Math.min(at, properties.historyTokens());
  }

  /**
   * @param share of the bytes in flight that the call of the model counts for
   */
  Mono<Prepared> prepare(
      Turn turn, TurnRequest request, String lane, @Nullable String user, ByteShare share) {
    long at = threshold(request);
    Mono<History.Prompt> prompt =
        history
            .prompt(turn.session(), request, turn.input(), turn.id(), lane)
            .retryWhen(ticks.whileAway());
    if (at == 0) {
      return prompt.map(made -> new Prepared(made.call(), null));
    }
    return prompt.flatMap(made ->
        isLong(made, at, lane)
            .flatMap(tooLong ->
                tooLong
                    ? compacted(turn, request, made.call(), at, user, share)
                        .flatMap(done -> prompt.map(now -> new Prepared(now.call(), done)))
                        .defaultIfEmpty(new Prepared(made.call(), null))
                    : Mono.just(new Prepared(made.call(), null))));
  }

  private Mono<Boolean> isLong(History.Prompt prompt, long at, String lane) {
    return prompt.cut()
        ? Mono.just(true)
        : history.tokensOf(prompt.call(), lane).map(tokens -> tokens > at);
  }

  /** Empty when nothing was summarised; without a message when only the model was paid. */
  private Mono<Compaction> compacted(
      Turn turn,
      TurnRequest request,
      ModelCall asked,
      long at,
      @Nullable String user,
      ByteShare share) {
    // Who is given the item may keep the conversation himself, and drop all that stands before it.
    boolean whole = request.compactAt() > 0;
    Compactor.Task task =
        new Compactor.Task(
            turn.session(),
            ReadContext.ANY,
            new HashSet<>(turn.input()),
            1,
            // A quarter of the tokens, with about four bytes each, stays as it is.
            whole ? 0 : at,
            whole,
            null,
            WritePreconditions.NONE,
            Duration.ZERO);
    AtomicReference<@Nullable Usage> paid = new AtomicReference<>();
    Mono<Compactor.Done> done =
        compactor.compact(
            task,
            _ -> properties.compactModelOr(asked.model()),
            call -> summarise(call.of(user), share).doOnNext(text -> paid.set(text.usage())));
    return compactor
        .isLocked(turn.session())
        // No model is paid for what could not be added.
        .flatMap(locked -> locked ? Mono.error(locked()) : done)
        .map(Compactor.Done::compaction)
        .filter(compaction -> compaction.message() != null)
        .timeout(properties.compactTimeout(), ticks.scheduler())
        .doOnNext(_ -> counts.compacted.increment())
        .onErrorResume(error -> {
          counts.uncompacted.increment();
          log.warn("{}: goes on without a summary: {}", turn.id(), error.toString());
          Usage usage = paid.get();
          return usage == null ? Mono.empty() : Mono.just(new Compaction(null, 0, usage, null));
        });
  }

  private static ProblemException locked() {
    return Problem.of(ProblemCode.SESSION_LOCKED, "somebody holds the session's lock")
        .toException();
  }

  private Mono<SummaryText> summarise(ModelCall call, ByteShare share) {
    return Mono.using(
        () -> new AnswerMemory(share),
        memory ->
            memory.tell(call)
                ? counted(call, SummaryText.of(upstream.call(call))).contextWrite(share::in)
                : Mono.error(ByteBudget.overloaded()));
  }

  /** With what it cost, also where the server did not say. */
  private Mono<SummaryText> counted(ModelCall call, Mono<SummaryText> written) {
    String lane = call.turn();
    return written.flatMap(text ->
        text.usage() != null
            ? Mono.just(text)
            : Mono.zip(
                history.tokensOf(call, lane),
                history.tokensOf(text.answer(), lane),
                (input, output) ->
                    new SummaryText(
                        text.content(),
                        text.answer(),
                        new Usage(input, output, 0, 0),
                        text.model())));
  }

  /** Tells followers of the summary right before the first of the answer, not before. */
  static Flux<ModelEvent> told(Flux<ModelEvent> pieces, Compaction compaction) {
    Message message = compaction.message();
    if (message == null) {
      return pieces;
    }
    ModelEvent told = new ModelEvent.Compaction(message.id(), message.body());
    // A turn with something in its log is not begun again when its replica dies.
    return pieces.switchOnFirst((first, all) -> first.hasValue() ? all.startWith(told) : all);
  }
}
