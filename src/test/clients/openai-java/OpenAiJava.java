package io.heddle.clients;

import static io.heddle.clients.Cases.check;
import static io.heddle.clients.Cases.equal;
import static io.heddle.clients.Cases.says;

import com.fasterxml.jackson.annotation.JsonClassDescription;
import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.http.StreamResponse;
import com.openai.errors.BadRequestException;
import com.openai.errors.NotFoundException;
import com.openai.errors.OpenAIException;
import com.openai.helpers.ChatCompletionAccumulator;
import com.openai.helpers.ResponseAccumulator;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionContentPart;
import com.openai.models.chat.completions.ChatCompletionContentPartImage;
import com.openai.models.chat.completions.ChatCompletionContentPartText;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionMessage;
import com.openai.models.chat.completions.ChatCompletionMessageFunctionToolCall;
import com.openai.models.chat.completions.ChatCompletionMessageToolCall;
import com.openai.models.chat.completions.ChatCompletionStreamOptions;
import com.openai.models.chat.completions.ChatCompletionToolMessageParam;
import com.openai.models.responses.EasyInputMessage;
import com.openai.models.responses.Response;
import com.openai.models.responses.ResponseCreateParams;
import com.openai.models.responses.ResponseFunctionToolCall;
import com.openai.models.responses.ResponseInputContent;
import com.openai.models.responses.ResponseInputImage;
import com.openai.models.responses.ResponseInputItem;
import com.openai.models.responses.ResponseInputText;
import com.openai.models.responses.ResponseOutputItem;
import com.openai.models.responses.ResponseStreamEvent;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Collectors;

/** OpenAI's library for Java. */
public final class OpenAiJava {

  @JsonClassDescription("The weather of a city")
  public static class weather {
    public String city;
  }

  @JsonClassDescription("Books a trip")
  public static class book {
    public String city;
  }

  /** The shape of an answer. */
  public static class Warm {
    public String city;
    public double degrees;
  }

  private static final String PICTURE = "data:image/png;base64," + Cases.PICTURE;
  private static final Cases CASES = new Cases("openai-java", "openai-java");
  private static OpenAIClient client;

  public static void main(String[] args) {
    client = OpenAIOkHttpClient.builder().baseUrl(args[0]).apiKey("anything").build();
    responses();
    kept();
    for (boolean stream : new boolean[] {false, true}) {
      chat(stream ? "chat, streamed" : "chat", stream);
    }
    System.exit(0);
  }

  // ---- Responses

