package io.heddle.bench;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import reactor.core.publisher.Mono;
import reactor.netty.http.server.HttpServerResponse;

/** A model server whose answer of 20 tokens is there at once, as a stream or whole. */
final class InstantModelServer {

  private static final int TOKENS = 20;
  private static final String HEAD =
      "\"id\":\"chatcmpl-1\",\"created\":1,\"model\":\"bench\",\"object\":\"chat.completion";
  private static final String USAGE =
      "\"usage\":{\"prompt_tokens\":80,\"completion_tokens\":20,\"total_tokens\":100}";
  private static final ByteBuf STREAM = constant(stream());
  private static final ByteBuf WHOLE =
      constant(
          "{"
              + HEAD
              + "\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\""
              + " token".repeat(TOKENS)
              + "\"},\"finish_reason\":\"stop\"}],"
              + USAGE
              + "}");

  private InstantModelServer() {}

  public static void main(String[] args) {
    ModelServer.serve(args, InstantModelServer::answer);
  }

  private static Mono<Void> answer(String body, HttpServerResponse response) {
    boolean isStream = body.contains("\"stream\":true");
    return response
        .header("Content-Type", isStream ? "text/event-stream" : "application/json")
        .sendObject((isStream ? STREAM : WHOLE).duplicate())
        .then();
  }

  private static String stream() {
    StringBuilder all = new StringBuilder();
    for (int i = 0; i < TOKENS; i++) {
      all.append(chunk("{\"content\":\" token\"}", "null"));
    }
    all.append(chunk("{}", "\"stop\""));
    all.append("data: {").append(HEAD).append(".chunk\",\"choices\":[],").append(USAGE);
    return all.append("}\n\ndata: [DONE]\n\n").toString();
  }

  private static String chunk(String delta, String finish) {
    return "data: {%s.chunk\",\"choices\":[{\"index\":0,\"delta\":%s,\"finish_reason\":%s}]}\n\n"
        .formatted(HEAD, delta, finish);
  }

  private static ByteBuf constant(String text) {
    return Unpooled.unreleasableBuffer(
        Unpooled.wrappedBuffer(text.getBytes(StandardCharsets.US_ASCII)).asReadOnly());
  }
}
