package io.heddle.upstream;

import io.heddle.base.ByteShare;
import io.heddle.base.ProblemException;
import io.heddle.turn.ModelCall;
import io.heddle.turn.Piece;
import io.heddle.upstream.CallFailure.Blame;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelOption;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.http.client.HttpClient;
import reactor.netty.resources.ConnectionProvider;

/** A model server that is called by HTTP: connections, retries, timeouts and its breaker. */
final class HttpModelServer implements ModelServer {

  private static final Duration FIRST_WAIT = Duration.ofMillis(200);

  private final String name;
  private final UpstreamProperties.Server properties;
  private final Protocol protocol;
  private final Faults faults;
  private final Breaker breaker;
  private final UpstreamListener listener;
  private final ConnectionProvider connections;
  private final HttpClient.RequestSender web;
  private final Watchdog watchdog;

  /**
   * @param key for the protocol's header, or null
   * @param watchdog of all servers
   */
  HttpModelServer(
      String name,
      UpstreamProperties.Server properties,
      @Nullable Secret key,
      UpstreamListener listener,
      Watchdog watchdog) {
    this.watchdog = watchdog;
    this.name = name;
    this.properties = properties;
    this.listener = listener;
    protocol = properties.kind().protocol(name, properties);
    URI endpoint = properties.endpoint("heddle.upstreams." + name);
    List<String> secrets = new ArrayList<>();
    properties.headers().values().forEach(secret -> secrets.add(secret.reveal()));
    if (key != null) {
      secrets.add(key.reveal());
    }
    faults = new Faults(name, secrets);
    breaker = new Breaker(name, properties.breaker());
    connections =
        ConnectionProvider.builder("heddle-" + name)
            .maxConnections(properties.maxConnections())
            .pendingAcquireMaxCount(properties.maxPending())
            .pendingAcquireTimeout(properties.pendingTimeout())
            .maxIdleTime(properties.maxIdle())
            // The one used last is the least likely to have been closed by the server.
            .lifo()
            .evictInBackground(properties.maxIdle())
            .metrics(true)
            .build();
    web = web(key).post().uri(endpoint);
  }

  /** Below Spring's client, which takes as much for a short answer as all the rest does. */
  private HttpClient web(@Nullable Secret key) {
    HttpHeaders headers = new HttpHeaders();
    headers.set(HttpHeaders.USER_AGENT, "heddle");
    headers.set(HttpHeaders.ACCEPT, "text/event-stream, application/json");
    protocol.addHeaders(headers);
    if (key != null && !key.isEmpty()) {
      protocol.authorize(headers, key.reveal());
    }
    properties.headers().forEach((header, value) -> headers.set(header, value.reveal()));
    headers.set(HttpHeaders.CONTENT_TYPE, MediaType.APPLICATION_JSON_VALUE);
    return HttpClient.create(connections)
        .option(
            ChannelOption.CONNECT_TIMEOUT_MILLIS,
            Math.toIntExact(properties.connectTimeout().toMillis()))
        // What is sent again is decided here: a request that was sent may be running.
        .disableRetry(true)
        .followRedirect(false)
        .proxyWithSystemProperties()
        .headers(all -> headers.forEach(all::set));
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public BreakerState breaker() {
    return breaker.state();
  }

  @Override
  public Flux<List<Piece>> call(String model, ModelCall call) {
    return Flux.deferContextual(context -> {
      ByteShare share = ByteShare.of(context);
      byte[] body = protocol.body(model, call);
      long deadline = System.nanoTime() + properties.wholeTimeout().toNanos();
      Function<AnswerAssembler, AnswerReader> reader =
          answer -> protocol.reader(model, call, answer);
      Function<byte[], Flux<List<Piece>>> asked =
          sent -> tried(() -> request(call, sent, reader, deadline, share), 0, deadline);
      return asked
          .apply(body)
          .onErrorResume(
              CallFailure.class,
              failure -> {
                byte[] instead =
                    failure.blame() == Blame.REQUEST
                        ? protocol.bodyInstead(model, call, failure.problem())
                        : null;
                return instead == null ? Flux.error(failure) : asked.apply(instead);
              });
    });
  }

  private Flux<List<Piece>> request(
      ModelCall call,
      byte[] body,
      Function<AnswerAssembler, AnswerReader> reader,
      long deadline,
      ByteShare share) {
    Breaker.Request judge = breaker.begin(call.user());
    if (judge == null) {
      return Flux.error(CallFailure.rejected(name));
    }
    Patience patience = new Patience(properties, faults, deadline, protocol.streams(call));
    ResponseReader reply = new ResponseReader(properties, reader, faults, patience, share);
    return web.send(Mono.fromSupplier(() -> Unpooled.wrappedBuffer(body)))
        .response((response, content) -> reply.read(ResponseHead.of(response), content))
        // The client looks for the context several times, and walks no further than this.
        .contextWrite(context -> context)
        .takeUntilOther(patience.over(watchdog))
        .onErrorResume(reply::isOverAnyway, _ -> Flux.empty())
        .concatWith(Flux.defer(reply::end))
        .onErrorMap(error -> !(error instanceof ProblemException), reply::failure)
        .doOnNext(pieces -> {
          if (!pieces.isEmpty()) {
            judge.spoke();
          }
        })
        .doOnError(CallFailure.class, judge::failed)
        .doFinally(_ -> {
          judge.over();
          reply.close();
        });
  }

  /** Only what failed before its first token asks to be sent again. */
  private Flux<List<Piece>> tried(Supplier<Flux<List<Piece>>> request, int retries, long deadline) {
    return Flux.defer(request)
        .onErrorResume(
            CallFailure.class,
            failure -> {
              Duration asked = failure.again();
              if (asked == null || retries >= properties.maxRetries()) {
                return Mono.error(failure);
              }
              Duration wait = asked.isZero() ? backoff(retries) : asked;
              if (System.nanoTime() + wait.toNanos() >= deadline) {
                return Mono.error(failure);
              }
              listener.retried(name);
              return Mono.delay(wait).thenMany(tried(request, retries + 1, deadline));
            });
  }

  /** Doubled each time, and spread: many calls fail at once when a server goes. */
  private static Duration backoff(int retries) {
    long most = FIRST_WAIT.toMillis() << Math.min(retries, 6);
    return Duration.ofMillis(ThreadLocalRandom.current().nextLong(most / 2, most + 1));
  }

  @Override
  public void close() {
    connections.disposeLater().subscribe();
  }
}
