package io.heddle.turn;

import io.heddle.base.ByteBudget;
import io.heddle.base.ByteBudget.Hold;
import io.heddle.base.ByteShare;
import io.heddle.base.Caller;
import io.heddle.json.Json;
import io.heddle.limit.Subject;
import io.heddle.limit.TokenLimits;
import io.heddle.limit.TokenReservation;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/**
 * Model calls that no turn stands behind: in no session, kept nowhere, ended when their caller
 * hangs up. Their tokens are counted like those of turns.
 */
public final class StatelessCalls implements AutoCloseable {

  private static final int COUNTING_QUEUE = 10;

  /** The text and the part of it that is being counted. */
  private static final long COPIES_COUNTED = 2;

  private static final int CHARACTERS_OF_TOKEN = 4;

  private final Upstream upstream;
  private final TokenLimits limits;
  private final TurnProperties properties;
  private final ByteBudget budget;
  private final Tokens tokens = new Tokens();
  private final FairWork counting =
      new FairWork(Schedulers.newBoundedElastic(1, COUNTING_QUEUE, "heddle-direct-tokens"), 1);

  public StatelessCalls(
      Upstream upstream, TokenLimits limits, TurnProperties properties, ByteBudget budget) {
    this.budget = budget;
    this.upstream = upstream;
    this.limits = limits;
    this.properties = properties;
  }

  @Override
  public void close() {
    counting.close();
  }

  /** The most tokens of output that a call may ask for. */
  public long maxOutput() {
    return properties.maxOutput();
  }

  /**
   * Refusals are {@code ProblemException}s, as {@link Upstream} tells them, {@code rate-limited},
   * {@code overloaded}, and {@code invalid-request} for parameters that do not bound the output
   * soundly.
   *
   * @param usage whether the end must say what the call cost: what the server does not say is
   *     counted here
   */
  public Flux<List<ModelEvent>> call(Caller caller, ModelCall asked, boolean usage) {
    ByteShare share = new ByteShare(budget, caller.holder());
    return Flux.using(
            () -> new AnswerMemory(share),
            memory ->
                memory.tell(asked)
                    ? admitted(caller, asked, usage, memory)
                    : Flux.error(ByteBudget.overloaded()))
        .contextWrite(share::in);
  }

  /** To be called by whoever subscribes, once a subscription. */
  private Flux<List<ModelEvent>> admitted(
      Caller caller, ModelCall asked, boolean usage, AnswerMemory memory) {
    ModelCall call = asked.of(caller.user());
    Parameters.check(call.parameters(), properties.maxOutput(), name -> name);
    AnswerBuilder answer = new AnswerBuilder();
    Flux<List<ModelEvent>> pieces = said(caller, call, usage, memory, answer);
    if (!limits.areCounted()) {
      return pieces;
    }
    return limits
        .reserve(caller, outputOf(call), weight(call), enough -> count(caller, call, enough, true))
        .flatMapMany(estimated -> {
          TokenReservation reserved = estimated.reservation();
          return reserved.refusal() == null
              ? counted(caller, pieces, answer, reserved, estimated.input())
              : Flux.error(reserved.refusal().toException());
        });
  }

  /**
   * What the model says, weighed: a caller who waits for the whole answer has it gathered, and so
   * has whoever counts it. The end waits for what the call cost, if that must be counted here.
   */
  private Flux<List<ModelEvent>> said(
      Caller caller, ModelCall call, boolean usage, AnswerMemory memory, AnswerBuilder answer) {
    boolean gathers = usage || limits.areCounted();
    AtomicReference<ModelEvent.Finish> uncounted = new AtomicReference<>();
    long[] length = new long[1];
    Flux<List<ModelEvent>> said =
        upstream
            .call(call)
            .handle((pieces, sink) -> {
              for (ModelEvent piece : pieces) {
                length[0] += piece.length();
              }
              if (!memory.say(length[0])) {
                sink.error(ByteBudget.overloaded());
                return;
              }
              if (gathers) {
                answer.addAll(pieces);
              }
              List<ModelEvent> told = pieces;
              if (usage
                  && pieces.getLast() instanceof ModelEvent.Finish finish
                  && finish.usage() == null) {
                uncounted.setPlain(finish);
                told = pieces.subList(0, pieces.size() - 1);
              }
              if (!told.isEmpty()) {
                sink.next(told);
              }
            });
    return usage ? said.concatWith(Mono.defer(() -> end(caller, call, answer, uncounted))) : said;
  }

