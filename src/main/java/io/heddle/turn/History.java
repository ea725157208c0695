package io.heddle.turn;

import io.heddle.base.SessionKey;
import io.heddle.json.Json;
import io.heddle.session.Message;
import io.heddle.session.NewMessage;
import io.heddle.session.PageRequest;
import io.heddle.session.ReadContext;
import io.heddle.session.SessionAttributes;
import io.heddle.session.SessionReader;
import io.heddle.session.ThreadPage;
import io.heddle.session.service.WholePages;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Supplier;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** Makes the request to the model of a turn: the session's thread, prompt and model. */
final class History {

  /** From this many bytes on reading them is work for another thread than an event loop. */
  private static final int LARGE = 32 * 1024;

  /** A message that was not counted beforehand is counted on the spot, if it is no larger. */
  private static final int SMALL = 8 * 1024;

  private final SessionReader reader;
  private final Tokens tokens;
  private final FairWork worker;
  private final Summaries summaries;
  private final int maxMessages;
  private final int maxTokens;

  /**
   * @param reader the store's, not the near cache
   * @param worker where tokens are counted
   */
  History(SessionReader reader, Tokens tokens, FairWork worker, TurnProperties properties) {
    this.reader = reader;
    this.tokens = tokens;
    this.worker = worker;
    this.summaries = new Summaries(reader);
    this.maxMessages = properties.historyMessages();
    this.maxTokens = properties.historyTokens();
  }

  /**
   * What a model is to be told.
   *
   * @param cut whether some of the thread is left out that no summary stands for
   */
  record Prompt(ModelCall call, boolean cut) {}

  /**
   * @param input ids of the turn's own messages
   * @param caller for whom it is counted
   */
  Mono<Prompt> prompt(
      SessionKey key, TurnRequest request, List<String> input, String turn, String caller) {
    Set<String> own = new HashSet<>(input);
    int limit = Math.max(maxMessages, input.size());
    return WholePages.load(reader, key, ReadContext.ANY, PageRequest.last(limit))
        .flatMap(page -> prompt(page, new Asked(request, own, turn, caller, false)));
  }

  Summaries summaries() {
    return summaries;
  }

  /**
   * About how many tokens a turn will have as input, before it is ordered: no fewer than it will.
   *
   * @param caller for whom it is counted; it is refused when too much of his waits already
   * @param enough above so many it is not counted on
   */
  Mono<Long> estimate(
      SessionKey key,
      @Nullable String owner,
      TurnRequest request,
      List<NewMessage> input,
      String caller,
      long enough) {
    return WholePages.load(reader, key, new ReadContext(owner, null), PageRequest.last(maxMessages))
        .flatMap(page -> prompt(page, new Asked(request, Set.of(), "an estimate", caller, true)))
        .flatMap(prompt -> {
          ModelCall call = prompt.call();
          List<Json> bodies = new ArrayList<>(input.size() + call.messages().size());
          input.forEach(message -> bodies.add(message.body()));
          bodies.addAll(call.messages());
          return worker.ask(
              caller,
              () ->
                  new CountSteps(
                      tokens,
                      bodies,
                      CountSteps.beside(call.system(), call.parameters()),
                      enough,
                      true,
                      null));
        });
  }

  /** What the model was asked, in tokens. */
  Mono<Long> tokensOf(ModelCall call, String caller) {
    return worker.must(caller, () -> CountSteps.of(tokens, call, Long.MAX_VALUE, false));
  }

  /** Tokens of a text. */
  Mono<Long> tokensOf(String text, String caller) {
    return text.isEmpty() ? Mono.just(0L) : worker.must(caller, () -> CountSteps.of(tokens, text));
  }

  /**
   * For what a prompt is made.
   *
   * @param own ids of the turn's own messages
   * @param turn names the call in logs
   * @param caller for whom it is counted
   * @param refusable whether it is refused when too much of his waits already
   */
  private record Asked(
      TurnRequest request, Set<String> own, String turn, String caller, boolean refusable) {}

  private Mono<Prompt> prompt(ThreadPage page, Asked asked) {
    return summaries.mayStandBefore(page)
        ? summaries
            .before(page)
            .singleOptional()
            .flatMap(before -> prompt(page, before.orElse(null), asked))
        : prompt(page, null, asked);
  }

  /**
   * @param before the last summary, where it stands before the page
   */
  private Mono<Prompt> prompt(ThreadPage page, @Nullable Message before, Asked asked) {
    StandIn thread = StandIn.of(page.messages(), before, page.hasMore(), asked.own());
    List<Json> newestFirst = new ArrayList<>(thread.lead());
    long bytes = 0;
    for (Json body : thread.lead()) {
      bytes += body.length();
    }
    for (Message message : thread.rest().reversed()) {
      newestFirst.add(message.body());
      bytes += message.body().length();
    }
    long weight = bytes;
    if (bytes <= maxTokens) {
      // A token has a byte or more: nothing needs to be counted.
      Supplier<Prompt> made = () -> prompt(page, thread, asked, body -> 0);
      return bytes < LARGE
          ? Mono.fromSupplier(made)
          : work(asked, () -> new OneStep<>(made, weight));
    }
    Map<Json, Integer> counts = new IdentityHashMap<>();
    // Somewhat more than can be told: tool outputs that lost their call are counted too.
    long enough = 2L * maxTokens;
    Supplier<FairWork.Steps<Long>> counting =
        () -> new CountSteps(tokens, newestFirst, List.of(), enough, false, counts);
    Supplier<Prompt> made = () -> prompt(page, thread, asked, body -> count(body, counts));
    return work(asked, counting).flatMap(_ -> work(asked, () -> new OneStep<>(made, weight)));
  }

  /** Of one that was not counted, because enough was before it, or it is more than fits itself. */
  private int count(Json body, Map<Json, Integer> counts) {
    Integer counted = counts.get(body);
    if (counted != null) {
      return counted;
    }
    return body.length() <= SMALL ? tokens.of(body) : Integer.MAX_VALUE / 4;
  }

  private <T> Mono<T> work(Asked asked, Supplier<FairWork.Steps<T>> steps) {
    return asked.refusable()
        ? worker.ask(asked.caller(), steps)
        : worker.must(asked.caller(), steps);
  }

  /** Work in one step. */
  private static final class OneStep<T> implements FairWork.Steps<T> {
    private final Supplier<T> work;
    private final long weight;
    private @Nullable T result;

    OneStep(Supplier<T> work, long weight) {
      this.work = work;
      this.weight = weight;
    }

    @Override
    public boolean step() {
      result = work.get();
      return true;
    }

    @Override
    public T result() {
      return Objects.requireNonNull(result);
    }

    @Override
    public long weight() {
      return weight;
    }
  }

  private Prompt prompt(ThreadPage page, StandIn thread, Asked asked, ToIntFunction<Json> count) {
    TurnRequest request = asked.request();
    SessionAttributes description = page.session().description();
    String system =
        request.instructions() != null ? request.instructions() : description.systemPrompt();
    long left = (long) maxTokens - (system == null ? 0 : system.length() / 4);
    PromptWindow.Told told =
        PromptWindow.of(
            thread, asked.own(), maxMessages, left, message -> count.applyAsInt(message.body()));
    List<Json> messages = new ArrayList<>(request.prompt());
    messages.addAll(told.messages());
    ModelCall call =
        new ModelCall(
            request.model() != null ? request.model() : description.model(),
            // It says the same again as the prompt, and less.
            request.prompt().isEmpty() ? system : null,
            messages,
            request.parameters(),
            asked.turn());
    return new Prompt(call, told.cut());
  }
}
