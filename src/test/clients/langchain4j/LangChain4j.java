package io.heddle.clients;

import static io.heddle.clients.Cases.check;
import static io.heddle.clients.Cases.equal;
import static io.heddle.clients.Cases.halfAnAnswer;
import static io.heddle.clients.Cases.says;

import dev.langchain4j.agent.tool.P;
import dev.langchain4j.agent.tool.Tool;
import dev.langchain4j.data.message.ImageContent;
import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.memory.chat.MessageWindowChatMemory;
import dev.langchain4j.model.chat.Capability;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.PartialResponseContext;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.openai.OpenAiChatModel;
import dev.langchain4j.model.openai.OpenAiResponsesChatModel;
import dev.langchain4j.model.openai.OpenAiResponsesStreamingChatModel;
import dev.langchain4j.model.openai.OpenAiStreamingChatModel;
import dev.langchain4j.service.AiServices;
import dev.langchain4j.service.SystemMessage;
import dev.langchain4j.service.TokenStream;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;

/** LangChain4j: its models, and its services with memory and tools. */
public final class LangChain4j {

  private static final Cases CASES = new Cases("LangChain4j", "langchain4j-open-ai");
  private static String url;

  /** A service that answers at once, one that streams, and one that gives an object. */
  interface Plain {
    @SystemMessage("Be kind.")
    String ask(String text);
  }

  interface Streamed {
    @SystemMessage("Be kind.")
    TokenStream ask(String text);
  }

  interface Weather {
    Warm ask(String text);
  }

  record Warm(String city, double degrees) {}

  /** Its tools. */
  public static final class Tools {

    @Tool("The weather of a city")
    public String weather(@P(name = "city", value = "its name") String city) {
      return Cases.weather(city);
    }

    @Tool("Books a trip")
    public String book(@P(name = "city", value = "its name") String city) {
      return city;
    }
  }

  private record Models(ChatModel plain, StreamingChatModel streaming) {}

  public static void main(String[] args) {
    url = args[0];
    for (String wire : List.of("chat", "chat in a session", "responses")) {
      all(wire);
    }
    System.exit(0);
  }

  private static Models models(String wire, String model) {
    if (wire.equals("responses")) {
      return new Models(
          OpenAiResponsesChatModel.builder()
              .baseUrl(url)
              .apiKey("anything")
              .modelName(model)
              .build(),
          OpenAiResponsesStreamingChatModel.builder()
              .baseUrl(url)
              .apiKey("anything")
              .modelName(model)
              .build());
    }
    Map<String, String> headers =
        wire.equals("chat") ? Map.of() : Map.of("Heddle-Session", "lc4j-" + UUID.randomUUID());
    return new Models(
        OpenAiChatModel.builder()
            .baseUrl(url)
            .apiKey("anything")
            .modelName(model)
            .customHeaders(headers)
            .supportedCapabilities(Capability.RESPONSE_FORMAT_JSON_SCHEMA)
            .strictJsonSchema(true)
            .maxRetries(0)
            .build(),
        OpenAiStreamingChatModel.builder()
            .baseUrl(url)
            .apiKey("anything")
            .modelName(model)
            .customHeaders(headers)
            .build());
  }

  private static Models models(String wire) {
    return models(wire, Cases.MODEL);
  }

  private static Plain plain(String wire) {
    return AiServices.builder(Plain.class)
        .chatModel(models(wire).plain())
        .chatMemory(MessageWindowChatMemory.withMaxMessages(30))
        .tools(new Tools())
        .build();
  }

  private static Plain streamed(String wire) {
    Streamed service =
        AiServices.builder(Streamed.class)
            .streamingChatModel(models(wire).streaming())
            .chatMemory(MessageWindowChatMemory.withMaxMessages(30))
            .tools(new Tools())
            .build();
    return text -> whole(service.ask(text));
  }

  private static String whole(TokenStream stream) {
    CompletableFuture<ChatResponse> done = new CompletableFuture<>();
    stream
        .onPartialResponse(piece -> {})
        .onCompleteResponse(done::complete)
        .onError(done::completeExceptionally)
        .start();
    return wait(done).aiMessage().text();
  }

