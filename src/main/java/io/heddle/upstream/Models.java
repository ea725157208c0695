package io.heddle.upstream;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.turn.ModelCall;
import io.heddle.turn.ModelEvent;
import io.heddle.turn.Upstream;
import io.heddle.upstream.UpstreamListener.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import reactor.core.observability.DefaultSignalListener;
import reactor.core.publisher.Flux;

/** All models that can be asked for: a name leads to a server, and perhaps on to another. */
public final class Models implements Upstream, AutoCloseable {

  /** A fallback's fallback is followed no further than this. */
  private static final int MOST_SERVERS = 4;

  private final UpstreamProperties properties;
  private final UpstreamListener listener;
  private final Map<String, ModelServer> servers = new LinkedHashMap<>();
  private final ModelNames names;
  private final Watchdog watchdog = new Watchdog();

  /**
   * Reads the keys that are in files.
   *
   * @throws IllegalArgumentException for a setting that cannot be meant, named
   */
  public Models(UpstreamProperties properties, EchoProperties echo, UpstreamListener listener) {
    this.properties = properties;
    this.listener = listener;
    names = new ModelNames(properties);
    servers.put(EchoModel.NAME, new EchoModel(echo));
    properties
        .upstreams()
        .forEach((name, server) ->
            servers.put(
                name, new HttpModelServer(name, server, key(name, server), listener, watchdog)));
  }

  @Override
  public Flux<List<ModelEvent>> call(ModelCall call) {
    String model = call.model() == null ? names.byDefault() : call.model();
    if (model == null) {
      return Flux.error(
          Problem.of(
                  ProblemCode.MODEL_NOT_FOUND,
                  "The call names no model, and heddle.default-model is not set")
              .toException());
    }
    return ask(model, call, Set.of())
        .onErrorMap(
            CallFailure.class,
            failure -> RefusedParameter.named(failure.problem(), call).toException());
  }

  /**
   * @param asked models that could not be asked
   */
  private Flux<List<ModelEvent>> ask(String model, ModelCall call, Set<String> asked) {
    String name = names.server(model);
    ModelServer server = name == null ? null : servers.get(name);
    if (name == null || server == null) {
      return Flux.error(Upstream.notFound(model).toException());
    }
    Flux<List<ModelEvent>> pieces = server.call(model, call).tap(() -> new Measured(name, model));
    String fallback = names.fallback(name);
    if (fallback == null || fallback.equals(model) || asked.contains(fallback)) {
      return pieces;
    }
    Set<String> all = new HashSet<>(asked);
    all.add(model);
    if (all.size() >= MOST_SERVERS) {
      return pieces;
    }
    return Flux.defer(() -> {
      AtomicBoolean spoke = new AtomicBoolean();
      return pieces
          .doOnNext(_ -> spoke.setPlain(true))
          .onErrorResume(
              CallFailure.class,
              failure -> {
                if (!failure.isUnavailable() || spoke.getPlain()) {
                  return Flux.error(failure);
                }
                listener.fellBack(name);
                return ask(fallback, call, all)
                    .onErrorMap(CallFailure.class, second -> second.after(failure));
              });
    });
  }

  @Override
  public List<Model> models() {
    return names.models();
  }

  @Override
  public boolean has(String model) {
    String name = names.server(model);
    return name != null && servers.containsKey(name);
  }

  /** What the breaker of each upstream does now, by name. */
  public Map<String, BreakerState> breakers() {
    Map<String, BreakerState> states = new TreeMap<>();
    for (String name : properties.upstreams().keySet()) {
      ModelServer server = servers.get(name);
      if (server != null) {
        states.put(name, server.breaker());
      }
    }
    return states;
  }

  @Override
  public void close() {
    servers.values().forEach(ModelServer::close);
    watchdog.close();
  }

  private static @Nullable Secret key(String name, UpstreamProperties.Server server) {
    if (server.apiKeyFile() == null || server.apiKeyFile().isBlank()) {
      return server.apiKey();
    }
    String setting = "heddle.upstreams." + name + ".api-key-file";
    try {
      Secret key = Secret.of(Files.readString(Path.of(server.apiKeyFile().strip())));
      if (key.isEmpty() || !key.isPlain()) {
        throw new IllegalArgumentException(setting + " names a file that holds no key");
      }
      return key;
    } catch (IOException | InvalidPathException e) {
      throw new IllegalArgumentException(
          setting + " names a file that cannot be read: " + server.apiKeyFile(), e);
    }
  }

  /** Tells the listener how one call goes. */
  private final class Measured extends DefaultSignalListener<List<ModelEvent>> {
    private final String upstream;
    private final String model;
    private final long since = System.nanoTime();
    private boolean spoke;
    private final AtomicBoolean ended = new AtomicBoolean();
    private boolean finished;

    Measured(String upstream, String model) {
      this.upstream = upstream;
      this.model = model;
    }

    @Override
    public void doOnSubscription() {
      listener.started(upstream);
    }

    @Override
    public void doOnNext(List<ModelEvent> pieces) {
      pieces.forEach(this::piece);
    }

    @Override
    public void doOnError(Throwable error) {
      end(error instanceof CallFailure failure ? failure.outcome() : Outcome.FAILED);
    }

    @Override
    public void doOnComplete() {
      end(Outcome.FINISHED);
    }

    @Override
    public void doOnCancel() {
      // Who has the end need not wait until the connection is free.
      end(finished ? Outcome.FINISHED : Outcome.CANCELLED);
    }

    private void end(Outcome outcome) {
      if (ended.compareAndSet(false, true)) {
        listener.ended(upstream, outcome, took());
      }
    }

    private void piece(ModelEvent piece) {
      if (!spoke) {
        spoke = true;
        listener.firstPiece(upstream, took());
      }
      if (piece instanceof ModelEvent.Finish finish) {
        if (!finished && finish.usage() != null) {
          listener.used(upstream, model, finish.usage());
        }
        finished = true;
      }
    }

    private Duration took() {
      return Duration.ofNanos(System.nanoTime() - since);
    }
  }
}