  private static void responses() {
    CASES.of(
        "responses: turns",
        () -> {
          Response first = create(ask("I am Ada").instructions("Be kind."));
          equal("Noted: I am Ada", text(first));
          Response second = stream(ask("What did I say?").previousResponseId(first.id()));
          equal("You said: I am Ada. ", text(second));
        });
    CASES.of(
        "responses: tools",
        () -> {
          trip(OpenAiJava::create, Response::id, false);
          trip(OpenAiJava::stream, Response::id, false);
          trip(OpenAiJava::create, Response::id, true);
        });
    CASES.of(
        "responses: stream",
        () -> {
          Response counted = stream(ask("Count"));
          equal(Cases.COUNTED, text(counted));
          equal(15L, counted.usage().orElseThrow().totalTokens());
        });
    CASES.of(
        "responses: format",
        () -> {
          Warm warm =
              CASES
                  .call(() ->
                      client.responses().create(ask("Where is it warm?").text(Warm.class).build()))
                  .output()
                  .get(0)
                  .message()
                  .orElseThrow()
                  .content()
                  .get(0)
                  .outputText()
                  .orElseThrow();
          equal("Lyon", warm.city);
          equal(21.0, warm.degrees);
        });
    CASES.of(
        "responses: images",
        () -> {
          ResponseInputItem seen =
              ResponseInputItem.ofEasyInputMessage(
                  EasyInputMessage.builder()
                      .role(EasyInputMessage.Role.USER)
                      .contentOfResponseInputMessageContentList(
                          List.of(
                              ResponseInputContent.ofInputText(
                                  ResponseInputText.builder().text("What do you see?").build()),
                              ResponseInputContent.ofInputImage(
                                  ResponseInputImage.builder()
                                      .detail(ResponseInputImage.Detail.LOW)
                                      .imageUrl(PICTURE)
                                      .build())))
                      .build());
          equal(Cases.PICTURE_SEEN, text(create(ask(List.of(seen)))));
        });
    CASES.of(
        "responses: errors",
        () -> {
          CASES.refused(
              e -> {
                check(e instanceof BadRequestException, e);
                says("The model says no with 400", e);
              },
              () -> client.responses().create(ask("Fail with 400").build()));
          CASES.refused(
              e -> says("The model says no with 503", e),
              () -> client.responses().create(ask("Fail with 503").build()));
          CASES.refused(
              e -> equal("previous_response_not_found", ((BadRequestException) e).code().get()),
              () -> client.responses().create(ask("x").previousResponseId("resp_none").build()));
          CASES.refused(
              e -> check(e instanceof NotFoundException, e),
              () -> client.responses().create(ask("x").model("nobody").build()));
          for (String text : List.of("Break off", "Fail with 400")) {
            List<ResponseStreamEvent> events =
                CASES.call(
                    () -> all(client.responses().createStreaming(ask(text).build()), e -> {}));
            check(events.get(events.size() - 1).isFailed(), events);
          }
        });
  }

  private static void kept() {
    CASES.of(
        "conversation: turns",
        () -> {
          String id = CASES.call(() -> client.conversations().create()).id();
          create(ask("I am Ada").conversation(id));
          stream(ask("I weave").conversation(id));
          Response last = create(ask("What did I say?").conversation(id));
          equal("You said: I am Ada / I weave. ", text(last));
          long items =
              CASES.call(
                  () -> client.conversations().items().list(id).autoPager().stream().count());
          equal(6L, items);
        });
    CASES.of(
        "conversation: tools",
        () -> {
          String id = CASES.call(() -> client.conversations().create()).id();
          for (boolean stream : new boolean[] {false, true}) {
            trip(
                asked -> {
                  asked.previousResponseId((String) null).conversation(id);
                  return stream ? stream(asked) : create(asked);
                },
                Response::id,
                false);
          }
        });
    CASES.of(
        "conversation: abort",
        () -> {
          String id = CASES.call(() -> client.conversations().create()).id();
          CASES.call(() -> {
            try (StreamResponse<ResponseStreamEvent> stream =
                client
                    .responses()
                    .createStreaming(ask("Take your time").conversation(id).build())) {
              return stream.stream().anyMatch(ResponseStreamEvent::isOutputTextDelta);
            }
          });
          Response next = create(ask("What did I say?").conversation(id));
          equal("You said: Take your time. ", text(next));
        });
    CASES.of(
        "stateless: turns",
        () -> {
          List<ResponseInputItem> input = new ArrayList<>(List.of(user("I am Ada")));
          Response first = create(ask(input).store(false));
          first.output().forEach(item -> input.add(again(item)));
          input.add(user("What did I say?"));
          equal("You said: I am Ada. ", text(create(ask(input).store(false))));
        });
  }

  /** Until no tool is called any more. */
  private static void trip(
      Function<ResponseCreateParams.Builder, Response> send,
      Function<Response, String> link,
      boolean alone) {
    ResponseCreateParams.Builder asked = ask("Plan a trip aloud");
    for (int steps = 0; ; steps++) {
      asked.addTool(weather.class).addTool(book.class);
      if (alone) {
        asked.parallelToolCalls(false);
      }
      Response response = send.apply(asked);
      List<ResponseInputItem> outputs = new ArrayList<>();
      for (ResponseOutputItem item : response.output()) {
        item.functionCall().ifPresent(call -> outputs.add(output(call)));
      }
      if (outputs.isEmpty()) {
        Cases.trip(text(response));
        equal(alone ? 3 : 2, steps);
        return;
      }
      asked = ask(outputs).previousResponseId(link.apply(response));
    }
  }

