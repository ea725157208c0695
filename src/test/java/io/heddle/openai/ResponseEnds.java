package io.heddle.openai;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.testing.SocketClient;
import tools.jackson.databind.JsonNode;

/** Reads a response on a WebSocket to its end. */
final class ResponseEnds {

  private ResponseEnds() {}

  /** The event that ends the next one, which must not fail. */
  static JsonNode completed(SocketClient socket) {
    while (true) {
      JsonNode event = socket.any();
      String type = event.get("type").asString();
      assertThat(type).as(event.toString()).isNotIn("error", "response.failed");
      if (type.equals("response.completed")) {
        return event;
      }
    }
  }
}
