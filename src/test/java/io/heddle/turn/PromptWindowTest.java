package io.heddle.turn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import io.heddle.json.Json;
import io.heddle.session.Message;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class PromptWindowTest {

  private static final JsonMapper MAPPER = JsonMapper.shared();

  private static final String LEFT_OUT = "(Earlier messages were left out.)";

  private final List<Message> thread = new ArrayList<>();

  private static List<Json> window(
      List<Message> thread, boolean more, Set<String> input, int messages, long tokens) {
    StandIn all = StandIn.of(thread, null, more, input);
    return PromptWindow.of(all, input, messages, tokens, _ -> 10).messages();
  }

  @Test
  void aSmallThreadIsToldAsItIs() {
    user("one");
    assistant("two");
    user("three");
    assertThat(told(100, 10_000)).isEqualTo(bodies());
  }

  @Test
  void theNewestAreTold() {
    IntStream.range(0, 10).forEach(i -> user("m" + i));
    assertThat(texts(told(3, 10_000))).containsExactly("m7", "m8", "m9");
    // Each counts as ten tokens here.
    assertThat(texts(told(100, 25))).containsExactly("m8", "m9");
    assertThat(texts(told(100, 1))).as("the newest in any case").containsExactly("m9");
  }

  @Test
  void theTurnsOwnInputIsToldInAnyCase() {
    IntStream.range(0, 10).forEach(i -> user("m" + i));
    List<Json> told = window(thread, false, Set.of("id4"), 2, 15);
    assertThat(texts(told)).containsExactly("m4", "m5", "m6", "m7", "m8", "m9");
  }

  @Test
  void aCallIsNotTornFromItsOutputs() {
    user("q");
    calls("a", "b");
    output("a", "1");
    output("b", "2");
    user("next");
    assertThat(told(5, 10_000)).isEqualTo(bodies());
    // Four would begin with the call, three between its outputs.
    assertThat(texts(told(4, 10_000))).containsExactly("next");
    assertThat(texts(told(3, 10_000))).containsExactly("next");
    assertThat(texts(told(2, 10_000))).containsExactly("next");
  }

  @Test
  void outputsThatCameLateStandBehindTheirCall() {
    calls("a", "b");
    user("meanwhile");
    output("b", "2");
    output("a", "1");
    assertThat(texts(told(100, 10_000))).containsExactly(LEFT_OUT, "", "1", "2", "meanwhile");
  }

  @Test
  void aCallThatNobodyAnsweredIsAnswered() {
    user("q");
    calls("a", "b");
    output("a", "1");
    user("next");
    List<Json> told = told(100, 10_000);
    assertThat(texts(told)).containsExactly("q", "", "1", "No output.", "next");
    assertThat(read(told.get(3)).path("toolCallId").asString()).isEqualTo("b");
  }

  @Test
  void anOutputWithoutItsCallIsLeftOut() {
    output("gone", "1");
    add("{\"role\":\"tool\",\"content\":\"nobody's\"}");
    user("q");
    assertThat(texts(told(100, 10_000))).containsExactly("q");
  }

  /** An aborted turn closes its calls; the real output may still come. */
  @Test
  void theLaterOutputOfACallIsTold() {
    user("q");
    calls("a");
    output("a", "not carried out");
    output("a", "done after all");
    assertThat(texts(told(100, 10_000))).containsExactly("q", "", "done after all");
  }

  /** Some models number their calls from 0 in each answer. */
  @Test
  void callsOfTheSameNameAreNotMixedUp() {
    user("q");
    calls("call_0");
    output("call_0", "first");
    calls("call_0");
    output("call_0", "second");
    assertThat(texts(told(100, 10_000))).containsExactly("q", "", "first", "", "second");
    assertThat(texts(told(3, 10_000))).containsExactly("q", "", "second");
  }

  @Test
  void whatSaysNothingIsLeftOutAndARefusalIsToldAsContent() {
    assistant("");
    add("{\"role\":\"assistant\",\"content\":null,\"refusal\":\"No.\",\"status\":\"completed\"}");
    add("{\"role\":\"assistant\",\"content\":[],\"reasoning\":\"hm\"}");
    user("");
    assertThat(told(100, 10_000))
        .containsExactly(
            Json.of("{\"role\":\"assistant\",\"content\":\"No.\"}"), thread.get(3).body());
  }

  @Test
  void partsAndOddBodiesPassThrough() {
    add("{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"look\"},{\"type\":\"x\"}]}");
    add("{\"role\":\"developer\",\"content\":\"rules\",\"more\":{\"toolCallId\":\"no\"}}");
    add("{\"kind\":\"other\"}");
    assertThat(told(100, 10_000)).isEqualTo(bodies());
  }

  /** As clients of the Responses wire store an answer: item by item. */
  @Test
  void theItemsOfOneAnswerAreToldAsOneMessage() {
    user("q");
    add(
        "{\"role\":\"assistant\",\"content\":[{\"type\":\"openai.item\",\"item\":{}}],"
            + "\"reasoning\":\"hm\",\"status\":\"completed\"}");
    assistant("Let me see.");
    calls("a");
    calls("b");
    output("a", "1");
    output("b", "2");
    calls("c");
    output("c", "3");
    assistant("done");
    List<Json> told = told(100, 10_000);
    assertThat(texts(told)).containsExactly("q", "Let me see.", "1", "2", "", "3", "done");
    JsonNode answer = read(told.get(1));
    assertThat(answer.path("toolCalls"))
        .extracting(c -> c.path("id").asString())
        .containsExactly("a", "b");
    assertThat(answer.path("reasoning").asString()).isEqualTo("hm");
    assertThat(read(told.get(4)).path("toolCalls")).hasSize(1);
    assertThat(told).isEqualTo(PromptWindow.arranged(bodies(), false));
  }

  @Test
  void callsAreJoinedWhateverStandsBetweenThem() {
    user("q");
    calls("a");
    assistant("and then");
    calls("b");
    add("{\"role\":\"assistant\",\"content\":[{\"type\":\"openai.item\",\"item\":{}}]}");
    calls("c");
    output("c", "3");
    output("a", "1");
    output("b", "2");
    assertThat(texts(told(100, 10_000))).containsExactly("q", "", "1", "and then", "2", "3");
  }

  @Test
  void answersOfTwoTurnsAreNotOne() {
    user("q");
    add("{\"role\":\"assistant\",\"content\":\"one\",\"turn\":\"t1\"}");
    add("{\"role\":\"assistant\",\"content\":null,\"toolCalls\":[{\"id\":\"a\"}],\"turn\":\"t2\"}");
    output("a", "1");
    assertThat(texts(told(100, 10_000))).containsExactly("q", "one", "", "1");
  }

  /** Gemini and GLM refuse a request that begins with a call. */
  @Test
  void aLongToolLoopKeepsItsQuestion() {
    user("old");
    user("question");
    IntStream.range(0, 20)
        .forEach(i -> {
          calls("c" + i);
          output("c" + i, "o" + i);
        });
    assertThat(texts(told(7, 10_000))).containsExactly("question", "", "o17", "", "o18", "", "o19");
    assertThat(texts(told(100, 75))).containsExactly("question", "", "o17", "", "o18", "", "o19");
    assertThat(texts(told(100, 65))).containsExactly("question", "", "o18", "", "o19");
    assertThat(texts(told(100, 15))).containsExactly(LEFT_OUT, "", "o19");
    // Of a longer thread only its end is read.
    List<Json> end = window(thread.subList(10, thread.size()), true, Set.of(), 4, 10_000);
    assertThat(texts(end)).containsExactly(LEFT_OUT, "", "o19");
    assertThat(read(end.getFirst()).path("role").asString()).isEqualTo("user");
    List<Json> rest = bodies().subList(10, thread.size());
    assertThat(texts(PromptWindow.arranged(rest, true))).startsWith(LEFT_OUT, "").hasSize(33);
  }

  @Test
  void theRestOfAnEarlierAnswerIsLeftOut() {
    user("one");
    assistant("1");
    user("two");
    assistant("2");
    assertThat(texts(told(3, 10_000))).containsExactly("two", "2");
    assertThat(texts(told(4, 10_000))).containsExactly("one", "1", "two", "2");
    thread.removeFirst();
    assertThat(texts(told(4, 10_000))).as("a greeting").containsExactly("1", "two", "2");
  }

  @Test
  void instructionsMayStandBeforeTheQuestion() {
    user("one");
    add("{\"role\":\"system\",\"content\":\"rules\"}");
    assistant("1");
    user("two");
    assistant("2");
    assertThat(texts(told(4, 10_000))).containsExactly("rules", "two", "2");
  }

  static List<Long> seeds() {
    return IntStream.range(0, 300).mapToObj(Long::valueOf).toList();
  }

  /** Whatever stands in a thread, and wherever it is cut, a model can be told of it. */
  @ParameterizedTest
  @MethodSource("seeds")
  void whatIsToldIsAlwaysValid(long seed) {
    Random random = new Random(seed);
    int length = random.nextInt(60);
    for (int i = 0; i < length; i++) {
      switch (random.nextInt(5)) {
        case 0, 1 -> user("u" + i);
        case 2 -> assistant(random.nextInt(4) == 0 ? "" : "a" + i);
        case 3 ->
            calls(
                IntStream.rangeClosed(0, random.nextInt(3))
                    .mapToObj(_ -> "c" + random.nextInt(8))
                    .distinct()
                    .toArray(String[]::new));
        default -> output("c" + random.nextInt(8), "o" + i);
      }
    }
    List<Message> page = thread.subList(random.nextInt(length + 1), length);
    Set<String> input = new HashSet<>();
    if (!page.isEmpty() && random.nextBoolean()) {
      input.add(page.get(random.nextInt(page.size())).id());
    }
    int most = 1 + random.nextInt(20);
    List<Json> told = window(page, page.size() < length, input, most, 1 + random.nextInt(300));

    assertValid(told);
    assertThat(told.stream().findFirst().filter(m -> read(m).has("toolCalls"))).isEmpty();
    if (input.isEmpty() && told.size() > most) {
      // Only a newest unit that is larger than all that may be told.
      assertThat(told.stream().filter(m -> !role(m).equals("tool")))
          .hasSizeLessThanOrEqualTo(role(told.getFirst()).equals("user") ? 2 : 1);
    }
    // In the thread's order, but for outputs that were moved up.
    List<String> order =
        told.stream()
            .filter(m -> page.stream().anyMatch(known -> known.body() == m))
            .filter(m -> !role(m).equals("tool"))
            .map(this::where)
            .toList();
    assertThat(order).isSorted();
    Set<Json> known = page.stream().map(Message::body).collect(Collectors.toSet());
    for (Json message : told) {
      assertThat(
              known.contains(message)
                  || text(message).equals("No output.")
                  || text(message).equals(LEFT_OUT)
                  || read(message).path("toolCalls").size() > 0)
          .isTrue();
    }
  }

  private static void assertValid(List<Json> told) {
    List<String> open = new ArrayList<>();
    for (Json message : told) {
      JsonNode node = read(message);
      if (role(message).equals("tool")) {
        assertThat(open.remove(node.path("toolCallId").asString()))
            .as("an output of an open call: %s in %s", message, told)
            .isTrue();
      } else {
        assertThat(open).as("open calls before %s in %s", message, told).isEmpty();
        node.path("toolCalls").forEach(call -> open.add(call.path("id").asString()));
      }
    }
    assertThat(open).as("open calls at the end of %s", told).isEmpty();
  }

  private String where(Json message) {
    for (int i = thread.size() - 1; i >= 0; i--) {
      if (thread.get(i).body() == message) {
        return "%04d".formatted(i);
      }
    }
    throw new AssertionError("not of the thread: " + message);
  }

  private List<Json> told(int messages, long tokens) {
    return window(thread, false, Set.of(), messages, tokens);
  }

  private List<Json> bodies() {
    return thread.stream().map(Message::body).toList();
  }

  private void user(String text) {
    add("{\"role\":\"user\",\"content\":\"" + text + "\"}");
  }

  private void assistant(String text) {
    add("{\"role\":\"assistant\",\"content\":\"" + text + "\",\"status\":\"completed\"}");
  }

  private void calls(String... ids) {
    String calls =
        java.util.Arrays.stream(ids)
            .map(id -> "{\"id\":\"" + id + "\",\"type\":\"function\",\"function\":{}}")
            .collect(Collectors.joining(","));
    add("{\"role\":\"assistant\",\"content\":null,\"toolCalls\":[" + calls + "]}");
  }

  private void output(String call, String text) {
    add("{\"role\":\"tool\",\"content\":\"" + text + "\",\"toolCallId\":\"" + call + "\"}");
  }

  private void add(String body) {
    int seq = thread.size();
    thread.add(new Message("id" + seq, seq + 1, Instant.EPOCH, Json.of(body)));
  }

  private static JsonNode read(Json json) {
    return MAPPER.readTree(json.utf8());
  }

  private static String role(Json message) {
    return read(message).path("role").asString("");
  }

  private static String text(Json message) {
    return read(message).path("content").asString("");
  }

  private static List<String> texts(List<Json> told) {
    return told.stream().map(PromptWindowTest::text).toList();
  }

  /**
   * Each call was looked for among all calls of its answer: a request of a few megabytes kept an
   * event loop busy for minutes.
   */
  @Test
  void manyCallsOfOneAnswerTakeTimeInProportion() {
    List<Json> bodies = new ArrayList<>();
    StringBuilder calls = new StringBuilder();
    for (int i = 0; i < 60_000; i++) {
      String call = "{\"id\":\"c" + i + "\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}";
      bodies.add(Json.of("{\"role\":\"assistant\",\"content\":null,\"toolCalls\":[" + call + "]}"));
      calls.append(i == 0 ? "" : ",").append(call);
    }
    Json all = Json.of("{\"role\":\"assistant\",\"content\":null,\"toolCalls\":[" + calls + "]}");
    assertTimeoutPreemptively(
        Duration.ofSeconds(10),
        () -> {
          assertThat(PromptWindow.arranged(bodies, false)).hasSize(60_001);
          assertThat(PromptWindow.arranged(List.of(all), false)).hasSize(60_001);
        });
  }
}
