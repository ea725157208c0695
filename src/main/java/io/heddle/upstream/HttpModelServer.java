package io.heddle.upstream;

import io.heddle.base.ByteShare;
import io.heddle.base.ProblemException;
import io.heddle.turn.ModelCall;
import io.heddle.turn.Piece;
import io.heddle.upstream.CallFailure.Blame;
import io.netty.channel.ChannelOption;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.http.client.reactive.ReactorClientHttpConnector;
import org.springframework.web.reactive.function.client.WebClient;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.http.client.HttpClient;
import reactor.netty.resources.ConnectionProvider;
import reactor.util.retry.Retry;
import reactor.util.retry.Retry.RetrySignal;

/** A model server that is called by HTTP: connections, retries, timeouts and its breaker. */
final class HttpModelServer implements ModelServer {

  private static final Duration FIRST_WAIT = Duration.ofMillis(200);

  private final String name;
  private final UpstreamProperties.Server properties;
  private final Protocol protocol;
  private final URI endpoint;
  private final Faults faults;
  private final Breaker breaker;
  private final UpstreamListener listener;
  private final ConnectionProvider connections;
  private final WebClient web;

  /**
   * @param key for the protocol's header, or null
   */
  HttpModelServer(
      String name,
      UpstreamProperties.Server properties,
      @Nullable Secret key,
      UpstreamListener listener) {
    this.name = name;
    this.properties = properties;
    this.listener = listener;
    protocol = properties.kind().protocol(name, properties);
    endpoint = properties.endpoint("heddle.upstreams." + name);
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
    web = web(key);
  }

  private WebClient web(@Nullable Secret key) {
    HttpClient http =
        HttpClient.create(connections)
            .option(
                ChannelOption.CONNECT_TIMEOUT_MILLIS,
                Math.toIntExact(properties.connectTimeout().toMillis()))
            // What is sent again is decided here: a request that was sent may be running.
            .disableRetry(true)
            .followRedirect(false)
            .proxyWithSystemProperties();
    WebClient.Builder builder =
        WebClient.builder()
            .clientConnector(new ReactorClientHttpConnector(http))
            .defaultHeader(HttpHeaders.USER_AGENT, "heddle")
            .defaultHeader(
                HttpHeaders.ACCEPT,
                MediaType.TEXT_EVENT_STREAM_VALUE,
                MediaType.APPLICATION_JSON_VALUE);
    builder.defaultHeaders(protocol::addHeaders);
    if (key != null && !key.isEmpty()) {
      String secret = key.reveal();
      builder.defaultHeaders(all -> protocol.authorize(all, secret));
    }
    properties
        .headers()
        .forEach((header, value) -> builder.defaultHeaders(all -> all.set(header, value.reveal())));
    return builder.build();
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
  public Flux<Piece> call(String model, ModelCall call) {
    return Flux.deferContextual(context -> {
      ByteShare share = ByteShare.of(context);
      byte[] body = protocol.body(model, call);
      long deadline = System.nanoTime() + properties.wholeTimeout().toNanos();
      Function<AnswerAssembler, AnswerReader> reader =
          answer -> protocol.reader(model, call, answer);
      Function<byte[], Flux<Piece>> asked =
          sent ->
              Flux.defer(() -> request(call.user(), sent, reader, deadline, share))
                  .retryWhen(
                      Retry.from(
                          failures -> failures.concatMap(failed -> again(failed, deadline))));
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

  private Flux<Piece> request(
      @Nullable String user,
      byte[] body,
      Function<AnswerAssembler, AnswerReader> reader,
      long deadline,
      ByteShare share) {
    Breaker.Request judge = breaker.begin(user);
    if (judge == null) {
      return Flux.error(CallFailure.rejected(name));
    }
    Patience patience = new Patience(properties, faults, deadline);
    ResponseReader reply = new ResponseReader(properties, reader, faults, patience, share);
    return web.post()
        .uri(endpoint)
        .contentType(MediaType.APPLICATION_JSON)
        .bodyValue(body)
        .exchangeToFlux(reply::read)
        .takeUntilOther(patience.over())
        .onErrorResume(reply::isOverAnyway, _ -> Flux.empty())
        .concatWith(Flux.defer(reply::end))
        .onErrorMap(error -> !(error instanceof ProblemException), reply::failure)
        .doOnNext(_ -> judge.spoke())
        .doOnError(CallFailure.class, judge::failed)
        .doFinally(_ -> {
          judge.over();
          reply.close();
        });
  }

  /** Only what failed before its first token asks for it. */
  private Mono<Long> again(RetrySignal failed, long deadline) {
    Throwable error = failed.failure();
    Duration asked = error instanceof CallFailure failure ? failure.again() : null;
    if (asked == null || failed.totalRetries() >= properties.maxRetries()) {
      return Mono.error(error);
    }
    Duration wait = asked.isZero() ? backoff(failed.totalRetries()) : asked;
    if (System.nanoTime() + wait.toNanos() >= deadline) {
      return Mono.error(error);
    }
    listener.retried(name);
    return Mono.delay(wait);
  }

  /** Doubled each time, and spread: many calls fail at once when a server goes. */
  private static Duration backoff(long retries) {
    long most = FIRST_WAIT.toMillis() << Math.min(retries, 6);
    return Duration.ofMillis(ThreadLocalRandom.current().nextLong(most / 2, most + 1));
  }

  @Override
  public void close() {
    connections.disposeLater().subscribe();
  }
}
