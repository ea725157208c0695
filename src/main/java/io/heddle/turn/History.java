package io.heddle.turn;

import io.heddle.base.Json;
import io.heddle.base.SessionKey;
import io.heddle.session.Description;
import io.heddle.session.Message;
import io.heddle.session.NewMessage;
import io.heddle.session.PageRequest;
import io.heddle.session.SessionReader;
import io.heddle.session.ThreadPage;
import io.heddle.session.View;
import io.heddle.session.WholePages;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;

/** Makes the request to the model of a turn: the session's thread, prompt and model. */
final class History {

  /** From this many bytes on reading them is work for another thread than an event loop. */
  private static final int LARGE = 32 * 1024;

  private final SessionReader reader;
  private final Tokens tokens;
  private final Scheduler worker;
  private final int maxMessages;
  private final int maxTokens;

  /**
   * @param reader the store's, not the near cache
   * @param worker where tokens are counted
   */
  History(SessionReader reader, Tokens tokens, Scheduler worker, TurnProperties properties) {
    this.reader = reader;
    this.tokens = tokens;
    this.worker = worker;
    this.maxMessages = properties.historyMessages();
    this.maxTokens = properties.historyTokens();
  }

  /**
   * @param input ids of the turn's own messages
   */
  Mono<ModelCall> call(SessionKey key, TurnRequest request, List<String> input, String turn) {
    Set<String> own = new HashSet<>(input);
    int limit = Math.max(maxMessages, input.size());
    return WholePages.load(reader, key, View.ANY, PageRequest.last(limit))
        .flatMap(page -> onWorkerIfLarge(page, () -> call(page, request, own, turn)));
  }

  /** About how many tokens a turn will have as input, before it is ordered. */
  Mono<Long> estimate(
      SessionKey key, @Nullable String owner, TurnRequest request, List<NewMessage> input) {
    return WholePages.load(reader, key, new View(owner, null), PageRequest.last(maxMessages))
        .flatMap(page ->
            Mono.fromSupplier(
                    () -> {
                      long sum = count(call(page, request, Set.of(), "an estimate"));
                      for (NewMessage message : input) {
                        sum += tokens.of(message.body());
                      }
                      return sum;
                    })
                .subscribeOn(worker));
  }

  /** What the model was asked, in tokens. */
  Mono<Long> tokensOf(ModelCall call) {
    return Mono.fromSupplier(() -> count(call)).subscribeOn(worker);
  }

  /** Tokens of a text. */
  Mono<Long> tokensOf(String text) {
    return text.isEmpty()
        ? Mono.just(0L)
        : Mono.fromSupplier(() -> tokens.of(text)).subscribeOn(worker);
  }

  private long count(ModelCall call) {
    long sum = call.system() == null ? 0 : tokens.of(call.system());
    for (Json message : call.messages()) {
      sum += tokens.of(message);
    }
    return sum;
  }

  private Mono<ModelCall> onWorkerIfLarge(ThreadPage page, Supplier<ModelCall> work) {
    long bytes = 0;
    for (Message message : page.messages()) {
      bytes += message.body().length();
    }
    Mono<ModelCall> call = Mono.fromSupplier(work);
    return bytes < LARGE && bytes <= maxTokens ? call : call.subscribeOn(worker);
  }

  private ModelCall call(ThreadPage page, TurnRequest request, Set<String> own, String turn) {
    Description description = page.session().description();
    String system =
        request.instructions() != null ? request.instructions() : description.systemPrompt();
    long left = (long) maxTokens - (system == null ? 0 : system.length() / 4);
    List<Json> messages =
        Window.of(page.messages(), own, maxMessages, left, message -> tokens.of(message.body()));
    return new ModelCall(
        request.model() != null ? request.model() : description.model(),
        system,
        messages,
        request.parameters(),
        turn);
  }
}