  private static <T> T wait(CompletableFuture<T> done) {
    try {
      return done.get(60, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      throw new IllegalStateException(e.getCause());
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  private static void all(String wire) {
    CASES.of(
        wire + ": turns",
        () -> {
          for (Plain service : List.of(plain(wire), streamed(wire))) {
            equal("Noted: I am Ada", CASES.call(() -> service.ask("I am Ada")));
            equal("You said: I am Ada. Be kind.", CASES.call(() -> service.ask("What did I say?")));
          }
        });
    CASES.of(
        wire + ": tools",
        () -> {
          for (Plain service : List.of(plain(wire), streamed(wire))) {
            for (String text : List.of("Plan a trip", "Plan a trip aloud")) {
              Cases.trip(CASES.call(() -> service.ask(text)));
            }
            String last = CASES.call(() -> service.ask("What did I say?"));
            equal("You said: Plan a trip / Plan a trip aloud. Be kind.", last);
          }
        });
    CASES.of(
        wire + ": stream",
        () -> {
          StringBuilder pieces = new StringBuilder();
          CompletableFuture<ChatResponse> done = new CompletableFuture<>();
          ChatResponse whole =
              CASES.call(() -> {
                models(wire).streaming().chat("Count", handler(pieces, done));
                return wait(done);
              });
          equal(Cases.COUNTED, pieces.toString());
          equal(Cases.COUNTED, whole.aiMessage().text());
          equal(15, whole.tokenUsage().totalTokenCount());
        });
    CASES.of(
        wire + ": format",
        () -> {
          Weather service =
              AiServices.builder(Weather.class).chatModel(models(wire).plain()).build();
          equal(new Warm("Lyon", 21), CASES.call(() -> service.ask("Where is it warm?")));
        });
    CASES.of(
        wire + ": images",
        () -> {
          UserMessage message =
              UserMessage.from(
                  TextContent.from("What do you see?"),
                  ImageContent.from(Cases.PICTURE, "image/png"));
          ChatResponse seen = CASES.call(() -> models(wire).plain().chat(message));
          equal(Cases.PICTURE_SEEN, seen.aiMessage().text());
        });
    CASES.of(
        wire + ": abort",
        () -> {
          Models models = models(wire);
          CompletableFuture<ChatResponse> cancelled = new CompletableFuture<>();
          CASES.call(() -> {
            models
                .streaming()
                .chat(
                    "Take your time",
                    new StreamingChatResponseHandler() {
                      @Override
                      public void onPartialResponse(
                          PartialResponse piece, PartialResponseContext context) {
                        context.streamingHandle().cancel();
                        cancelled.complete(null);
                      }

                      @Override
                      public void onCompleteResponse(ChatResponse response) {
                        cancelled.complete(response);
                      }

                      @Override
                      public void onError(Throwable error) {
                        cancelled.completeExceptionally(error);
                      }
                    });
            return wait(cancelled);
          });
          // In a session this waits for the end of what the client did not wait for.
          String next = CASES.call(() -> models.plain().chat("What did I say?"));
          check(next.startsWith("You said: "), next);
        });
    CASES.of(
        wire + ": errors",
        () -> {
          for (int status : new int[] {400, 503}) {
            CASES.refused(
                e -> says("The model says no with " + status, e),
                () -> models(wire).plain().chat("Fail with " + status));
            CASES.refused(
                e -> says("The model says no with " + status, e),
                () -> streamed(wire).ask("Fail with " + status));
          }
          if (wire.equals("responses")) {
            CASES.refused(
                e -> says("broke its answer off", e), () -> streamed(wire).ask("Break off"));
          } else {
            // In a stream of Chat Completions it takes no notice of an error.
            halfAnAnswer(CASES.call(() -> streamed(wire).ask("Break off")));
          }
          CASES.refused(e -> says("nobody", e), () -> models(wire, "nobody").plain().chat("x"));
        });
  }

  private static StreamingChatResponseHandler handler(
      StringBuilder pieces, CompletableFuture<ChatResponse> done) {
    return new StreamingChatResponseHandler() {
      @Override
      public void onPartialResponse(String piece) {
        pieces.append(piece);
      }

      @Override
      public void onCompleteResponse(ChatResponse response) {
        done.complete(response);
      }

      @Override
      public void onError(Throwable error) {
        done.completeExceptionally(error);
      }
    };
  }
}