  private static ResponseInputItem output(ResponseFunctionToolCall call) {
    String output =
        call.name().equals("weather")
            ? Cases.weather(call.arguments(weather.class).city)
            : call.arguments(book.class).city;
    return ResponseInputItem.ofFunctionCallOutput(
        ResponseInputItem.FunctionCallOutput.builder()
            .callId(call.callId())
            .output(output)
            .build());
  }

  private static ResponseInputItem again(ResponseOutputItem item) {
    return ResponseInputItem.ofResponseOutputMessage(item.message().orElseThrow());
  }

  private static ResponseInputItem user(String text) {
    return ResponseInputItem.ofEasyInputMessage(
        EasyInputMessage.builder().role(EasyInputMessage.Role.USER).content(text).build());
  }

  private static ResponseCreateParams.Builder ask(String text) {
    return ResponseCreateParams.builder().model(Cases.MODEL).input(text);
  }

  private static ResponseCreateParams.Builder ask(List<ResponseInputItem> items) {
    return ResponseCreateParams.builder().model(Cases.MODEL).inputOfResponse(items);
  }

  private static Response create(ResponseCreateParams.Builder asked) {
    return CASES.call(() -> client.responses().create(asked.build()));
  }

  private static Response stream(ResponseCreateParams.Builder asked) {
    return CASES.call(() -> {
      ResponseAccumulator whole = ResponseAccumulator.create();
      List<ResponseStreamEvent> events =
          all(client.responses().createStreaming(asked.build()), whole::accumulate);
      check(events.get(events.size() - 1).isCompleted(), events);
      return whole.response();
    });
  }

  private static String text(Response response) {
    return response.output().stream()
        .flatMap(item -> item.message().stream())
        .flatMap(message -> message.content().stream())
        .map(part -> part.asOutputText().text())
        .collect(Collectors.joining());
  }

  private static <T> List<T> all(StreamResponse<T> response, Consumer<T> each) {
    try (response) {
      return response.stream().peek(each).toList();
    }
  }

  // ---- Chat Completions

