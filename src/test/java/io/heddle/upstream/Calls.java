package io.heddle.upstream;

import io.heddle.base.Problem;
import io.heddle.base.ProblemException;
import io.heddle.json.Json;
import io.heddle.turn.ModelCall;
import io.heddle.turn.ModelEvent;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Settings, calls and what comes of them, for the tests of this room. */
final class Calls {

  static final Duration PATIENCE = Duration.ofSeconds(20);

  private Calls() {}

  /**
   * @param settings {@code name=value}, without {@code heddle.}
   */
  static UpstreamProperties properties(String... settings) {
    return binder(settings).bindOrCreate("heddle", Bindable.of(UpstreamProperties.class));
  }

  static EchoProperties echo(String... settings) {
    return binder(settings).bindOrCreate("heddle.echo", Bindable.of(EchoProperties.class));
  }

  /** Models with these settings; a pace of echo that tests can wait for. */
  static Models models(UpstreamListener listener, String... settings) {
    List<String> all = new ArrayList<>(List.of("echo.pace=1ms"));
    all.addAll(List.of(settings));
    String[] both = all.toArray(String[]::new);
    return new Models(properties(both), echo(both), listener);
  }

  private static Binder binder(String... settings) {
    Map<String, String> map = new HashMap<>();
    for (String setting : settings) {
      String[] parts = setting.split("=", 2);
      map.put("heddle." + parts[0], parts[1]);
    }
    return new Binder(new MapConfigurationPropertySource(map));
  }

  static ModelCall call(@Nullable String model, String text) {
    return call(model, text, "{}");
  }

  static ModelCall call(@Nullable String model, String text, String parameters) {
    return new ModelCall(
        model,
        null,
        List.of(Json.of("{\"role\":\"user\",\"content\":\"" + text + "\"}")),
        Json.of(parameters),
        "trn_test");
  }

  static List<ModelEvent> all(Flux<List<ModelEvent>> pieces) {
    return pieces.concatMapIterable(said -> said).collectList().block(PATIENCE);
  }

  /** The texts put together. */
  static String text(List<ModelEvent> pieces) {
    return pieces.stream()
        .map(piece -> piece instanceof ModelEvent.Text text ? text.text() : "")
        .collect(Collectors.joining());
  }

  static ModelEvent.Finish finish(List<ModelEvent> pieces) {
    return (ModelEvent.Finish) pieces.getLast();
  }

  /**
   * What a call said, and the problem that it ended with.
   *
   * @param problem null when it ended well
   */
  record Ended(List<ModelEvent> pieces, @Nullable Problem problem) {}

  static Ended ended(Flux<List<ModelEvent>> pieces) {
    List<ModelEvent> said = new CopyOnWriteArrayList<>();
    Problem problem =
        pieces
            .doOnNext(said::addAll)
            .then(Mono.<Problem>empty())
            .onErrorResume(ProblemException.class, e -> Mono.just(e.problem()))
            .block(PATIENCE);
    return new Ended(said, problem);
  }

  /** The problem that a call must end with. */
  static Problem problem(Flux<List<ModelEvent>> pieces) {
    Problem problem = ended(pieces).problem();
    if (problem == null) {
      throw new AssertionError("the call ended well");
    }
    return problem;
  }
}
