package io.heddle.clients;

import static io.heddle.clients.Cases.check;
import static io.heddle.clients.Cases.equal;
import static io.heddle.clients.Cases.halfAnAnswer;
import static io.heddle.clients.Cases.says;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.BiFunction;
import org.slf4j.LoggerFactory;
import org.springframework.ai.chat.client.AdvisorParams;
import org.springframework.ai.chat.client.ChatClient;
import org.springframework.ai.chat.client.ChatClient.ChatClientRequestSpec;
import org.springframework.ai.chat.client.advisor.MessageChatMemoryAdvisor;
import org.springframework.ai.chat.memory.ChatMemory;
import org.springframework.ai.chat.memory.MessageWindowChatMemory;
import org.springframework.ai.chat.model.ChatModel;
import org.springframework.ai.tool.annotation.Tool;
import org.springframework.core.io.ByteArrayResource;
import org.springframework.util.MimeTypeUtils;
import org.springframework.web.reactive.function.client.WebClientResponseException;

/** What both versions are called with: the client, with its memory and its tools. */
final class SpringAiCases {

  private static final Cases CASES = new Cases("Spring AI", "spring-ai-openai");

  private final BiFunction<String, Map<String, String>, ChatModel> models;

  private final boolean old;

  private SpringAiCases(BiFunction<String, Map<String, String>, ChatModel> models, boolean old) {
    this.models = models;
    this.old = old;
  }

  /** Its tools. */
  public static final class Tools {

    @Tool(description = "The weather of a city")
    public String weather(String city) {
      return Cases.weather(city);
    }

    @Tool(description = "Books a trip")
    public String book(String city) {
      return city;
    }
  }

  /** The shape of an answer. */
  public record Warm(String city, double degrees) {}

  /**
   * @param models by the model's name and the headers of its requests
   * @param old it drops words beside calls from a stream, takes no notice of errors in it, and puts
   *     its instructions behind what it remembers
   */
  static void run(BiFunction<String, Map<String, String>, ChatModel> models, boolean old) {
    // Its stacks of errors that are wanted here.
    ((Logger) LoggerFactory.getLogger(Logger.ROOT_LOGGER_NAME)).setLevel(Level.OFF);
    SpringAiCases cases = new SpringAiCases(models, old);
    for (boolean session : new boolean[] {false, true}) {
      for (boolean stream : new boolean[] {false, true}) {
        cases.all(session, stream);
      }
    }
    System.exit(0);
  }

  private ChatClient client(boolean session) {
    return client(session, Cases.MODEL);
  }

  private ChatClient client(boolean session, String model) {
    Map<String, String> headers =
        session ? Map.of("Heddle-Session", "spring-" + UUID.randomUUID()) : Map.of();
    return ChatClient.create(models.apply(model, headers));
  }

  private static String say(ChatClientRequestSpec asked, boolean stream) {
    return CASES.call(() -> said(asked, stream));
  }

  private static String said(ChatClientRequestSpec asked, boolean stream) {
    return stream
        ? String.join("", asked.stream().content().collectList().block())
        : asked.call().content();
  }

  private static void saysBody(String words, Throwable error) {
    boolean body = error instanceof WebClientResponseException;
    String told = body ? ((WebClientResponseException) error).getResponseBodyAsString() : "";
    check((told + Cases.words(error)).contains(words), error);
  }

  private void all(boolean session, boolean stream) {
    String wire = "chat" + (session ? " in a session" : "") + (stream ? ", streamed" : "");
    CASES.of(
        wire + ": turns",
        () -> {
          ChatClient client = client(session);
          MessageChatMemoryAdvisor memory =
              MessageChatMemoryAdvisor.builder(MessageWindowChatMemory.builder().build()).build();
          String answer = "";
          for (String text : List.of("I am Ada", "I weave", "What did I say?")) {
            answer =
                say(
                    client
                        .prompt()
                        .system("Be kind.")
                        .user(text)
                        .advisors(memory)
                        .advisors(a -> a.param(ChatMemory.CONVERSATION_ID, "1")),
                    stream);
          }
          String expected = "You said: I am Ada / I weave. Be kind.";
          check(answer.equals(expected), answer);
        });
    CASES.of(
        wire + ": tools",
        () -> {
          for (String text : List.of("Plan a trip", "Plan a trip aloud")) {
            ChatClientRequestSpec asked = client(session).prompt().user(text).tools(new Tools());
            if (old && stream && !session && text.endsWith("aloud")) {
              // Beside its calls it sends an empty text; in a session the thread has the words.
              CASES.refused(
                  e -> saysBody("my words stand there once", e), () -> said(asked, stream));
              continue;
            }
            String answer = say(asked, stream);
            // A stream tells what was said beside the calls, too.
            Cases.trip(answer.replace("Let me see.", ""));
          }
        });
    CASES.of(
        wire + ": stream",
        () -> {
          List<String> pieces =
              CASES.call(
                  () -> client(session).prompt("Count").stream().content().collectList().block());
          equal(Cases.COUNTED, String.join("", pieces));
          check(pieces.size() > 1, pieces);
        });
    CASES.of(
        wire + ": format",
        () -> {
          Warm warm =
              CASES.call(() ->
                  client(session)
                      .prompt("Where is it warm?")
                      .advisors(AdvisorParams.ENABLE_NATIVE_STRUCTURED_OUTPUT)
                      .call()
                      .entity(Warm.class));
          equal(new Warm("Lyon", 21), warm);
        });
    CASES.of(
        wire + ": images",
        () -> {
          ByteArrayResource picture =
              new ByteArrayResource(Base64.getDecoder().decode(Cases.PICTURE));
          String seen =
              say(
                  client(session)
                      .prompt()
                      .user(user ->
                          user.text("What do you see?").media(MimeTypeUtils.IMAGE_PNG, picture)),
                  stream);
          equal(Cases.PICTURE_SEEN, seen);
        });
    CASES.of(
        wire + ": abort",
        () -> {
          ChatClient client = client(session);
          List<String> pieces =
              CASES.call(() ->
                  client.prompt("Take your time").stream().content().take(3).collectList().block());
          equal(3, pieces.size());
          // In a session this waits for the end of what the client did not wait for.
          String next = say(client.prompt("What did I say?"), stream);
          check(next.startsWith("You said: "), next);
        });
    CASES.of(
        wire + ": errors",
        () -> {
          for (int status : new int[] {400, 503}) {
            CASES.refused(
                e -> saysBody("The model says no with " + status, e),
                () -> said(client(session).prompt("Fail with " + status), stream));
          }
          if (old) {
            halfAnAnswer(say(client(session).prompt("Break off"), true));
          } else {
            CASES.refused(
                e -> says("broke its answer off", e),
                () -> said(client(session).prompt("Break off"), true));
          }
          CASES.refused(
              e -> says("404", e), () -> said(client(session, "nobody").prompt("x"), stream));
        });
  }
}
