package io.heddle.openai;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.openai.NodePackages.Ended;
import io.heddle.testing.ScriptedModel;
import io.heddle.testing.TestRedis;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Stock clients in their newest versions, each in a process of its own, over two replicas that get
 * their requests in turn. {@code src/test/node/clients} has a script for each; {@link ClientsModel}
 * is what they talk to.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Execution(ExecutionMode.SAME_THREAD)
class StockClientsIT {

  private static final List<String> CASES =
      List.of("turns", "tools", "stream", "format", "images", "abort", "errors");

  private static final int PATIENCE_MINUTES = 10;

  private static final JsonMapper JSON = JsonMapper.shared();

  private final ScriptedModel server = ScriptedModel.start().answer(ClientsModel::answer);
  private final List<String> table = new ArrayList<>();
  private Replica one;
  private Replica two;
  private Replica embedded;
  private Alternating replicas;
  private Future<Boolean> java;

  /** They wait most of their time, for slow answers and between tries. */
  private final ExecutorService atOnce = Executors.newFixedThreadPool(5);

  private final Map<Client, Future<Ended>> runs = new LinkedHashMap<>();
  private final Map<String, Future<Ended>> wires = new LinkedHashMap<>();

  @BeforeAll
  void start() throws Exception {
    java =
        atOnce.submit(() -> {
          JavaClients.install();
          return true;
        });
    NodePackages.install();
    String[] upstream = {
      "--heddle.upstreams.stock.base-url=" + server.baseUrl(),
      "--heddle.upstreams.stock.models=" + ClientsModel.NAMES
    };
    one = Replica.redis(TestRedis.uri(StockClientsIT.class), upstream);
    two = Replica.redis(TestRedis.uri(StockClientsIT.class), upstream);
    embedded = Replica.embedded(upstream);
    replicas = new Alternating(one, two);
    clients().forEach(client -> runs.put(client, atOnce.submit(() -> run(client))));
    for (String engine : List.of("redis", "embedded")) {
      wires.put(engine, atOnce.submit(() -> wire(engine)));
    }
  }

  @AfterAll
  void stop() {
    System.out.printf("%-28s %-12s %-14s %6s %6s%n", "client", "version", "on", "calls", "passed");
    table.forEach(System.out::println);
    atOnce.shutdownNow();
    replicas.close();
    two.close();
    one.close();
    embedded.close();
    server.close();
  }

  /**
   * A client and how it is run.
   *
   * @param wires what it goes over
   */
  private record Client(String name, String on, List<String> wires) {

    @Override
    public String toString() {
      return name + " on " + on;
    }
  }

  private static final Map<String, List<String>> SCRIPTS =
      Map.of(
          "openai",
          List.of("responses", "conversation", "stateless", "compact", "chat", "chat in a session"),
          "ai-openai",
          List.of(
              "responses", "responses, not stored", "chat", "conversation", "previousResponseId"),
          "ai-openai-compatible",
          List.of("chat", "chat in a session"),
          "ai-open-responses",
          List.of("responses"),
          "langchain",
          List.of(
              "chat", "chat in a session", "responses", "responses, not stored", "conversation"),
          "agents",
          List.of("responses", "chat", "conversations session", "compaction session"));

  private static final List<String> SPRING =
      List.of("chat", "chat, streamed", "chat in a session", "chat in a session, streamed");

  /** Main classes of {@code src/test/clients}. */
  private static final Map<String, List<String>> MAINS =
      Map.of(
          "openai-java:OpenAiJava",
          List.of("responses", "conversation", "stateless", "chat", "chat, streamed"),
          "spring-ai:SpringAi",
          SPRING,
          "spring-ai-1:SpringAi1",
          SPRING,
          "langchain4j:LangChain4j",
          List.of("chat", "chat in a session", "responses"));