  private static void chat(String wire, boolean stream) {
    CASES.of(
        wire + ": turns",
        () -> {
          ChatCompletionCreateParams.Builder asked =
              say().addSystemMessage("Be kind.").addUserMessage("I am Ada");
          ChatCompletionMessage first = complete(asked, stream);
          equal("Noted: I am Ada", first.content().orElseThrow());
          asked.addMessage(first).addUserMessage("What did I say?");
          equal("You said: I am Ada. Be kind.", complete(asked, stream).content().orElseThrow());
        });
    CASES.of(
        wire + ": tools",
        () -> {
          ChatCompletionCreateParams.Builder asked =
              say().addUserMessage("Plan a trip aloud").addTool(weather.class).addTool(book.class);
          for (int step = 0; ; step++) {
            ChatCompletionMessage message = complete(asked, stream);
            asked.addMessage(message);
            List<ChatCompletionMessageToolCall> calls = message.toolCalls().orElse(List.of());
            if (calls.isEmpty()) {
              Cases.trip(message.content().orElseThrow());
              equal(2, step);
              break;
            }
            for (ChatCompletionMessageToolCall call : calls) {
              asked.addMessage(output(call.asFunction()));
            }
          }
        });
    CASES.of(
        wire + ": stream",
        () -> {
          List<ChatCompletionChunk> chunks =
              CASES.call(() ->
                  all(
                      client
                          .chat()
                          .completions()
                          .createStreaming(
                              say()
                                  .addUserMessage("Count")
                                  .streamOptions(
                                      ChatCompletionStreamOptions.builder()
                                          .includeUsage(true)
                                          .build())
                                  .build()),
                      chunk -> {}));
          equal(
              Cases.COUNTED,
              chunks.stream()
                  .flatMap(chunk -> chunk.choices().stream())
                  .flatMap(choice -> choice.delta().content().stream())
                  .collect(Collectors.joining()));
          equal(15L, chunks.get(chunks.size() - 1).usage().orElseThrow().totalTokens());
        });
    CASES.of(
        wire + ": format",
        () -> {
          Warm warm =
              CASES
                  .call(() ->
                      client
                          .chat()
                          .completions()
                          .create(
                              say()
                                  .addUserMessage("Where is it warm?")
                                  .responseFormat(Warm.class)
                                  .build()))
                  .choices()
                  .get(0)
                  .message()
                  .content()
                  .orElseThrow();
          equal("Lyon", warm.city);
        });
    CASES.of(
        wire + ": images",
        () -> {
          ChatCompletionCreateParams.Builder asked =
              say()
                  .addUserMessageOfArrayOfContentParts(
                      List.of(
                          ChatCompletionContentPart.ofText(
                              ChatCompletionContentPartText.builder()
                                  .text("What do you see?")
                                  .build()),
                          ChatCompletionContentPart.ofImageUrl(
                              ChatCompletionContentPartImage.builder()
                                  .imageUrl(
                                      ChatCompletionContentPartImage.ImageUrl.builder()
                                          .url(PICTURE)
                                          .build())
                                  .build())));
          equal(Cases.PICTURE_SEEN, complete(asked, stream).content().orElseThrow());
        });
    CASES.of(
        wire + ": abort",
        () -> {
          ChatCompletionCreateParams.Builder asked = say().addUserMessage("Go on");
          CASES.call(() -> {
            try (StreamResponse<ChatCompletionChunk> chunks =
                client.chat().completions().createStreaming(asked.build())) {
              return chunks.stream().limit(5).toList();
            }
          });
          asked.addAssistantMessage("1 2 3").addUserMessage("What did I say?");
          equal("You said: Go on. ", complete(asked, stream).content().orElseThrow());
        });
    CASES.of(
        wire + ": errors",
        () -> {
          for (int status : new int[] {400, 503}) {
            CASES.refused(
                e -> says("The model says no with " + status, e),
                () -> send(say().addUserMessage("Fail with " + status), stream));
          }
          CASES.refused(
              e -> check(e instanceof OpenAIException, e),
              () -> send(say().addUserMessage("Break off"), true));
          CASES.refused(
              e -> check(e instanceof NotFoundException, e),
              () -> send(say().model("nobody").addUserMessage("x"), stream));
        });
  }

  private static ChatCompletionCreateParams.Builder say() {
    return ChatCompletionCreateParams.builder().model(Cases.MODEL);
  }

  private static ChatCompletionMessage complete(
      ChatCompletionCreateParams.Builder asked, boolean stream) {
    return CASES.call(() -> send(asked, stream));
  }

  private static ChatCompletionMessage send(
      ChatCompletionCreateParams.Builder asked, boolean stream) {
    ChatCompletion completion;
    if (stream) {
      ChatCompletionAccumulator whole = ChatCompletionAccumulator.create();
      all(client.chat().completions().createStreaming(asked.build()), whole::accumulate);
      completion = whole.chatCompletion();
    } else {
      completion = client.chat().completions().create(asked.build());
    }
    return completion.choices().get(0).message();
  }

  private static ChatCompletionToolMessageParam output(ChatCompletionMessageFunctionToolCall call) {
    String output =
        call.function().name().equals("weather")
            ? Cases.weather(call.function().arguments(weather.class).city)
            : call.function().arguments(book.class).city;
    return ChatCompletionToolMessageParam.builder().toolCallId(call.id()).content(output).build();
  }
}
