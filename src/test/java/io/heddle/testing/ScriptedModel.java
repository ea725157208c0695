package io.heddle.testing;

import io.heddle.testing.ModelScript.Step;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.netty.Connection;
import reactor.netty.DisposableServer;
import reactor.netty.http.server.HttpServer;
import reactor.netty.http.server.HttpServerRequest;
import reactor.netty.http.server.HttpServerResponse;

/**
 * A model server on loopback that does with each request what the test says: the next script of the
 * queue, else what the function of the request gives. It remembers its requests and counts its
 * connections.
 *
 * <pre>{@code
 * try (ScriptedModel server = ScriptedModel.start()) {
 *   server.next(ModelScript.error(503, "busy"));
 *   server.next(ModelScript.say("Hello"));
 *   …  base-url = server.baseUrl()
 *   assertThat(server.requests()).hasSize(2);
 * }
 * }</pre>
 */
public final class ScriptedModel implements AutoCloseable {

  /**
   * A request as it came.
   *
   * @param headers names in lower case
   */
  public record Request(String path, Map<String, String> headers, String body) {}

  private final Queue<ModelScript> scripts = new ConcurrentLinkedQueue<>();
  private final List<Request> requests = new CopyOnWriteArrayList<>();
  private final Set<Channel> open = ConcurrentHashMap.newKeySet();
  private final AtomicInteger accepted = new AtomicInteger();
  private volatile Function<Request, ModelScript> otherwise =
      _ -> ModelScript.say("Hello", " world");
  private volatile DisposableServer server;

  private ScriptedModel() {
    server = bind(0);
  }

  /** On a free port; says "Hello world" until it is told something else. */
  public static ScriptedModel start() {
    return new ScriptedModel();
  }

  /** For one request, before whatever {@link #answer} says. */
  public ScriptedModel next(ModelScript script) {
    scripts.add(script);
    return this;
  }

  /** For all requests that find the queue empty. Must not block. */
  public ScriptedModel answer(Function<Request, ModelScript> function) {
    otherwise = function;
    return this;
  }

  /** For all requests that find the queue empty. */
  public ScriptedModel answer(ModelScript script) {
    return answer(_ -> script);
  }

  /** What {@code heddle.upstreams.<name>.base-url} should be. */
  public String baseUrl() {
    return "http://127.0.0.1:" + server.port() + "/v1";
  }

  public int port() {
    return server.port();
  }

  /** In the order in which their bodies were complete. */
  public List<Request> requests() {
    return List.copyOf(requests);
  }

  public Request lastRequest() {
    return requests.getLast();
  }

  /** Connections that are open now. */
  public int openConnections() {
    return open.size();
  }

  /** Connections that were ever made. */
  public int acceptedConnections() {
    return accepted.get();
  }

  /** Refuses connections from now on, and closes those that are. */
  public void refuse() {
    server.disposeNow(Duration.ofSeconds(5));
    open.forEach(Channel::close);
  }

  /** Takes connections again, on the same port. */
  public void accept() {
    server = bind(server.port());
  }

  @Override
  public void close() {
    refuse();
  }

  private DisposableServer bind(int port) {
    return HttpServer.create()
        .host("127.0.0.1")
        .port(port)
        .httpRequestDecoder(decoder -> decoder.maxHeaderSize(64 * 1024))
        .doOnChannelInit((_, channel, _) -> {
          accepted.incrementAndGet();
          open.add(channel);
          channel.closeFuture().addListener(_ -> open.remove(channel));
        })
        .handle(this::handle)
        .bindNow(Duration.ofSeconds(10));
  }

  private Publisher<Void> handle(HttpServerRequest request, HttpServerResponse response) {
    return request
        .receive()
        .aggregate()
        .asString(StandardCharsets.UTF_8)
        .defaultIfEmpty("")
        .flatMap(body -> {
          Request seen = seen(request, body);
          requests.add(seen);
          ModelScript script = scripts.poll();
          // A test's own code may wait for a lock, be it a parser's: an event loop must not.
          return script != null
              ? play(script, response)
              : Mono.fromCallable(() -> otherwise.apply(seen))
                  .subscribeOn(Schedulers.boundedElastic())
                  .flatMap(made -> play(made, response));
        });
  }

  private static Request seen(HttpServerRequest request, String body) {
    Map<String, String> headers = new TreeMap<>();
    request
        .requestHeaders()
        .forEach(header ->
            headers.merge(
                header.getKey().toLowerCase(Locale.ROOT),
                header.getValue(),
                (one, other) -> one + ", " + other));
    return new Request(request.uri(), headers, body);
  }

  private static Mono<Void> play(ModelScript script, HttpServerResponse response) {
    Mono<Void> answer =
        Mono.defer(() -> {
          response.status(script.status());
          script.headers().forEach(response::header);
          Flux<byte[]> bytes =
              Flux.fromIterable(script.steps()).concatMap(step -> bytes(step, response), 1);
          // The empty one brings the headers on their way: they would wait for the first bytes.
          Flux<ByteBuf> buffers =
              bytes.map(Unpooled::wrappedBuffer).startWith(Unpooled.EMPTY_BUFFER);
          return response.send(buffers, _ -> true).then();
        });
    return script.before().isZero() ? answer : Mono.delay(script.before()).then(answer);
  }

  private static Publisher<byte[]> bytes(Step step, HttpServerResponse response) {
    return switch (step) {
      case Step.Bytes some -> Mono.just(some.bytes());
      case Step.Pause pause -> Mono.delay(pause.time()).then(Mono.empty());
      case Step.Again again ->
          again.pace().isZero()
              ? Flux.generate(sink -> sink.next(again.bytes()))
              : Mono.delay(again.pace()).thenReturn(again.bytes()).repeat();
      case Step.End end ->
          switch (end) {
            case STALL -> Mono.never();
            case CUT ->
                Mono.<byte[]>never()
                    .doOnSubscribe(_ -> response.withConnection(ScriptedModel::cut));
          };
    };
  }

  /** After what was written before. */
  private static void cut(Connection connection) {
    connection
        .channel()
        .eventLoop()
        .schedule(() -> connection.channel().close(), 20, TimeUnit.MILLISECONDS);
  }
}
