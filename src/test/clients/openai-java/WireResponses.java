package io.heddle.clients;

import static io.heddle.clients.Cases.check;
import static io.heddle.clients.Cases.equal;
import static io.heddle.clients.Wire.CASES;
import static io.heddle.clients.Wire.all;
import static io.heddle.clients.Wire.ask;
import static io.heddle.clients.Wire.json;
import static io.heddle.clients.Wire.text;
import static io.heddle.clients.Wire.tree;

import com.openai.client.OpenAIClient;
import com.openai.core.JsonValue;
import com.openai.core.http.StreamResponse;
import com.openai.errors.NotFoundException;
import com.openai.models.conversations.items.ConversationItem;
import com.openai.models.responses.FunctionTool;
import com.openai.models.responses.Response;
import com.openai.models.responses.ResponseCreateParams;
import com.openai.models.responses.ResponseFunctionToolCall;
import com.openai.models.responses.ResponseInputItem;
import com.openai.models.responses.ResponseRetrieveParams;
import com.openai.models.responses.ResponseStatus;
import com.openai.models.responses.ResponseStreamEvent;
import com.openai.models.responses.inputtokens.InputTokenCountParams;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Responses: plain, streamed, resumed, with tools, in the background. */
final class WireResponses {

  private final Wire wire;

  WireResponses(Wire wire) {
    this.wire = wire;
  }

  void run() {
    CASES.of("wire: a response", this::response);
    CASES.of("wire: a stream and every end of it", this::ends);
    CASES.of("wire: a stream read from the middle while it runs", this::middle);
    CASES.of("wire: tools are called and answered", this::tools);
    CASES.of("wire: responses go on from any of them", this::branches);
    CASES.of("wire: the background", this::background);
    CASES.of("wire: what is not stored", this::alone);
    CASES.of("wire: a busy conversation", this::busy);
  }

  private void response() {
    OpenAIClient client = wire.client;
    Response made = wire.create(ask("How do you do?").instructions("Be kind."));
    equal("How do you do?", text(made));
    equal(ResponseStatus.COMPLETED, made.status().orElseThrow());
    check(made.usage().orElseThrow().totalTokens() > 0, made);
    equal(json(made), json(wire.retrieve(made.id())));
    equal(1, CASES.call(() -> client.responses().inputItems().list(made.id())).data().size());
    CASES.call(() -> {
      client.responses().delete(made.id());
      return made;
    });
    gone(made);
    long tokens =
        CASES
            .call(() ->
                client
                    .responses()
                    .inputTokens()
                    .count(InputTokenCountParams.builder().input("one two three").build()))
            .inputTokens();
    check(tokens >= 3 && tokens <= 12, tokens);
  }

