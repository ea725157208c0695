package io.heddle.turn;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * What a model wrote as a summary.
 *
 * @param content of the summary's message
 * @param answer all of the model's text, to be counted where it did not say the usage
 * @param usage null when the server did not say
 * @param model the one that answered, or null
 */
public record SummaryText(
    String content, String answer, @Nullable Usage usage, @Nullable String model) {

  /** A summary that is longer than this has missed its purpose; the rest of it is left out. */
  private static final int LONGEST = 32 * 1024;

  /** Of what a model says; {@code model-failed} when it writes none. */
  static Mono<SummaryText> of(Flux<List<ModelEvent>> pieces) {
    return Mono.defer(() -> {
      StringBuilder text = new StringBuilder();
      ModelEvent.Finish[] finish = new ModelEvent.Finish[1];
      return pieces
          .concatMapIterable(said -> said, 1)
          .doOnNext(piece -> {
            if (piece instanceof ModelEvent.Text(String more)) {
              text.append(more, 0, Math.min(more.length(), LONGEST - text.length()));
            } else if (piece instanceof ModelEvent.Finish end) {
              finish[0] = end;
            }
          })
          .then(Mono.defer(() -> of(text.toString(), finish[0])));
    });
  }

  private static Mono<SummaryText> of(String answer, ModelEvent.@Nullable Finish finish) {
    String text = answer.strip();
    if (finish == null || text.isEmpty()) {
      return Mono.error(
          Problem.of(ProblemCode.MODEL_FAILED, "the model wrote no summary").toException());
    }
    return Mono.just(
        new SummaryText(Summary.content(whole(text)), answer, finish.usage(), finish.model()));
  }

  /** Without half a character at its end. */
  private static String whole(String text) {
    int last = text.length() - 1;
    return Character.isHighSurrogate(text.charAt(last)) ? text.substring(0, last) : text;
  }
}
