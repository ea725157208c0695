package io.heddle.upstream;

import io.heddle.turn.ModelCall;
import org.springframework.http.HttpHeaders;

/** OpenAI's Responses: the whole thread in each request, and nothing stored by the server. */
final class ResponsesProtocol implements Protocol {

  static final String PATH = "/responses";

  private final String upstream;
  private final String reasoningSummary;

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
    return ResponsesRequest.body(model, call, upstream, reasoningSummary);
  }

  @Override
  public AnswerReader reader(AnswerAssembler answer) {
    return new ResponsesAnswerReader(answer);
  }
}
