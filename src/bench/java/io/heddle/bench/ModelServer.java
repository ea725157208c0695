package io.heddle.bench;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.http.server.HttpServer;
import reactor.netty.http.server.HttpServerResponse;

/**
 * A model server for benches: streams {@code max_tokens} tokens, the first after {@code
 * bench.model.first} milliseconds, then one every {@code seed} milliseconds. A token is
 * {@code @<nanoTime>;}, when it was sent, because all processes of a machine share that clock.
 */
final class ModelServer {

  private static final Duration FIRST = Duration.ofMillis(Integer.getInteger("model.first", 300));
  private static final Pattern TOKENS = Pattern.compile("\"max_tokens\":(\\d+)");
  private static final Pattern PACE = Pattern.compile("\"seed\":(\\d+)");

  private ModelServer() {}

  public static void main(String[] args) {
    serve(args, ModelServer::answer);
  }

  /**
   * Serves chat completions until the process ends.
   *
   * @param args the first one is {@code --server.port=<port>}
   */
  static void serve(String[] args, Answer answer) {
    int port = Integer.parseInt(args[0].substring(args[0].indexOf('=') + 1));
    HttpServer.create()
        .host("127.0.0.1")
        .port(port)
        .route(routes ->
            routes
                .get("/actuator/health/readiness", (_, response) -> response.status(200).send())
                .post(
                    "/v1/chat/completions",
                    (request, response) ->
                        request
                            .receive()
                            .aggregate()
                            .asString(StandardCharsets.UTF_8)
                            .flatMap(body -> answer.to(body, response))))
        .bindNow()
        .onDispose()
        .block();
  }

  /** What is answered to one request. */
  interface Answer {
    Mono<Void> to(String body, HttpServerResponse response);
  }

  private static Mono<Void> answer(String body, HttpServerResponse response) {
    long tokens = number(TOKENS, body);
    Duration pace = Duration.ofMillis(number(PACE, body));
    Flux<Long> times =
        Flux.concat(Mono.delay(FIRST), Flux.interval(pace).take(tokens - 1)).onBackpressureBuffer();
    return response
        .header("Content-Type", "text/event-stream")
        .send(
            Flux.concat(
                    times.map(_ -> chunk("{\"content\":\"@" + System.nanoTime() + ";\"}", "null")),
                    Flux.just(
                        chunk("{}", "\"stop\""),
                        "data:"
                            + " {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,"
                            + "\"model\":\"bench\",\"choices\":[],\"usage\":{\"prompt_tokens\":1,"
                            + "\"completion_tokens\":"
                            + tokens
                            + ",\"total_tokens\":"
                            + (tokens + 1)
                            + "}}\n\n",
                        "data: [DONE]\n\n"))
                .map(ModelServer::bytes),
            _ -> true)
        .then();
  }

  private static ByteBuf bytes(String text) {
    return Unpooled.copiedBuffer(text, StandardCharsets.US_ASCII);
  }

  private static String chunk(String delta, String finish) {
    return "data:"
        + " {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"bench\","
        + "\"choices\":[{\"index\":0,\"delta\":"
        + delta
        + ",\"finish_reason\":"
        + finish
        + "}]}\n\n";
  }

  private static long number(Pattern pattern, String body) {
    Matcher found = pattern.matcher(body);
    if (!found.find()) {
      throw new IllegalArgumentException("no " + pattern + " in " + body);
    }
    return Long.parseLong(found.group(1));
  }
}
