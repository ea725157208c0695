package io.heddle.upstream;

import io.heddle.turn.ModelCall;
import org.springframework.http.HttpHeaders;

/** Anthropic Messages. */
final class AnthropicProtocol implements Protocol {

  static final String PATH = "/messages";

  /** Of the form; what was added since has its own headers, which the settings can name. */
  private static final String VERSION = "2023-06-01";

  private final String upstream;
  private final UpstreamProperties.Server properties;

  AnthropicProtocol(String upstream, UpstreamProperties.Server properties) {
    this.upstream = upstream;
    this.properties = properties;
  }

  @Override
  public void addHeaders(HttpHeaders headers) {
    headers.set("anthropic-version", VERSION);
  }

  @Override
  public void authorize(HttpHeaders headers, String key) {
    headers.set("x-api-key", key);
  }

  @Override
  public byte[] body(String model, ModelCall call) {
    return AnthropicRequest.body(model, call, upstream, properties);
  }

  @Override
  public AnswerReader reader(String model, ModelCall call, AnswerAssembler answer) {
    answer.wrapped(CustomTools.names(call));
    return new AnthropicAnswerReader(
        answer, AnthropicTools.names(call), AnthropicThoughts.thinker(upstream, model));
  }
}
