package io.heddle.clients;

import static io.heddle.clients.Cases.check;
import static io.heddle.clients.Cases.equal;
import static io.heddle.clients.Wire.CASES;
import static io.heddle.clients.Wire.all;

import com.openai.client.OpenAIClient;
import com.openai.core.JsonValue;
import com.openai.errors.InternalServerException;
import com.openai.errors.NotFoundException;
import com.openai.errors.OpenAIException;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionStreamOptions;
import java.util.List;
import java.util.Map;

/** Models and Chat Completions. */
final class WireChat {

  private final Wire wire;

  WireChat(Wire wire) {
    this.wire = wire;
  }

  void run() {
    CASES.of("wire: models", this::models);
    CASES.of("wire: a completion", this::completion);
    CASES.of("wire: a completion that fails", this::failing);
    CASES.of("wire: completions that keep a thread", this::kept);
  }

  private void models() {
    OpenAIClient client = wire.client;
    check(
        CASES.call(() -> client.models().list()).data().stream()
            .anyMatch(model -> model.id().equals("echo")),
        "no echo");
    equal("echo", CASES.call(() -> client.models().retrieve("echo")).ownedBy());
    CASES.refused(
        e -> check(e instanceof NotFoundException, e), () -> client.models().retrieve("nobody"));
  }

  private void completion() {
    ChatCompletion plain = create(chat("How do you do?"));
    String said = plain.choices().get(0).message().content().orElseThrow();
    check(said.contains("How do you do?"), said);
    check(plain.usage().isPresent(), plain);
    ChatCompletionCreateParams asked =
        chat("a b c")
            .streamOptions(ChatCompletionStreamOptions.builder().includeUsage(true).build())
            .build();
    List<ChatCompletionChunk> chunks =
        CASES.call(() -> all(wire.client.chat().completions().createStreaming(asked)));
    StringBuilder text = new StringBuilder();
    chunks.forEach(chunk ->
        chunk.choices().forEach(choice -> choice.delta().content().ifPresent(text::append)));
    equal("a b c", text.toString());
    ChatCompletionChunk last = chunks.get(chunks.size() - 1);
    check(last.usage().isPresent(), last);
    check(last.choices().isEmpty(), last);
  }

  private void failing() {
    OpenAIClient impatient = wire.client.withOptions(options -> options.maxRetries(0));
    CASES.refused(
        e -> check(e instanceof InternalServerException, e),
        () -> all(impatient.chat().completions().createStreaming(failing("x", "before").build())));
    CASES.refused(
        e -> check(e instanceof OpenAIException, e),
        () ->
            all(
                impatient
                    .chat()
                    .completions()
                    .createStreaming(failing("x y z", "after:1").build())));
  }

  private void kept() {
    String conversation = wire.conversation().id();
    for (String said : List.of("one", "two")) {
      create(
          chat(said)
              .metadata(
                  ChatCompletionCreateParams.Metadata.builder()
                      .putAdditionalProperty("conversation_id", JsonValue.from(conversation))
                      .build()));
    }
    equal(List.of("one", "one", "two", "two"), wire.texts(conversation));
  }

  private ChatCompletion create(ChatCompletionCreateParams.Builder asked) {
    return CASES.call(() -> wire.client.chat().completions().create(asked.build()));
  }

  private static ChatCompletionCreateParams.Builder failing(String text, String when) {
    return chat(text).putAdditionalBodyProperty("echo", JsonValue.from(Map.of("fail", when)));
  }

  private static ChatCompletionCreateParams.Builder chat(String text) {
    return ChatCompletionCreateParams.builder().model("echo").addUserMessage(text);
  }
}
