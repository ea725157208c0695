package io.heddle.openai;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Mono;
import reactor.netty.DisposableServer;
import reactor.netty.http.client.HttpClient;
import reactor.netty.http.server.HttpServer;
import reactor.netty.http.server.HttpServerRequest;
import reactor.netty.http.server.HttpServerResponse;

/**
 * A balancer that sends every request to the next of the replicas, each on a connection of its own.
 * Who hangs up here hangs up there.
 */
final class Alternating implements AutoCloseable {

  private static final HttpClient CLIENT = HttpClient.newConnection();

  private final List<Integer> ports;
  private final AtomicInteger requests = new AtomicInteger();
  private final DisposableServer server;

  Alternating(Replica... replicas) {
    ports = List.of(replicas).stream().map(Replica::port).toList();
    server =
        HttpServer.create()
            .host("127.0.0.1")
            .port(0)
            .handle(this::pass)
            .bindNow(Duration.ofSeconds(10));
  }

  String url() {
    return Replica.url(server.port());
  }

  int requests() {
    return requests.get();
  }

  private Publisher<Void> pass(HttpServerRequest request, HttpServerResponse response) {
    int port = ports.get(requests.getAndIncrement() % ports.size());
    return request
        .receive()
        .aggregate()
        .asByteArray()
        .defaultIfEmpty(new byte[0])
        .flatMapMany(body ->
            CLIENT
                .headers(headers -> headers.set(request.requestHeaders()).remove("Expect"))
                .request(request.method())
                .uri("http://127.0.0.1:" + port + request.uri())
                .send((there, connection) ->
                    body.length == 0
                        ? connection.then()
                        : connection.sendByteArray(Mono.just(body)))
                .response((answer, bytes) -> {
                  response.status(answer.status()).headers(answer.responseHeaders());
                  return response.send(bytes.retain(), _ -> true).then();
                }));
  }

  @Override
  public void close() {
    server.disposeNow(Duration.ofSeconds(5));
  }
}
