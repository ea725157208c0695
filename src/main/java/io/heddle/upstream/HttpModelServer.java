package io.heddle.upstream;

import io.heddle.base.Backoff;
import io.heddle.base.ByteShare;
import io.heddle.turn.ModelCall;
import io.heddle.turn.ModelEvent;
import io.heddle.upstream.CallFailure.Blame;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelOption;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.http.client.HttpClient;
import reactor.netty.resources.ConnectionProvider;

/** A model server that is called by HTTP: connections, retries, timeouts and its breaker. */
final class HttpModelServer implements ModelServer {

  private static final Backoff BACKOFF =
      new Backoff(Duration.ofMillis(200), Duration.ofMillis(12_800));

  private final String name;
  private final UpstreamProperties.Server properties;
  private final Protocol protocol;
  private final FailureMapper faults;
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
    faults = new FailureMapper(name, secrets);
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
  public Flux<List<ModelEvent>> call(String model, ModelCall call) {
    return Flux.deferContextual(context -> {
      long deadline = System.nanoTime() + properties.wholeTimeout().toNanos();
      Asked asked = new Asked(model, call, ByteShare.of(context), deadline);
      return asked.with(protocol.body(model, call), false, 0);
    });
  }

  /** One call: a request, and perhaps others after it. */
  private final class Asked {
    private final String model;
    private final ModelCall call;
    private final ByteShare share;
    private final long deadline;

    Asked(String model, ModelCall call, ByteShare share, long deadline) {
      this.model = model;
      this.call = call;
      this.share = share;
      this.deadline = deadline;
    }

    /**
     * @param instead whether this is the other body, that is sent when the first was refused
     * @param retries of this body, before this request
     */
    Flux<List<ModelEvent>> with(byte[] body, boolean instead, int retries) {
      return request(body)
          .onErrorResume(CallFailure.class, failure -> after(failure, body, instead, retries));
    }

    private Flux<List<ModelEvent>> request(byte[] body) {
      Breaker.Request judge = breaker.begin(call.user());
      if (judge == null) {
        return Flux.error(CallFailure.rejected(name));
      }
      ResponseTimeouts patience =
          new ResponseTimeouts(properties, faults, deadline, protocol.streams(call));
      ResponseReader reader =
          new ResponseReader(
              properties, answer -> protocol.reader(model, call, answer), faults, patience, share);
      Flux<List<ModelEvent>> response =
          web.send(Mono.fromSupplier(() -> Unpooled.wrappedBuffer(body)))
              .response((head, content) -> reader.read(ResponseHead.of(head), content));
      return new Exchange(response, reader, patience, watchdog, judge);
    }

    /** Only what failed before its first token asks to be sent again. */
    private Flux<List<ModelEvent>> after(
        CallFailure failure, byte[] body, boolean instead, int retries) {
      Duration asked = failure.again();
      if (asked != null && retries < properties.maxRetries()) {
        Duration wait = asked.isZero() ? BACKOFF.pause(retries + 1) : asked;
        if (System.nanoTime() + wait.toNanos() < deadline) {
          listener.retried(name);
          return Mono.delay(wait).thenMany(Flux.defer(() -> with(body, instead, retries + 1)));
        }
      }
      byte[] other =
          instead || failure.blame() != Blame.REQUEST
              ? null
              : protocol.bodyInstead(model, call, failure.problem());
      return other == null ? Flux.error(failure) : with(other, true, 0);
    }
  }

  @Override
  public void close() {
    connections.disposeLater().subscribe();
  }
}
