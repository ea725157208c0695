package io.heddle.upstream;

import io.heddle.base.ProblemCode;
import io.heddle.turn.ModelCall;
import io.heddle.turn.ModelEvent;
import io.heddle.turn.Usage;
import io.heddle.upstream.CallFailure.Blame;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * A model for demos and tests: it says the last message of the user again, word by word, and does
 * what {@link EchoOrder} asks. It is not a model that anybody would talk to.
 */
final class EchoModel implements ModelServer {

  static final String NAME = "echo";

  /** Characters of one bit of a tool call's arguments. */
  private static final int BIT = 8;

  private final EchoProperties properties;

  EchoModel(EchoProperties properties) {
    this.properties = properties;
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public BreakerState breaker() {
    return BreakerState.CLOSED;
  }

  @Override
  public void close() {}

  @Override
  public Flux<List<ModelEvent>> call(String model, ModelCall call) {
    return Flux.defer(
            () -> {
              EchoOrder order = EchoOrder.of(call.parameters(), properties);
              List<ModelEvent> pieces = pieces(order, call);
              int fail = order.fail() < 0 ? Integer.MAX_VALUE : order.fail();
              int stall = order.stall() < 0 ? Integer.MAX_VALUE : order.stall();
              int most = Math.min(pieces.size(), Math.min(fail, stall));
              return paced(pieces.subList(0, most), order)
                  .concatWith(end(order, call, pieces, most));
            })
        .takeUntilOther(
            Mono.delay(properties.timeout())
                .flatMap(_ ->
                    Mono.error(
                        failure(ProblemCode.MODEL_TIMEOUT, "did not end its answer in time"))))
        .map(List::of);
  }

  private static List<ModelEvent> pieces(EchoOrder order, ModelCall call) {
    List<ModelEvent> pieces = new ArrayList<>();
    EchoText.words(order.reasoning()).forEach(word -> pieces.add(new ModelEvent.Reasoning(word)));
    EchoOrder.Tool tool = toolToCall(order, call);
    if (tool != null) {
      toolCall(tool, CustomTools.names(call).contains(tool.name()), pieces);
    } else if (order.refusal() != null) {
      EchoText.words(order.refusal()).forEach(word -> pieces.add(new ModelEvent.Refusal(word)));
    } else {
      List<String> words =
          EchoText.words(order.function().apply(EchoText.toAnswer(call.messages())));
      if (order.tokens() == 0) {
        words.forEach(word -> pieces.add(new ModelEvent.Text(word)));
      }
      List<String> repeated = words.isEmpty() ? List.of(NAME) : words;
      for (int i = 0; i < order.tokens(); i++) {
        pieces.add(new ModelEvent.Text(EchoText.word(repeated, i)));
      }
    }
    return pieces;
  }

  /** Once its output is there the tool is not called again: a client's loop comes to an end. */
  private static EchoOrder.@Nullable Tool toolToCall(EchoOrder order, ModelCall call) {
    return EchoText.endsWithToolOutput(call.messages()) ? null : order.toolCall();
  }

  private static void toolCall(EchoOrder.Tool tool, boolean isCustom, List<ModelEvent> pieces) {
    String id = "call_%016x".formatted(ThreadLocalRandom.current().nextLong());
    pieces.add(new ModelEvent.ToolCall(0, id, tool.name(), "", null, isCustom));
    String arguments = tool.arguments();
    if (isCustom) {
      WrappedInput input = new WrappedInput();
      arguments = input.take(arguments) + input.rest();
    }
    int from = 0;
    while (from < arguments.length()) {
      int to = Math.min(from + BIT, arguments.length());
      if (to < arguments.length() && Character.isLowSurrogate(arguments.charAt(to))) {
        to++;
      }
      pieces.add(new ModelEvent.ToolCall(0, null, null, arguments.substring(from, to)));
      from = to;
    }
  }

  /** Each at its time from the beginning, so that lateness does not add up. */
  private static Flux<ModelEvent> paced(List<ModelEvent> pieces, EchoOrder order) {
    if (order.pace().isZero() && order.firstAfter().isZero()) {
      return Flux.fromIterable(pieces);
    }
    return Flux.defer(() -> {
      long begin = System.nanoTime() + order.firstAfter().toNanos();
      long pace = order.pace().toNanos();
      return Flux.range(0, pieces.size())
          .concatMap(
              i -> {
                long wait = begin + i * pace - System.nanoTime();
                ModelEvent piece = pieces.get(i);
                return wait <= 0
                    ? Mono.just(piece)
                    : Mono.delay(Duration.of(wait, TimeUnit.NANOSECONDS.toChronoUnit()))
                        .thenReturn(piece);
              },
              1);
    });
  }

  private static Flux<ModelEvent> end(
      EchoOrder order, ModelCall call, List<ModelEvent> pieces, int said) {
    return Flux.defer(() -> {
      if (order.fail() >= 0 && order.fail() <= said) {
        return Flux.error(failure(order.error(), "failed, as it was told to"));
      }
      if (order.stall() >= 0 && order.stall() <= said) {
        return Flux.never();
      }
      String usual = toolToCall(order, call) != null ? "tool_calls" : "stop";
      String reason = order.finish() == null ? usual : order.finish();
      return Flux.just(new ModelEvent.Finish(reason, usage(call, pieces), NAME));
    });
  }

  private static Usage usage(ModelCall call, List<ModelEvent> pieces) {
    long reasoned = pieces.stream().filter(piece -> piece instanceof ModelEvent.Reasoning).count();
    return new Usage(EchoText.count(call.system(), call.messages()), pieces.size(), 0, reasoned);
  }

  private static CallFailure failure(ProblemCode code, String what) {
    return new CallFailure(code, "The model echo " + what, Blame.NOBODY);
  }
}
