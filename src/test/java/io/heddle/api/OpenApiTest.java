package io.heddle.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.answercache.AnswerProperties;
import io.heddle.answercache.AnswerStore;
import io.heddle.base.ByteBudget;
import io.heddle.base.ProblemCode;
import io.heddle.base.RandomIds;
import io.heddle.limit.LimitProperties;
import io.heddle.limit.Limits;
import io.heddle.limit.RateLimiter;
import io.heddle.limit.TokenLimits;
import io.heddle.live.LiveProperties;
import io.heddle.live.SessionHubs;
import io.heddle.nearcache.Coherence;
import io.heddle.session.ChangeFeed;
import io.heddle.session.ChangeLog;
import io.heddle.session.IdempotencyRecords;
import io.heddle.session.LiveChannel;
import io.heddle.session.SessionIndex;
import io.heddle.session.SessionLocks;
import io.heddle.session.SessionReader;
import io.heddle.session.SessionWriter;
import io.heddle.session.TurnLog;
import io.heddle.session.service.SessionServices;
import io.heddle.turn.TurnProperties;
import io.heddle.turn.TurnStore;
import io.heddle.turn.Turns;
import io.heddle.turn.Upstream;
import io.heddle.web.BodyReader;
import io.heddle.web.Connections;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.springframework.boot.context.properties.bind.Binder;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The routes, the document and the table of problem codes say the same. */
class OpenApiTest {

  /** Answered to requests that belong to no call, or told as the error of a turn that has ended. */
  private static final Set<ProblemCode> OF_NO_CALL =
      EnumSet.of(
          ProblemCode.METHOD_NOT_ALLOWED,
          ProblemCode.NOT_ACCEPTABLE,
          ProblemCode.MISDIRECTED_REQUEST,
          ProblemCode.NOT_IMPLEMENTED,
          ProblemCode.TURN_QUEUE_TIMEOUT);

  private final JsonNode document = new JsonMapper().readTree(OpenApiHandler.load());

  @Test
  void everyRouteIsInTheDocumentAndTheOtherWayRound() {
    assertThat(documented()).isEqualTo(routes());
  }

  @Test
  void theDocumentsCodesAreTheTable() {
    JsonNode code = document.at("/components/schemas/Problem/properties/code");
    assertThat(code.path("enum").valueStream().map(JsonNode::asString))
        .containsExactly(
            Arrays.stream(ProblemCode.values()).map(ProblemCode::code).toArray(String[]::new));
    for (ProblemCode known : ProblemCode.values()) {
      assertThat(code.path("description").asString())
          .contains(
              known.code()
                  + ": "
                  + known.status()
                  + ", "
                  + (known.retryable() ? "may be repeated" : "not to be repeated")
                  + ". "
                  + known.title());
    }
  }

  @Test
  void everyAnsweredCodeStandsUnderItsStatus() {
    Map<String, ProblemCode> table =
        Arrays.stream(ProblemCode.values()).collect(Collectors.toMap(ProblemCode::code, c -> c));
    Set<ProblemCode> answered = EnumSet.noneOf(ProblemCode.class);
    eachOperation((path, operation) ->
        operation
            .path("responses")
            .properties()
            .forEach(response -> {
              JsonNode resolved = resolve(response.getValue());
              JsonNode schema =
                  resolved.path("content").path("application/problem+json").path("schema");
              if (schema.isMissingNode()) {
                assertThat(Integer.parseInt(response.getKey())).isLessThan(400);
                return;
              }
              schema
                  .at("/allOf/1/properties/code/enum")
                  .forEach(code -> {
                    ProblemCode known = table.get(code.asString());
                    assertThat(known).as(path + " " + code).isNotNull();
                    assertThat(response.getKey())
                        .as(path + " " + code)
                        .isEqualTo(Integer.toString(known.status()));
                    answered.add(known);
                  });
            }));
    assertThat(EnumSet.complementOf(EnumSet.copyOf(answered))).isEqualTo(OF_NO_CALL);
  }

  @Test
  void pathParametersAreDeclared() {
    eachOperation((path, operation) -> {
      Set<String> declared =
          operation
              .path("parameters")
              .valueStream()
              .map(this::resolve)
              .filter(parameter -> parameter.path("in").asString().equals("path"))
              .map(parameter -> parameter.path("name").asString())
              .collect(Collectors.toSet());
      Set<String> used = new TreeSet<>();
      Matcher matcher = Pattern.compile("\\{(\\w+)}").matcher(path);
      while (matcher.find()) {
        used.add(matcher.group(1));
      }
      assertThat(declared).as(path).isEqualTo(used);
    });
  }

