package io.heddle.clients;

import java.util.Map;
import org.springframework.ai.openai.OpenAiChatModel;
import org.springframework.ai.openai.OpenAiChatOptions;

/** Spring AI 2, on Boot 4. */
public final class SpringAi {

  public static void main(String[] args) {
    SpringAiCases.run(
        (model, headers) ->
            OpenAiChatModel.builder().options(options(args[0], model, headers)).build(),
        false);
  }

  private static OpenAiChatOptions options(String url, String model, Map<String, String> headers) {
    return OpenAiChatOptions.builder()
        .baseUrl(url)
        .apiKey("anything")
        .model(model)
        .maxRetries(0)
        .customHeaders(headers)
        .build();
  }
}
