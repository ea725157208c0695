package io.heddle.turn;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import reactor.core.publisher.Flux;

/**
 * A model whose answer is a function of the last input that has a nonce, {@code nonce-17}: {@code
 * 17.0 17.1 17.2 …}. So whoever sees an answer knows which turn it belongs to.
 */
final class Speaker implements Upstream {

  static final String NONCE = "nonce-";

  private final int words;
  private final Duration first;
  private final Duration pace;
  final AtomicInteger calls = new AtomicInteger();

  Speaker(int words, Duration first, Duration pace) {
    this.words = words;
    this.first = first;
    this.pace = pace;
  }

  String answerTo(String nonce) {
    StringBuilder answer = new StringBuilder();
    for (int i = 0; i < words; i++) {
      answer.append(nonce).append('.').append(i).append(' ');
    }
    return answer.toString();
  }

  @Override
  public Flux<List<ModelEvent>> call(ModelCall call) {
    return Flux.defer(() -> {
      calls.incrementAndGet();
      String nonce =
          call.messages().reversed().stream()
              .map(TurnsContract::content)
              .filter(text -> text.startsWith(NONCE))
              .findFirst()
              .orElseThrow()
              .substring(NONCE.length());
      Flux<ModelEvent> said =
          Flux.range(0, words).map(i -> new ModelEvent.Text(nonce + "." + i + " "));
      Flux<ModelEvent> paced = pace.isZero() ? said : said.delayElements(jittered(pace));
      return paced
          .delaySubscription(jittered(first))
          .concatWithValues(new ModelEvent.Finish("stop", new Usage(5, words, 0, 0), "speaker"))
          .map(List::of);
    });
  }

  private static Duration jittered(Duration duration) {
    long millis = duration.toMillis();
    return Duration.ofMillis(millis / 2 + ThreadLocalRandom.current().nextLong(millis + 1));
  }

  @Override
  public boolean has(String model) {
    return true;
  }

  @Override
  public List<Model> models() {
    return List.of(new Model("speaker", "test"));
  }
}
