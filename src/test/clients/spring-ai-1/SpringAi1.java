package io.heddle.clients;

import java.util.Map;
import org.springframework.ai.openai.OpenAiChatModel;
import org.springframework.ai.openai.OpenAiChatOptions;
import org.springframework.ai.openai.api.OpenAiApi;
import org.springframework.retry.support.RetryTemplate;
import org.springframework.util.CollectionUtils;
import org.springframework.util.LinkedMultiValueMap;

/** Spring AI 1.1, on Boot 3. */
public final class SpringAi1 {

  public static void main(String[] args) {
    SpringAiCases.run(
        (model, headers) ->
            OpenAiChatModel.builder()
                .openAiApi(api(args[0], headers))
                .defaultOptions(OpenAiChatOptions.builder().model(model).build())
                .retryTemplate(RetryTemplate.builder().maxAttempts(1).build())
                .build(),
        true);
  }

  private static OpenAiApi api(String url, Map<String, String> headers) {
    LinkedMultiValueMap<String, String> all = new LinkedMultiValueMap<>();
    headers.forEach(all::add);
    return OpenAiApi.builder()
        .baseUrl(url)
        .completionsPath("/chat/completions")
        .apiKey("anything")
        .headers(CollectionUtils.unmodifiableMultiValueMap(all))
        .build();
  }
}
