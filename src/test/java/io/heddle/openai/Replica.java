package io.heddle.openai;

import io.heddle.testing.InProcess;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;
import org.springframework.context.ConfigurableApplicationContext;

/** The whole application in this JVM, for clients of the OpenAI wire. */
final class Replica implements AutoCloseable {

  private final ConfigurableApplicationContext context;

  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final HttpClient HTTP = HttpClient.newHttpClient();

  private Replica(ConfigurableApplicationContext context) {
    this.context = context;
  }

  /**
   * @param more arguments of its command line
   */
  static Replica embedded(String... more) {
    return start(Map.of("heddle.engine", "embedded", "heddle.embedded.path", ""), more);
  }

  static Replica redis(String uri, String... more) {
    Replica replica = start(Map.of("heddle.engine", "redis", "spring.data.redis.url", uri), more);
    // It listens before it has found its Redis.
    Awaitility.await().atMost(Duration.ofSeconds(30)).until(replica::isReady);
    return replica;
  }

  private static Replica start(Map<String, String> properties, String... more) {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "--server.port=0",
                "--heddle.env-file=",
                "--server.shutdown=immediate",
                "--heddle.live.drain=0s",
                "--heddle.turns.drain=0s",
                "--heddle.echo.pace=1ms",
                "--heddle.limits.rules.requests.limit=100000",
                "--heddle.limits.rules.writes.limit=100000"));
    properties.forEach((name, value) -> arguments.add("--" + name + "=" + value));
    arguments.addAll(List.of(more));
    return new Replica(InProcess.start(arguments.toArray(String[]::new)));
  }

  private boolean isReady() throws IOException, InterruptedException {
    try (HttpClient http = HttpClient.newHttpClient()) {
      URI ready = URI.create("http://127.0.0.1:" + port() + "/actuator/health/readiness");
      return http.send(
                  HttpRequest.newBuilder(ready).build(), HttpResponse.BodyHandlers.discarding())
              .statusCode()
          == 200;
    }
  }

  int port() {
    return context.getEnvironment().getRequiredProperty("local.server.port", Integer.class);
  }

  <T> T bean(Class<T> type) {
    return context.getBean(type);
  }

  /** What a client is given as its base. */
  String url() {
    return url(port());
  }

  static String url(int port) {
    return "http://127.0.0.1:" + port + "/openai/v1";
  }

  /**
   * One request; for a body's double quotes stand single ones.
   *
   * @param body empty for none
   * @param headers names and values in turn
   */
  static HttpResponse<String> send(String method, String url, String body, String... headers)
      throws IOException, InterruptedException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(url))
            .timeout(PATIENCE)
            .method(
                method,
                body.isEmpty()
                    ? HttpRequest.BodyPublishers.noBody()
                    : HttpRequest.BodyPublishers.ofString(body.replace('\'', '"')));
    if (!body.isEmpty()) {
      request.header("Content-Type", "application/json");
    }
    for (int i = 0; i < headers.length; i += 2) {
      request.header(headers[i], headers[i + 1]);
    }
    return HTTP.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  @Override
  public void close() {
    context.close();
  }
}
