package io.heddle.bench;

import io.heddle.web.KeepAliveReads;
import io.lettuce.core.RedisClient;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.lettuce.core.codec.ByteArrayCodec;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.redisson.Redisson;
import org.redisson.api.RLock;
import org.redisson.api.RedissonClient;
import org.redisson.client.codec.StringCodec;
import org.redisson.config.Config;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.boot.data.redis.autoconfigure.DataRedisAutoConfiguration;
import org.springframework.boot.data.redis.autoconfigure.DataRedisReactiveAutoConfiguration;
import org.springframework.boot.data.redis.autoconfigure.DataRedisRepositoriesAutoConfiguration;
import org.springframework.boot.data.redis.autoconfigure.health.DataRedisHealthContributorAutoConfiguration;
import org.springframework.boot.data.redis.autoconfigure.health.DataRedisReactiveHealthContributorAutoConfiguration;
import org.springframework.boot.data.redis.autoconfigure.observation.LettuceObservationAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.http.client.reactive.ReactorClientHttpConnector;
import org.springframework.web.reactive.function.client.WebClient;
import org.springframework.web.reactive.function.server.RouterFunction;
import org.springframework.web.reactive.function.server.RouterFunctions;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.http.client.HttpClient;
import reactor.netty.resources.ConnectionProvider;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * What Heddle is measured against, on the same Boot, Netty and settings: handlers that parse the
 * message and answer as many bytes, and do nothing that Heddle promises. {@code bare}: one script
 * with one XADD. {@code lock}: Redisson's lock, GET, SET and unlock of a document of 50 messages,
 * the lock held with an id of its own, leased, and given back however the request ends.
 *
 * <p>No stereotype on it: the application looks through {@code io.heddle} for those, and its tests
 * would start this server's beans too.
 */
@EnableAutoConfiguration(
    exclude = {
      DataRedisAutoConfiguration.class,
      DataRedisReactiveAutoConfiguration.class,
      DataRedisRepositoriesAutoConfiguration.class,
      DataRedisHealthContributorAutoConfiguration.class,
      DataRedisReactiveHealthContributorAutoConfiguration.class,
      LettuceObservationAutoConfiguration.class
    })
class PlainServer {

  private static final String SCRIPT = "return redis.call('XADD', KEYS[1], '*', 'b', ARGV[1])";
  private static final int DOCUMENT = 50 * 330;

  private final JsonMapper json = JsonMapper.builder().build();
  private final Map<String, byte[]> kept = new ConcurrentHashMap<>();
  private final AtomicLong owners = new AtomicLong();
  private final WebClient models =
      WebClient.builder()
          .clientConnector(
              new ReactorClientHttpConnector(
                  HttpClient.create(
                      ConnectionProvider.builder("models").maxConnections(2_000).build())))
          .build();

  @Value("${plain.model:}")
  private String model = "";

  private final byte[] document = "m".repeat(DOCUMENT).getBytes(StandardCharsets.US_ASCII);

  public static void main(String[] args) {
    SpringApplication.run(PlainServer.class, args);
  }

  /** As Heddle reads from its connections, which by itself makes a difference. */
  @Bean
  @ConditionalOnBooleanProperty("plain.keep-alive-reads")
  KeepAliveReads keepAliveReads() {
    return new KeepAliveReads();
  }

  @Bean(destroyMethod = "shutdown")
  RedisClient redis() {
    return RedisClient.create(System.getenv("REDIS_URL"));
  }

  @Bean(destroyMethod = "close")
  StatefulRedisConnection<byte[], byte[]> connection(RedisClient client) {
    return client.connect(ByteArrayCodec.INSTANCE);
  }

  @Bean(destroyMethod = "shutdown")
  RedissonClient redisson() {
    Config config = new Config().setCodec(StringCodec.INSTANCE).setThreads(2).setNettyThreads(4);
    config
        .useSingleServer()
        .setAddress(System.getenv("REDIS_URL"))
        .setConnectionMinimumIdleSize(2)
        .setConnectionPoolSize(32)
        .setSubscriptionsPerConnection(500)
        .setSubscriptionConnectionPoolSize(4);
    return Redisson.create(config);
  }

  @Bean
  RouterFunction<ServerResponse> routes(
      StatefulRedisConnection<byte[], byte[]> connection, RedissonClient redisson) {
    RedisAsyncCommands<byte[], byte[]> redis = connection.async();
    String sha = connection.sync().scriptLoad(SCRIPT);
    return RouterFunctions.route()
        .POST(
            "/v1/sessions/{id}/messages",
            request -> message(request).flatMap(body -> bare(request, body, redis, sha)))
        .POST(
            "/lock/v1/sessions/{id}/messages",
            request -> message(request).flatMap(body -> locked(request, body, redis, redisson)))
        .POST("/pass/{id}", this::pass)
        .POST("/v1/chat/completions", this::passCall)
        .PUT("/v1/sessions/{id}/messages", this::keep)
        .GET("/v1/sessions/{id}/messages", this::ready)
        .build();
  }

  /** What the model server says, as it comes. */
  private Mono<ServerResponse> pass(ServerRequest request) {
    return request
        .bodyToMono(byte[].class)
        .map(bytes -> json.readTree(bytes))
        .flatMap(order -> {
          Map<String, Object> asked =
              Map.of(
                  "model", "bench",
                  "stream", true,
                  "messages",
                      List.of(Map.of("role", "user", "content", order.path("content").asString())),
                  "max_tokens", order.path("parameters").path("max_tokens").asInt(),
                  "seed", order.path("parameters").path("seed").asInt());
          var said =
              models
                  .post()
                  .uri(model)
                  .contentType(MediaType.APPLICATION_JSON)
                  .bodyValue(json.writeValueAsString(asked))
                  .retrieve()
                  .bodyToFlux(DataBuffer.class)
                  .map(Mono::just);
          return ServerResponse.ok()
              .contentType(MediaType.TEXT_EVENT_STREAM)
              .build((exchange, _) -> exchange.getResponse().writeAndFlushWith(said));
        });
  }

