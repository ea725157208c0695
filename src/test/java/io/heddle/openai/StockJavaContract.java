package io.heddle.openai;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.JsonValue;
import com.openai.core.ObjectMappers;
import com.openai.core.http.StreamResponse;
import com.openai.errors.BadRequestException;
import com.openai.errors.InternalServerException;
import com.openai.errors.NotFoundException;
import com.openai.errors.OpenAIException;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionStreamOptions;
import com.openai.models.conversations.Conversation;
import com.openai.models.conversations.ConversationCreateParams;
import com.openai.models.conversations.ConversationUpdateParams;
import com.openai.models.conversations.items.ConversationItem;
import com.openai.models.conversations.items.ItemCreateParams;
import com.openai.models.conversations.items.ItemDeleteParams;
import com.openai.models.conversations.items.ItemListPage;
import com.openai.models.conversations.items.ItemListParams;
import com.openai.models.conversations.items.ItemRetrieveParams;
import com.openai.models.responses.EasyInputMessage;
import com.openai.models.responses.FunctionTool;
import com.openai.models.responses.Response;
import com.openai.models.responses.ResponseCreateParams;
import com.openai.models.responses.ResponseInputItem;
import com.openai.models.responses.ResponseRetrieveParams;
import com.openai.models.responses.ResponseStatus;
import com.openai.models.responses.ResponseStreamEvent;
import com.openai.models.responses.inputtokens.InputTokenCountParams;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** The stock Java client, which checks every answer against OpenAI's schema, on one engine. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class StockJavaContract {

  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final StockCalls calls = new StockCalls();
  private Replica replica;
  private OpenAIClient client;

  abstract Replica start();

  @BeforeAll
  void open() {
    replica = start();
    client = client(replica.url());
  }

  @AfterAll
  void close() {
    client.close();
    replica.close();
    System.out.println(calls.told("openai-java on " + getClass().getSimpleName()));
    assertThat(calls.allPassed()).isTrue();
  }

  private static OpenAIClient client(String url) {
    return OpenAIOkHttpClient.builder()
        .baseUrl(url)
        .apiKey("anything")
        .timeout(PATIENCE)
        .responseValidation(true)
        .build();
  }

  // ---- models, chat completions

  @Test
  void models() throws Exception {
    assertThat(calls.call("models.list", () -> client.models().list()).data())
        .extracting(model -> model.id())
        .contains("echo");
    assertThat(calls.call("models.retrieve", () -> client.models().retrieve("echo")).ownedBy())
        .isEqualTo("echo");
    calls.refused(
        "models.retrieve", NotFoundException.class, () -> client.models().retrieve("nobody"));
  }

  @Test
  void aCompletion() throws Exception {
    ChatCompletion plain =
        calls.call(
            "chat.create",
            () -> client.chat().completions().create(chat("How do you do?").build()));
    assertThat(plain.choices().getFirst().message().content()).contains("How do you do?");
    assertThat(plain.usage()).isPresent();
    ChatCompletionCreateParams asked =
        chat("a b c")
            .streamOptions(ChatCompletionStreamOptions.builder().includeUsage(true).build())
            .build();
    List<ChatCompletionChunk> chunks =
        calls.call("chat.stream", () -> all(client.chat().completions().createStreaming(asked)));
    StringBuilder text = new StringBuilder();
    chunks.forEach(chunk ->
        chunk.choices().forEach(choice -> choice.delta().content().ifPresent(text::append)));
    assertThat(text).hasToString("a b c");
    assertThat(chunks.getLast().usage()).isPresent();
    assertThat(chunks.getLast().choices()).isEmpty();
  }

  @Test
  void aCompletionThatFails() throws Exception {
    OpenAIClient impatient = client.withOptions(options -> options.maxRetries(0));
    ChatCompletionCreateParams before =
        chat("x")
            .putAdditionalBodyProperty("echo", JsonValue.from(Map.of("fail", "before")))
            .build();
    calls.refused(
        "chat.stream",
        InternalServerException.class,
        () -> all(impatient.chat().completions().createStreaming(before)));
    ChatCompletionCreateParams midway =
        chat("x y z")
            .putAdditionalBodyProperty("echo", JsonValue.from(Map.of("fail", "after:1")))
            .build();
    calls.refused(
        "chat.stream",
        OpenAIException.class,
        () -> all(impatient.chat().completions().createStreaming(midway)));
  }

  @Test
  void aCompletionThatKeepsAThread() throws Exception {
    Conversation conversation =
        calls.call("conversations.create", () -> client.conversations().create());
    for (String said : List.of("one", "two")) {
      ChatCompletionCreateParams asked =
          chat(said)
              .metadata(
                  ChatCompletionCreateParams.Metadata.builder()
                      .putAdditionalProperty("conversation_id", JsonValue.from(conversation.id()))
                      .build())
              .build();
      calls.call("chat.create", () -> client.chat().completions().create(asked));
    }
    assertThat(texts(conversation.id())).containsExactly("one", "one", "two", "two");
  }

  // ---- conversations

  @Test
  void aConversationAndItsItems() throws Exception {
    Conversation made =
        calls.call(
            "conversations.create",
            () ->
                client
                    .conversations()
                    .create(
                        ConversationCreateParams.builder()
                            .metadata(
                                ConversationCreateParams.Metadata.builder()
                                    .putAdditionalProperty("topic", JsonValue.from("looms"))
                                    .build())
                            .addItem(user("m0"))
                            .build()));
    assertThat(made.id()).matches("conv_[0-9a-f]{48}");
    Conversation updated =
        calls.call(
            "conversations.update",
            () ->
                client
                    .conversations()
                    .update(
                        made.id(),
                        ConversationUpdateParams.builder()
                            .metadata(
                                ConversationUpdateParams.Metadata.builder()
                                    .putAdditionalProperty("topic", JsonValue.from("heddles"))
                                    .build())
                            .build()));
    assertThat(json(updated)).contains("heddles");
    assertThat(
            json(
                calls.call(
                    "conversations.retrieve", () -> client.conversations().retrieve(made.id()))))
        .contains("heddles");
    for (int from = 1; from < 47; from += 20) {
      int first = from;
      ItemCreateParams.Builder items = ItemCreateParams.builder().conversationId(made.id());
      IntStream.range(first, Math.min(47, first + 20)).forEach(i -> items.addItem(user("m" + i)));
      calls.call("items.create", () -> client.conversations().items().create(items.build()));
    }
    List<String> expected = IntStream.range(0, 47).mapToObj(i -> "m" + i).toList();
    assertThat(texts(made.id())).isEqualTo(expected);
    // Without an order, the newest first.
    ItemListPage newest =
        calls.call("items.list", () -> client.conversations().items().list(made.id()));
    assertThat(newest.data()).hasSize(20);
    assertThat(text(newest.data().getFirst())).isEqualTo("m46");
    assertThat(newest.hasMore()).contains(true);

    String last = newest.lastId().orElseThrow();
    ItemRetrieveParams one =
        ItemRetrieveParams.builder().conversationId(made.id()).itemId(last).build();
    assertThat(
            text(calls.call("items.retrieve", () -> client.conversations().items().retrieve(one))))
        .isEqualTo("m27");
    ItemDeleteParams away =
        ItemDeleteParams.builder().conversationId(made.id()).itemId(last).build();
    assertThat(calls.call("items.delete", () -> client.conversations().items().delete(away)).id())
        .isEqualTo(made.id());
    calls.refused(
        "items.retrieve",
        NotFoundException.class,
        () -> client.conversations().items().retrieve(one));
    // A cursor whose item is gone goes on from where it stood.
    ItemListParams after =
        ItemListParams.builder().conversationId(made.id()).after(last).limit(2L).build();
    assertThat(
            calls
                .call("items.list", () -> client.conversations().items().list(after))
                .data()
                .stream()
                .map(StockJavaContract::text)
                .toList())
        .containsExactly("m26", "m25");

    assertThat(
            calls
                .call("conversations.delete", () -> client.conversations().delete(made.id()))
                .deleted())
        .isTrue();
    calls.refused(
        "conversations.retrieve",
        NotFoundException.class,
        () -> client.conversations().retrieve(made.id()));
  }

  @Test
  void itemsOfATypeThatNobodyKnows() throws Exception {
    OpenAIClient lenient = client.withOptions(options -> options.responseValidation(false));
    String weird =
        "{\"type\":\"a_type_of_next_year\",\"n\":123456789012345678,\"empty\":[],\"o\":{}}";
    ConversationCreateParams params =
        ConversationCreateParams.builder()
            .putAdditionalBodyProperty(
                "items", JsonValue.from(List.of(ObjectMappers.jsonMapper().readTree(weird))))
            .build();
    Conversation made =
        calls.call("conversations.create", () -> lenient.conversations().create(params));
    ConversationItem item =
        calls
            .call("items.list", () -> lenient.conversations().items().list(made.id()))
            .data()
            .getFirst();
    JsonNode shown = ObjectMappers.jsonMapper().valueToTree(item._json().orElseThrow());
    ObjectMappers.jsonMapper()
        .readTree(weird)
        .properties()
        .forEach(member -> assertThat(shown.get(member.getKey())).isEqualTo(member.getValue()));
  }

  // ---- responses

  @Test
  void aResponse() throws Exception {
    Response made = create(ask("How do you do?").instructions("Be kind."));
    assertThat(text(made)).isEqualTo("How do you do?");
    assertThat(made.status()).contains(ResponseStatus.COMPLETED);
    assertThat(made.usage().orElseThrow().totalTokens()).isPositive();
    Response again = calls.call("responses.retrieve", () -> client.responses().retrieve(made.id()));
    assertThat(json(again)).isEqualTo(json(made));
    assertThat(
            calls
                .call(
                    "responses.input_items", () -> client.responses().inputItems().list(made.id()))
                .data())
        .hasSize(1);
    calls.call(
        "responses.delete",
        () -> {
          client.responses().delete(made.id());
          return made;
        });
    calls.refused(
        "responses.retrieve",
        NotFoundException.class,
        () -> client.responses().retrieve(made.id()));
    long tokens =
        calls
            .call(
                "responses.input_tokens",
                () ->
                    client
                        .responses()
                        .inputTokens()
                        .count(InputTokenCountParams.builder().input("one two three").build()))
            .inputTokens();
    assertThat(tokens).isBetween(3L, 12L);
  }

  @Test
  void aStreamAndEveryEndOfIt() throws Exception {
    List<String> events = stream(ask("one two three four five"));
    assertThat(types(events))
        .startsWith("response.created", "response.in_progress", "response.output_item.added")
        .endsWith(
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.completed");
    assertThat(numbers(events)).isEqualTo(IntStream.range(0, events.size()).boxed().toList());
    String id = tree(events.getFirst()).at("/response/id").asText();
    for (int after : new int[] {-1, 0, 3, events.size() - 2, events.size() - 1, 10_000}) {
      assertThat(resume(client, id, after))
          .isEqualTo(events.subList(Math.min(events.size(), after + 1), events.size()));
    }
  }

  @Test
  void aStreamThatIsReadFromTheMiddleWhileItRuns() throws Exception {
    ResponseCreateParams.Builder slow = ask("word");
    slow.putAdditionalBodyProperty("echo", JsonValue.from(Map.of("tokens", 40, "pace", "25ms")));
    String id;
    int seen;
    try (StreamResponse<ResponseStreamEvent> stream =
        calls.call("responses.stream", () -> client.responses().createStreaming(slow.build()))) {
      List<String> some = stream.stream().limit(6).map(StockJavaContract::json).toList();
      id = tree(some.getFirst()).at("/response/id").asText();
      seen = tree(some.getLast()).get("sequence_number").asInt();
    }
    // The client hung up; the answer did not.
    List<String> rest = resume(client, id, seen);
    assertThat(numbers(rest).getFirst()).isEqualTo(seen + 1);
    assertThat(types(rest)).endsWith("response.completed");
    Response whole = calls.call("responses.retrieve", () -> client.responses().retrieve(id));
    assertThat(text(whole).split(" ")).hasSize(40);
  }

  @Test
  void toolsAreCalledAndAnswered() throws Exception {
    Conversation conversation =
        calls.call("conversations.create", () -> client.conversations().create());
    ResponseCreateParams.Builder asked =
        ask("What is the weather?").conversation(conversation.id());
    asked.addTool(
        FunctionTool.builder()
            .name("weather")
            .parameters(
                FunctionTool.Parameters.builder()
                    .putAdditionalProperty("type", JsonValue.from("object"))
                    .build())
            .strict(false)
            .build());
    asked.putAdditionalBodyProperty(
        "echo",
        JsonValue.from(
            Map.of("toolCall", Map.of("name", "weather", "arguments", Map.of("c", "Lyon")))));
    Response called = create(asked);
    var call = called.output().getLast().functionCall().orElseThrow();
    assertThat(call.name()).isEqualTo("weather");
    assertThat(ObjectMappers.jsonMapper().readTree(call.arguments()).at("/c").asText())
        .isEqualTo("Lyon");

    BadRequestException open =
        calls.refused(
            "responses.create",
            BadRequestException.class,
            () -> client.responses().create(ask("Well?").conversation(conversation.id()).build()));
    assertThat(open.getMessage()).contains("No tool output found for function call");

    Response answered =
        create(
            ask(List.of(
                    ResponseInputItem.ofFunctionCallOutput(
                        ResponseInputItem.FunctionCallOutput.builder()
                            .callId(call.callId())
                            .output("sunny")
                            .build())))
                .conversation(conversation.id()));
    assertThat(text(answered)).isEqualTo("sunny");
    List<ConversationItem> items = items(conversation.id());
    assertThat(items).hasSize(4);
    assertThat(items.get(1).functionCall().orElseThrow().id()).isEqualTo(call.id());
    assertThat(items.get(2).functionCallOutput()).isPresent();
  }

  @Test
  void responsesGoOnFromAnyOfThem() throws Exception {
    Response first = create(ask("one"));
    Response second = create(ask("two").previousResponseId(first.id()));
    Response other = create(ask("three").previousResponseId(first.id()));
    Response third = create(ask("four").previousResponseId(second.id()));
    assertThat(thread(third)).containsExactly("one", "one", "two", "two", "four", "four");
    assertThat(thread(other)).containsExactly("one", "one", "three", "three");
    BadRequestException unknown =
        calls.refused(
            "responses.create",
            BadRequestException.class,
            () -> client.responses().create(ask("x").previousResponseId("resp_unknown").build()));
    assertThat(unknown.code()).contains("previous_response_not_found");
  }

  @Test
  void theBackgroundIsLookedAtAndCancelled() throws Exception {
    ResponseCreateParams.Builder slow = ask("word").background(true);
    slow.putAdditionalBodyProperty(
        "echo", JsonValue.from(Map.of("tokens", 100_000, "pace", "20ms")));
    Response made = create(slow);
    assertThat(made.status()).isPresent();
    assertThat(made.status().orElseThrow()).isIn(ResponseStatus.QUEUED, ResponseStatus.IN_PROGRESS);
    await()
        .atMost(PATIENCE)
        .until(() ->
            client
                .responses()
                .retrieve(made.id())
                .status()
                .orElseThrow()
                .equals(ResponseStatus.IN_PROGRESS));
    for (int i = 0; i < 2; i++) {
      Response cancelled =
          calls.call("responses.cancel", () -> client.responses().cancel(made.id()));
      assertThat(cancelled.status()).contains(ResponseStatus.CANCELLED);
    }
    // What was said is kept, and the next one goes on from there.
    Response next = create(ask("and now?").previousResponseId(made.id()));
    assertThat(text(next)).isEqualTo("and now?");
  }

  @Test
  void whatIsNotStored() throws Exception {
    Response alone = create(ask("alone").store(false));
    assertThat(text(alone)).isEqualTo("alone");
    calls.refused(
        "responses.retrieve",
        NotFoundException.class,
        () -> client.responses().retrieve(alone.id()));
    assertThat(types(stream(ask("alone").store(false)))).endsWith("response.completed");
  }

  @Test
  void aBusyConversationIsWaitedForByTheClientItself() throws Exception {
    Conversation conversation =
        calls.call("conversations.create", () -> client.conversations().create());
    ResponseCreateParams.Builder slow =
        ask("word").conversation(conversation.id()).background(true);
    slow.putAdditionalBodyProperty("echo", JsonValue.from(Map.of("tokens", 20, "pace", "50ms")));
    create(slow);
    ResponseCreateParams.Builder next = ask("next").conversation(conversation.id());
    next.putAdditionalHeader("Heddle-On-Busy", "reject");
    Response answered = create(next);
    assertThat(text(answered)).isEqualTo("next");
    assertThat(texts(conversation.id())).hasSize(4);
  }

  @Test
  void whatIsNotSupportedIsRefusedByName() throws Exception {
    ResponseCreateParams.Builder prompt = ask("x");
    prompt.putAdditionalBodyProperty("prompt", JsonValue.from(Map.of("id", "p")));
    BadRequestException refused =
        calls.refused(
            "responses.create",
            BadRequestException.class,
            () -> client.responses().create(prompt.build()));
    assertThat(refused.code()).contains("unsupported_parameter");
    assertThat(refused.param()).contains("prompt");
    NotFoundException unknown =
        calls.refused(
            "responses.create",
            NotFoundException.class,
            () -> client.responses().create(ask("x").model("nobody").build()));
    assertThat(unknown.code()).contains("model_not_found");
  }

  /**
   * A client whose answer was lost sends its request again, without any key. The turn was begun
   * twice then, the thread had the question twice, and both answers were paid for.
   */
  @Test
  void aSecondTryIsGivenTheTurnOfTheFirst() throws Exception {
    Conversation conversation =
        calls.call("conversations.create", () -> client.conversations().create());
    try (LossyLink link = new LossyLink(replica.port())) {
      OpenAIClient cutOff = client(Replica.url(link.port()));
      for (Consumer<ResponseCreateParams.Builder> where :
          List.<Consumer<ResponseCreateParams.Builder>>of(
              params -> params.conversation(conversation.id()), params -> {})) {
        ResponseCreateParams.Builder slow = ask("again");
        slow.putAdditionalBodyProperty("echo", JsonValue.from(Map.of("firstAfter", "1500ms")));
        where.accept(slow);
        CompletableFuture<Response> answer =
            CompletableFuture.supplyAsync(() -> cutOff.responses().create(slow.build()));
        // The first try has got as far as the model when its connection dies.
        await().pollDelay(Duration.ofMillis(700)).atMost(PATIENCE).until(() -> true);
        int before = link.accepted();
        link.cut();
        Response response =
            calls.call(
                "responses.create", () -> answer.get(PATIENCE.toSeconds(), TimeUnit.SECONDS));
        assertThat(link.accepted()).isGreaterThan(before);
        assertThat(thread(response)).containsExactly("again", "again");
      }
      cutOff.close();
    }
  }

  // ----

  private Response create(ResponseCreateParams.Builder asked) throws Exception {
    return calls.call("responses.create", () -> client.responses().create(asked.build()));
  }

  private List<String> stream(ResponseCreateParams.Builder asked) throws Exception {
    return calls.call(
        "responses.stream",
        () ->
            all(client.responses().createStreaming(asked.build())).stream()
                .map(StockJavaContract::json)
                .toList());
  }

  private List<String> resume(OpenAIClient from, String id, int after) throws Exception {
    ResponseRetrieveParams.Builder params = ResponseRetrieveParams.builder().responseId(id);
    if (after >= 0) {
      params.startingAfter((long) after);
    }
    return calls.call(
        "responses.resume",
        () ->
            all(from.responses().retrieveStreaming(params.build())).stream()
                .map(StockJavaContract::json)
                .toList());
  }

  private static <T> List<T> all(StreamResponse<T> response) {
    try (response) {
      return response.stream().toList();
    }
  }

  /** All texts of the thread that a response is in. */
  private List<String> thread(Response response) throws Exception {
    return texts(ResponseId.parse(response.id()).session());
  }

  private List<String> texts(String conversation) throws Exception {
    return items(conversation).stream().map(StockJavaContract::text).toList();
  }

  /** All items, oldest first, with as many pages as it takes. */
  private List<ConversationItem> items(String conversation) throws Exception {
    ItemListParams params =
        ItemListParams.builder()
            .conversationId(conversation)
            .order(ItemListParams.Order.ASC)
            .limit(10L)
            .build();
    List<ConversationItem> items = new ArrayList<>();
    calls
        .call("items.list", () -> client.conversations().items().list(params))
        .autoPager()
        .forEach(items::add);
    return items;
  }

  private static ChatCompletionCreateParams.Builder chat(String text) {
    return ChatCompletionCreateParams.builder().model("echo").addUserMessage(text);
  }

  private static ResponseCreateParams.Builder ask(String text) {
    return ResponseCreateParams.builder().model("echo").input(text);
  }

  private static ResponseCreateParams.Builder ask(List<ResponseInputItem> items) {
    return ResponseCreateParams.builder().model("echo").inputOfResponse(items);
  }

  private static EasyInputMessage user(String text) {
    return EasyInputMessage.builder().role(EasyInputMessage.Role.USER).content(text).build();
  }

  private static String text(ConversationItem item) {
    return tree(json(item)).at("/content/0/text").asText();
  }

  private static String text(Response response) {
    StringBuilder text = new StringBuilder();
    for (JsonNode item : tree(json(response)).get("output")) {
      for (JsonNode part : item.path("content")) {
        text.append(part.path("text").asText());
      }
    }
    return text.toString();
  }

  private static List<String> types(List<String> events) {
    return events.stream().map(event -> tree(event).get("type").asText()).toList();
  }

  private static List<Integer> numbers(List<String> events) {
    return events.stream().map(event -> tree(event).get("sequence_number").asInt()).toList();
  }

  private static String json(Object value) {
    try {
      return ObjectMappers.jsonMapper().writeValueAsString(value);
    } catch (JsonProcessingException e) {
      throw new AssertionError(e);
    }
  }

  private static JsonNode tree(String json) {
    try {
      return ObjectMappers.jsonMapper().readTree(json);
    } catch (JsonProcessingException e) {
      throw new AssertionError(e);
    }
  }
}