  private void ends() {
    List<String> events = stream(ask("one two three four five"));
    equal(
        List.of("response.created", "response.in_progress", "response.output_item.added"),
        types(events).subList(0, 3));
    equal(
        List.of(
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.completed"),
        types(events).subList(events.size() - 4, events.size()));
    equal(IntStream.range(0, events.size()).boxed().collect(Collectors.toList()), numbers(events));
    String id = tree(events.get(0)).at("/response/id").asText();
    for (int after : new int[] {-1, 0, 3, events.size() - 2, events.size() - 1, 10_000}) {
      equal(events.subList(Math.min(events.size(), after + 1), events.size()), resume(id, after));
    }
  }

  private void middle() {
    ResponseCreateParams.Builder slow = echo(ask("word"), Map.of("tokens", 40, "pace", "25ms"));
    List<String> some =
        CASES.call(() -> {
          try (StreamResponse<ResponseStreamEvent> stream =
              wire.client.responses().createStreaming(slow.build())) {
            return stream.stream().limit(6).map(Wire::json).collect(Collectors.toList());
          }
        });
    String id = tree(some.get(0)).at("/response/id").asText();
    int seen = numbers(some).get(5);
    // The client hung up; the answer did not.
    List<String> rest = resume(id, seen);
    equal(seen + 1, numbers(rest).get(0));
    equal("response.completed", lastType(rest));
    equal(40, text(wire.retrieve(id)).split(" ").length);
  }

  private void tools() {
    String conversation = wire.conversation().id();
    ResponseCreateParams.Builder asked = ask("What is the weather?").conversation(conversation);
    asked.addTool(
        FunctionTool.builder()
            .name("weather")
            .parameters(
                FunctionTool.Parameters.builder()
                    .putAdditionalProperty("type", JsonValue.from("object"))
                    .build())
            .strict(false)
            .build());
    Map<String, Object> wanted = Map.of("name", "weather", "arguments", Map.of("c", "Lyon"));
    Response called = wire.create(echo(asked, Map.of("toolCall", wanted)));
    ResponseFunctionToolCall call =
        called.output().get(called.output().size() - 1).functionCall().orElseThrow();
    equal("weather", call.name());
    equal("Lyon", tree(call.arguments()).at("/c").asText());
    WireRefusals.open(wire, conversation);

    ResponseInputItem output =
        ResponseInputItem.ofFunctionCallOutput(
            ResponseInputItem.FunctionCallOutput.builder()
                .callId(call.callId())
                .output("sunny")
                .build());
    equal("sunny", text(wire.create(ask(List.of(output)).conversation(conversation))));
    List<ConversationItem> items = wire.items(conversation);
    equal(4, items.size());
    equal(call.id(), items.get(1).functionCall().orElseThrow().id());
    check(items.get(2).functionCallOutput().isPresent(), items);
  }

  private void branches() {
    Response first = wire.create(ask("one"));
    Response second = wire.create(ask("two").previousResponseId(first.id()));
    Response other = wire.create(ask("three").previousResponseId(first.id()));
    Response third = wire.create(ask("four").previousResponseId(second.id()));
    equal(List.of("one", "one", "two", "two", "four", "four"), wire.thread(third));
    equal(List.of("one", "one", "three", "three"), wire.thread(other));
  }

  private void background() throws Exception {
    Response made =
        wire.create(echo(ask("word").background(true), Map.of("tokens", 100_000, "pace", "20ms")));
    ResponseStatus status = made.status().orElseThrow();
    check(List.of(ResponseStatus.QUEUED, ResponseStatus.IN_PROGRESS).contains(status), made);
    Wire.await(() ->
        wire.client
            .responses()
            .retrieve(made.id())
            .status()
            .orElseThrow()
            .equals(ResponseStatus.IN_PROGRESS));
    for (int i = 0; i < 2; i++) {
      Response cancelled = CASES.call(() -> wire.client.responses().cancel(made.id()));
      equal(ResponseStatus.CANCELLED, cancelled.status().orElseThrow());
    }
    // What was said is kept, and the next one goes on from there.
    Response next = wire.create(ask("and now?").previousResponseId(made.id()));
    equal("and now?", text(next));
  }

  private void alone() {
    Response alone = wire.create(ask("alone").store(false));
    equal("alone", text(alone));
    gone(alone);
    equal("response.completed", lastType(stream(ask("alone").store(false))));
  }

  /** The client itself waits and tries again. */
  private void busy() {
    String conversation = wire.conversation().id();
    wire.create(
        echo(
            ask("word").conversation(conversation).background(true),
            Map.of("tokens", 20, "pace", "50ms")));
    ResponseCreateParams.Builder next = ask("next").conversation(conversation);
    next.putAdditionalHeader("Heddle-On-Busy", "reject");
    equal("next", text(wire.create(next)));
    equal(4, wire.texts(conversation).size());
  }

  // ----

  private void gone(Response response) {
    CASES.refused(
        e -> check(e instanceof NotFoundException, e),
        () -> wire.client.responses().retrieve(response.id()));
  }

  static ResponseCreateParams.Builder echo(
      ResponseCreateParams.Builder asked, Map<String, ?> order) {
    return asked.putAdditionalBodyProperty("echo", JsonValue.from(order));
  }

  private List<String> stream(ResponseCreateParams.Builder asked) {
    return CASES.call(() -> events(wire.client.responses().createStreaming(asked.build())));
  }

  private List<String> resume(String id, int after) {
    ResponseRetrieveParams.Builder params = ResponseRetrieveParams.builder().responseId(id);
    if (after >= 0) {
      params.startingAfter((long) after);
    }
    return CASES.call(() -> events(wire.client.responses().retrieveStreaming(params.build())));
  }

  private static List<String> events(StreamResponse<ResponseStreamEvent> stream) {
    return all(stream).stream().map(Wire::json).collect(Collectors.toList());
  }

  private static String lastType(List<String> events) {
    return types(events).get(events.size() - 1);
  }

  private static List<String> types(List<String> events) {
    return events.stream()
        .map(event -> tree(event).get("type").asText())
        .collect(Collectors.toList());
  }

  private static List<Integer> numbers(List<String> events) {
    return events.stream()
        .map(event -> tree(event).get("sequence_number").asInt())
        .collect(Collectors.toList());
  }
}