  /** Request and answer as they are, each part as it comes. */
  private Mono<ServerResponse> passCall(ServerRequest request) {
    return request
        .bodyToMono(byte[].class)
        .flatMap(body ->
            models
                .post()
                .uri(model)
                .contentType(MediaType.APPLICATION_JSON)
                .bodyValue(body)
                .retrieve()
                .toEntityFlux(DataBuffer.class))
        .flatMap(answer -> {
          Flux<DataBuffer> parts = answer.getBody() == null ? Flux.empty() : answer.getBody();
          MediaType type = answer.getHeaders().getContentType();
          ServerResponse.BodyBuilder response =
              ServerResponse.ok()
                  .contentType(type == null ? MediaType.APPLICATION_JSON : type)
                  .header("x-request-id", UUID.randomUUID().toString());
          return MediaType.TEXT_EVENT_STREAM.isCompatibleWith(type)
              ? response.build(
                  (exchange, _) -> exchange.getResponse().writeAndFlushWith(parts.map(Mono::just)))
              : response.body(parts, DataBuffer.class);
        });
  }

  private Mono<ServerResponse> keep(ServerRequest request) {
    return request
        .bodyToMono(byte[].class)
        .flatMap(bytes -> {
          kept.put(request.pathVariable("id"), bytes);
          return ServerResponse.noContent().build();
        });
  }

  /** Ready bytes under the headers that Heddle answers a read with. */
  private Mono<ServerResponse> ready(ServerRequest request) {
    byte[] bytes = kept.get(request.pathVariable("id"));
    return bytes == null
        ? ServerResponse.notFound().build()
        : ServerResponse.ok()
            .contentType(MediaType.APPLICATION_JSON)
            .header(HttpHeaders.ETAG, "\"1234-abcdefgh\"")
            .header("Heddle-Cache", "hit")
            .header("RateLimit", "\"requests\";r=999999999;t=3600")
            .header("RateLimit-Policy", "\"requests\";q=1000000000;w=3600")
            .bodyValue(bytes);
  }

  private Mono<String> message(ServerRequest request) {
    return request
        .bodyToMono(byte[].class)
        .map(bytes -> {
          JsonNode message = json.readTree(bytes);
          String role = message.path("role").asString();
          String content = message.path("content").asString();
          if (role.isEmpty() || content.isEmpty()) {
            throw new IllegalArgumentException("no message");
          }
          return json.writeValueAsString(Map.of("role", role, "content", content));
        });
  }

  private static Mono<ServerResponse> bare(
      ServerRequest request, String body, RedisAsyncCommands<byte[], byte[]> redis, String sha) {
    byte[][] keys = {key(request, "bare:")};
    return Mono.fromCompletionStage(() ->
            redis.<byte[]>evalsha(
                sha, ScriptOutputType.VALUE, keys, body.getBytes(StandardCharsets.UTF_8)))
        .flatMap(entry -> answer(body));
  }

  private Mono<ServerResponse> locked(
      ServerRequest request,
      String body,
      RedisAsyncCommands<byte[], byte[]> redis,
      RedissonClient redisson) {
    byte[] key = key(request, "document:");
    RLock lock = redisson.getLock("lock:" + request.pathVariable("id"));
    return Mono.defer(
            () -> {
              long owner = owners.incrementAndGet();
              CompletableFuture<Boolean> acquired =
                  lock.tryLockAsync(20_000, 20_000, TimeUnit.MILLISECONDS, owner)
                      .toCompletableFuture();
              return Mono.fromFuture(acquired, true)
                  .filter(got -> got)
                  .switchIfEmpty(Mono.error(() -> new IllegalStateException("not locked")))
                  .flatMap(got ->
                      Mono.fromCompletionStage(() -> redis.get(key)).defaultIfEmpty(document))
                  .flatMap(found -> Mono.fromCompletionStage(() -> redis.set(key, found)))
                  .flatMap(set ->
                      Mono.fromCompletionStage(() -> lock.unlockAsync(owner)).thenReturn(set))
                  .onErrorResume(error ->
                      Mono.fromFuture(
                              acquired.thenCompose(got ->
                                  got
                                      ? lock.unlockAsync(owner)
                                      : CompletableFuture.<Void>completedFuture(null)))
                          .then(Mono.error(error)));
            })
        .flatMap(set -> answer(body));
  }

  /** As many bytes as Heddle's answer, under the same headers. */
  private static Mono<ServerResponse> answer(String body) {
    String json =
        "{\"position\":\"1234-abcdefgh\",\"data\":[{\"id\":\"msg_1234-0_abcdefghijkl\",\"seq\":1234,"
            + body.substring(1, body.length() - 1)
            + ",\"status\":\"completed\",\"createdAt\":\""
            + Instant.now().truncatedTo(java.time.temporal.ChronoUnit.MILLIS)
            + "\"}]}";
    return ServerResponse.status(201)
        .contentType(MediaType.APPLICATION_JSON)
        .header(HttpHeaders.ETAG, "\"1234-abcdefgh\"")
        .header("RateLimit", "\"requests\";r=999999999;t=3600")
        .header("RateLimit-Policy", "\"requests\";q=1000000000;w=3600")
        .bodyValue(json.getBytes(StandardCharsets.UTF_8));
  }

  private static byte[] key(ServerRequest request, String kind) {
    return (kind + request.pathVariable("id")).getBytes(StandardCharsets.UTF_8);
  }
}