  /** What {@code OpenAiJavaWire} does, in its order. */
  private static final List<String> WIRE =
      Stream.of(
              "models",
              "a completion",
              "a completion that fails",
              "completions that keep a thread",
              "a conversation",
              "items",
              "items of a type that nobody knows",
              "a response",
              "a stream and every end of it",
              "a stream read from the middle while it runs",
              "tools are called and answered",
              "responses go on from any of them",
              "the background",
              "what is not stored",
              "a busy conversation",
              "what is refused",
              "a second try is given the turn of the first while it runs",
              "a second try is given the turn of the first that has ended",
              "a socket with two lanes")
          .map("wire: "::concat)
          .toList();

  static Stream<Client> clients() {
    Stream<Client> ofNode =
        SCRIPTS.entrySet().stream()
            .flatMap(script ->
                Stream.of("node 20", "node 22")
                    .map(on -> new Client(script.getKey(), on, script.getValue())));
    Stream<Client> ofJava =
        MAINS.entrySet().stream()
            .map(main -> new Client(main.getKey(), "java 25", main.getValue()));
    return Stream.concat(ofNode, ofJava);
  }

  private Ended run(Client client) throws Exception {
    if (client.on().startsWith("java")) {
      java.get();
      String[] name = client.name().split(":");
      return JavaClients.run(name[0], name[1], replicas.url());
    }
    String node = NodePackages.node(Integer.parseInt(client.on().substring(5)));
    return NodePackages.run(node, "clients/" + client.name() + ".mjs", replicas.url());
  }

  @ParameterizedTest
  @MethodSource("clients")
  void everyCallIsAnsweredAsItShouldBe(Client client) throws Exception {
    passes(client, runs.get(client).get(PATIENCE_MINUTES, TimeUnit.MINUTES));
  }

  /** Sockets are of one replica; everything else goes to both in turn. */
  private Ended wire(String engine) throws Exception {
    java.get();
    String[] urls =
        engine.equals("redis")
            ? new String[] {replicas.url(), one.url()}
            : new String[] {embedded.url(), embedded.url()};
    return JavaClients.run("openai-java", "OpenAiJavaWire", urls);
  }

  /** The client that checks every answer against OpenAI's schema. */
  @ParameterizedTest
  @ValueSource(strings = {"redis", "embedded"})
  void everyCallOfTheWireIsAnsweredAsItsSchemaSays(String engine) throws Exception {
    Ended ended = wires.get(engine).get(PATIENCE_MINUTES, TimeUnit.MINUTES);
    assertThat(cases(passed(ended, "java 25"))).containsExactlyElementsOf(WIRE);
  }

  /** Every call has passed, and no kind of call is missing. */
  private void passes(Client client, Ended ended) {
    List<String> cases = cases(passed(ended, client.on()));
    assertThat(cases.stream().map(made -> made.replaceFirst(".*: ", "")))
        .as(ended.output())
        .containsAll(CASES);
    assertThat(cases.stream().map(made -> made.replaceFirst(": .*", "")))
        .containsAll(client.wires());
  }

  private static List<String> cases(List<JsonNode> calls) {
    return calls.stream().map(call -> call.path("case").asString()).distinct().toList();
  }

  /** The calls of a client that made some, and none of them failed. */
  private List<JsonNode> passed(Ended ended, String on) {
    List<JsonNode> calls =
        ended.output().lines().filter(line -> line.startsWith("{")).map(JSON::readTree).toList();
    assertThat(calls)
        .as(ended.output())
        .allMatch(call -> call.path("on").asString("").startsWith(on + "."));
    List<JsonNode> failed = calls.stream().filter(call -> !call.path("ok").asBoolean()).toList();
    if (!calls.isEmpty()) {
      JsonNode call = calls.getFirst();
      table.add(
          "%-28s %-12s %-14s %6d %6d"
              .formatted(
                  call.path("client").asString(),
                  call.path("version").asString(),
                  call.path("on").asString(),
                  calls.size(),
                  calls.size() - failed.size()));
    }
    assertThat(failed).as(ended.output()).isEmpty();
    assertThat(ended.status()).as(ended.output()).isZero();
    return calls;
  }
}