  @Test
  void everyReferenceLeadsSomewhere() {
    references(
        document,
        reference ->
            assertThat(document.at(reference.substring(1)).isMissingNode())
                .as(reference)
                .isFalse());
  }

  private static void references(JsonNode node, Consumer<String> each) {
    if (node.has("$ref")) {
      each.accept(node.path("$ref").asString());
    }
    node.forEach(child -> references(child, each));
  }

  private JsonNode resolve(JsonNode node) {
    return node.has("$ref") ? document.at(node.path("$ref").asString().substring(1)) : node;
  }

  private interface EachOperation {
    void accept(String path, JsonNode operation);
  }

  private void eachOperation(EachOperation each) {
    document
        .path("paths")
        .properties()
        .forEach(
            path -> path.getValue().forEach(operation -> each.accept(path.getKey(), operation)));
  }

  private Map<String, Set<String>> documented() {
    Map<String, Set<String>> found = new TreeMap<>();
    document
        .path("paths")
        .properties()
        .forEach(path ->
            path.getValue()
                .propertyNames()
                .forEach(method ->
                    found
                        .computeIfAbsent(path.getKey(), _ -> new TreeSet<>())
                        .add(method.toUpperCase(Locale.ROOT))));
    return found;
  }

  /** As the router itself tells them; HEAD goes with every GET. */
  private static Map<String, Set<String>> routes() {
    Map<String, Set<String>> found = new TreeMap<>();
    for (String line : router().toString().lines().map(String::strip).toList()) {
      Matcher route = Pattern.compile("\\(+(.+?) && (/v1/[^)]*)\\)+ -> .*").matcher(line);
      if (route.matches()) {
        for (String method : route.group(1).replaceAll("[\\[\\] ]", "").split(",")) {
          if (!method.equals("HEAD")) {
            found.computeIfAbsent(route.group(2), _ -> new TreeSet<>()).add(method);
          }
        }
      }
    }
    return found;
  }

  private static Object router() {
    SessionServices services =
        new SessionServices(
            unused(SessionReader.class),
            unused(SessionWriter.class),
            unused(SessionIndex.class),
            unused(SessionLocks.class),
            unused(IdempotencyRecords.class),
            new RandomIds(InstantSource.system()),
            InstantSource.system(),
            RequestBodiesTest.properties());
    LimitProperties unlimited =
        new LimitProperties(
            false, Duration.ofSeconds(1), io.heddle.limit.Rule.OnFailure.ALLOW, Map.of());
    RandomIds ids = new RandomIds(InstantSource.system());
    Limits limits = new Limits(unused(RateLimiter.class), unlimited);
    TokenLimits tokens = new TokenLimits(unused(RateLimiter.class), unlimited, ids);
    AnswerProperties kept = new Binder().bindOrCreate("heddle.answers", AnswerProperties.class);
    io.heddle.answercache.Answers answers =
        new io.heddle.answercache.Answers(
            unused(AnswerStore.class), kept, ids, InstantSource.system());
    LiveProperties live = new Binder().bindOrCreate("heddle.live", LiveProperties.class);
    ChangeFeed silent = _ -> () -> {};
    TurnStore store =
        new TurnStore(
            services,
            unused(SessionReader.class),
            unused(IdempotencyRecords.class),
            unused(TurnLog.class),
            unused(LiveChannel.class),
            silent,
            answers);
    try (Turns turns =
            new Turns(
                store,
                unused(Upstream.class),
                tokens,
                ids,
                InstantSource.system(),
                new Binder().bindOrCreate("heddle.turns", TurnProperties.class),
                ByteBudget.unbounded());
        BodyReader reader = new BodyReader(1024, Duration.ofSeconds(1), ByteBudget.unbounded());
        SessionHubs hubs =
            new SessionHubs(
                new Coherence(),
                unused(ChangeLog.class),
                unused(TurnLog.class),
                unused(SessionReader.class),
                unused(LiveChannel.class),
                live)) {
      return new Routes(
              services,
              turns,
              limits,
              tokens,
              reader,
              ids,
              RequestBodiesTest.properties(),
              new Routes.Cache(answers, kept),
              new Routes.Live(hubs, new Connections(live, ByteBudget.unbounded()), live))
          .router();
    }
  }

  /** A port that nobody may call: the routes are listed, not taken. */
  private static <T> T unused(Class<T> port) {
    return port.cast(
        Proxy.newProxyInstance(
            port.getClassLoader(),
            new Class<?>[] {port},
            (_, method, _) -> {
              throw new AssertionError(List.of(port, method) + " was called");
            }));
  }
}
