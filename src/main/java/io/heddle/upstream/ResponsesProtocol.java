package io.heddle.upstream;

import io.heddle.base.Problem;
import io.heddle.turn.ModelCall;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;

/** OpenAI's Responses: the whole thread in each request, and nothing stored by the server. */
final class ResponsesProtocol implements Protocol {

  static final String PATH = "/responses";

  /** Models of OpenAI that do not think, and refuse thoughts and questions for them. */
  private static final Pattern THOUGHTLESS =
      Pattern.compile("(.*/)?(gpt-3\\.5|gpt-4|chatgpt-|ft:gpt-[34]|gpt-5[.0-9]*-chat).*");

  /** How servers say that they do not take thoughts: of this model, or these ones. */
  private static final List<String> OF_MODEL =
      List.of("encrypted content is not supported", "reasoning input items can only");

  private static final List<String> OF_THREAD =
      List.of(
          "encrypted content",
          "encrypted_content",
          "reasoning input items",
          "of type 'reasoning'",
          "'reasoning' item");

  private static final int MOST_MODELS = 1000;

  private final String upstream;
  private final String reasoningSummary;

  /** Models whose names do not show that they do not think. */
  private final Set<String> thoughtless = ConcurrentHashMap.newKeySet();

  ResponsesProtocol(String upstream, UpstreamProperties.Server properties) {
    this.upstream = upstream;
    this.reasoningSummary = properties.reasoningSummary();
  }

  @Override
  public void authorize(HttpHeaders headers, String key) {
    headers.setBearerAuth(key);
  }

  @Override
  public byte[] body(String model, ModelCall call) {
    boolean thinks = !thoughtless.contains(model) && !THOUGHTLESS.matcher(model).matches();
    return body(model, call, thinks);
  }

  private byte[] body(String model, ModelCall call, boolean thinks) {
    return ResponsesRequest.body(model, call, upstream, reasoningSummary, thinks);
  }

  /**
   * Without thoughts: else a thread whose thoughts were sealed with another key of the same server
   * would be refused for ever.
   */
  @Override
  public byte @Nullable [] bodyInstead(String model, ModelCall call, Problem refused) {
    String words = refused.detail().toLowerCase(Locale.ROOT);
    if (OF_MODEL.stream().anyMatch(words::contains) && thoughtless.size() < MOST_MODELS) {
      thoughtless.add(model);
    }
    boolean ofThoughts =
        "invalid_encrypted_content".equals(refused.members().get("upstreamCode"))
            || OF_THREAD.stream().anyMatch(words::contains);
    return ofThoughts ? body(model, call, false) : null;
  }

  @Override
  public AnswerReader reader(String model, ModelCall call, AnswerAssembler answer) {
    return new ResponsesAnswerReader(answer);
  }
}