  private Mono<List<ModelEvent>> end(
      Caller caller,
      ModelCall call,
      AnswerBuilder answer,
      AtomicReference<ModelEvent.Finish> uncounted) {
    ModelEvent.Finish finish = uncounted.getPlain();
    return finish == null
        ? Mono.empty()
        : usage(caller, call, answer)
            .map(usage ->
                List.of(
                    new ModelEvent.Finish(
                        finish.reason(), usage, finish.model(), finish.opaque())));
  }

  /**
   * Has a model summarise messages. Refused as {@link #call} is, and with {@code model-failed} when
   * it writes nothing.
   *
   * @param messages bodies, oldest first
   * @param instructions for the model beside its own, or null
   */
  public Mono<SummaryText> summarise(
      Caller caller, @Nullable String model, List<Json> messages, @Nullable String instructions) {
    int most = properties.historyTokens();
    return Mono.defer(() ->
        summarise(caller, SummaryPrompt.call(model, messages, instructions, most, "a compaction")));
  }

  Mono<SummaryText> summarise(Caller caller, ModelCall call) {
    return SummaryText.of(call(caller, call, true));
  }

  /** The model that summarises where nobody names one; null for that of the conversation. */
  public @Nullable String compactModel() {
    return properties.compactModelOr(null).orElse(null);
  }

  /** How long an answer waits for a summary. */
  public Duration compactTimeout() {
    return properties.compactTimeout();
  }

  /** About how many tokens a model is told by this. */
  public Mono<Long> count(Caller caller, ModelCall call) {
    return count(caller, call, Long.MAX_VALUE, false);
  }

  private Mono<Long> count(Caller caller, ModelCall call, long enough, boolean upper) {
    return counting.ask(lane(caller), () -> CountSteps.of(tokens, call, enough, upper));
  }

  private Mono<Usage> usage(Caller caller, ModelCall call, AnswerBuilder answer) {
    long guess = answer.length() / CHARACTERS_OF_TOKEN;
    return Mono.zip(
            count(caller, call).onErrorResume(_ -> Mono.just(weight(call) / CHARACTERS_OF_TOKEN)),
            count(caller, answer).onErrorResume(_ -> Mono.just(guess)))
        .map(both -> new Usage(both.getT1(), both.getT2(), 0, 0));
  }

  private Mono<Long> count(Caller caller, AnswerBuilder answer) {
    String said = answer.counted();
    return counting.must(lane(caller), () -> CountSteps.of(tokens, said));
  }

  static String lane(Caller caller) {
    return caller.tenant() + "/" + Subject.of(caller).name();
  }

  private static long weight(ModelCall call) {
    long bytes = call.parameters().length() + (call.system() == null ? 0 : call.system().length());
    for (Json message : call.messages()) {
      bytes += message.length();
    }
    return bytes;
  }

  private long outputOf(ModelCall call) {
    long most = Parameters.maxOutput(call.parameters());
    return most > 0 ? most : properties.reserveOutput();
  }

  /**
   * Settles once, whatever the call comes to: what was said before it broke off was paid for too.
   */
  private Flux<List<ModelEvent>> counted(
      Caller caller,
      Flux<List<ModelEvent>> pieces,
      AnswerBuilder answer,
      TokenReservation reserved,
      long input) {
    return Flux.defer(() -> {
      AtomicBoolean settled = new AtomicBoolean();
      return pieces
          .doOnNext(said -> {
            if (said.getLast() instanceof ModelEvent.Finish finish
                && finish.usage() != null
                && settled.compareAndSet(false, true)) {
              limits.settle(reserved, finish.usage().total()).subscribe();
            }
          })
          .doFinally(_ -> {
            if (settled.compareAndSet(false, true)) {
              settle(caller, reserved, answer, input);
            }
          });
    });
  }

  private void settle(Caller caller, TokenReservation reserved, AnswerBuilder answer, long input) {
    if (answer.isEmpty()) {
      limits.settle(reserved, 0).subscribe();
      return;
    }
    Hold waiting = budget.hold(caller.holder());
    if (!waiting.tryGrow(COPIES_COUNTED * answer.length())) {
      // It would wait to be counted with all of its text; what it cost is known well enough.
      waiting.close();
      limits.settle(reserved, input + answer.length() / CHARACTERS_OF_TOKEN).subscribe();
      return;
    }
    count(caller, answer)
        .doFinally(_ -> waiting.close())
        .flatMap(output -> limits.settle(reserved, input + output))
        .subscribe();
  }
}
