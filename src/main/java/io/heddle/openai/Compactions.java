package io.heddle.openai;

import io.heddle.json.Json;
import io.heddle.turn.Conversation;
import io.heddle.turn.ModelCall;
import io.heddle.turn.ModelEvent;
import io.heddle.turn.StatelessCalls;
import io.heddle.turn.Summary;
import io.heddle.turn.SummaryText;
import io.heddle.web.RequestContext;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Compacts conversations that their clients keep, before their model is asked. Such a client may
 * drop all that stands before the item it is given, so the summary is of everything; the last
 * question, with its tool loop, is told as it is beside it.
 */
final class Compactions {

  private static final Logger log = LoggerFactory.getLogger(Compactions.class);

  private final StatelessCalls calls;

  Compactions(StatelessCalls calls) {
    this.calls = calls;
  }

  /**
   * What the model is asked.
   *
   * @param compaction to be told before the answer, or null
   */
  record Prepared(ModelCall call, ModelEvent.@Nullable Compaction compaction) {}

  /**
   * A summary of all that there is, and no answer.
   *
   * @param random names the item
   */
  Flux<ModelEvent> summary(
      RequestContext call, ResponseRequest ask, StatelessResponses.Asked told, String random) {
    List<Json> all = Conversation.ofBodies(told.thread()).all();
    return calls
        .summarise(call.caller(), model(ask), all, ask.instructions())
        .flatMapIterable(text -> {
          Json body = new Summary(0, 0).body(text.content());
          return List.of(
              new ModelEvent.Compaction(ItemIds.COMPACTION + random, body),
              new ModelEvent.Finish("stop", text.usage(), text.model()));
        });
  }

  private @Nullable String model(ResponseRequest ask) {
    return calls.compactModel() == null ? ask.model() : calls.compactModel();
  }

  /**
   * @param random names the item
   */
  Mono<Prepared> prepare(
      RequestContext call, ResponseRequest ask, StatelessResponses.Asked told, String random) {
    Prepared asItIs = new Prepared(told.call(), null);
    if (ask.compactAt() == 0) {
      return Mono.just(asItIs);
    }
    return calls
        .count(call.caller(), told.call())
        .flatMap(tokens ->
            tokens > ask.compactAt() ? compacted(call, ask, told, random) : Mono.just(asItIs))
        .defaultIfEmpty(asItIs);
  }

  /** Empty when it cannot be done: the answer is worth more than the summary. */
  private Mono<Prepared> compacted(
      RequestContext call, ResponseRequest ask, StatelessResponses.Asked told, String random) {
    Conversation conversation = Conversation.ofBodies(told.thread());
    int first = conversation.beforeQuestion();
    if (first == 0) {
      return Mono.empty();
    }
    return calls
        .summarise(call.caller(), model(ask), conversation.all(), null)
        .timeout(calls.compactTimeout())
        .map(text -> prepared(told.call(), conversation, first, text, random))
        .onErrorResume(error -> {
          log.warn("{}: goes on without a summary: {}", told.call().turn(), error.toString());
          return Mono.empty();
        });
  }

  private static Prepared prepared(
      ModelCall call, Conversation conversation, int first, SummaryText text, String random) {
    Json body = new Summary(conversation.rest().size() - first, 0).body(text.content());
    ModelCall shorter =
        new ModelCall(
            call.model(),
            call.system(),
            conversation.after(body, first),
            call.parameters(),
            call.turn());
    return new Prepared(shorter, new ModelEvent.Compaction(ItemIds.COMPACTION + random, body));
  }
}
