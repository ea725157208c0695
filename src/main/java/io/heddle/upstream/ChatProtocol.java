package io.heddle.upstream;

import io.heddle.turn.ModelCall;
import org.springframework.http.HttpHeaders;

/** Chat Completions, in the dialect of the server. */
final class ChatProtocol implements Protocol {

  static final String PATH = "/chat/completions";

  private final String upstream;
  private final UpstreamProperties.Server properties;

  ChatProtocol(String upstream, UpstreamProperties.Server properties) {
    this.upstream = upstream;
    this.properties = properties;
  }

  @Override
  public void authorize(HttpHeaders headers, String key) {
    headers.setBearerAuth(key);
  }

  @Override
  public byte[] body(String model, ModelCall call) {
    String tokenParameter = properties.tokenParameter();
    return ChatRequest.body(
        model,
        call,
        upstream,
        properties.dialect(),
        tokenParameter.isEmpty() ? null : tokenParameter,
        streams(call));
  }

  @Override
  public boolean streams(ModelCall call) {
    return call.stream() || properties.alwaysStream();
  }

  @Override
  public AnswerReader reader(String model, ModelCall call, AnswerAssembler answer) {
    if (!properties.dialect().has(Dialect.Quirk.CUSTOM_TOOLS)) {
      answer.wrapped(CustomTools.names(call));
    }
    return new ChatAnswerReader(answer);
  }
}
