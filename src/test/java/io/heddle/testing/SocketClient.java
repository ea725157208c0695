package io.heddle.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A WebSocket of a test: what came waits in a queue until the test takes it. */
public final class SocketClient implements WebSocket.Listener, AutoCloseable {

  private static final JsonMapper JSON = new JsonMapper();
  private static final int SECONDS = 20;
  private static final HttpClient HTTP = HttpClient.newHttpClient();

  private final BlockingQueue<JsonNode> frames = new LinkedBlockingQueue<>();
  private final CompletableFuture<Closed> closed = new CompletableFuture<>();
  private final StringBuilder text = new StringBuilder();
  private WebSocket socket;

  /** How the server closed. */
  public record Closed(int code, String reason) {}

  private SocketClient() {}

  /**
   * @param query what follows {@code /v1/socket}
   * @param headers name, value, name, value …
   */
  public static SocketClient open(int port, String query, String... headers) {
    return at(port, "/v1/socket" + query, headers);
  }

  /** On another path. */
  public static SocketClient at(int port, String path, String... headers) {
    SocketClient client = new SocketClient();
    WebSocket.Builder builder =
        HTTP.newWebSocketBuilder().connectTimeout(Duration.ofSeconds(SECONDS));
    for (int i = 0; i < headers.length; i += 2) {
      builder.header(headers[i], headers[i + 1]);
    }
    URI uri = URI.create("ws://127.0.0.1:" + port + path);
    client.socket = builder.buildAsync(uri, client).orTimeout(SECONDS, TimeUnit.SECONDS).join();
    return client;
  }

  public SocketClient send(String json) {
    socket.sendText(json, true).orTimeout(SECONDS, TimeUnit.SECONDS).join();
    return this;
  }

  /** A part of a message. */
  public SocketClient send(String part, boolean last) {
    socket.sendText(part, last).orTimeout(SECONDS, TimeUnit.SECONDS).join();
    return this;
  }

  public void sendBinary(byte[] bytes) {
    socket.sendBinary(ByteBuffer.wrap(bytes), true).orTimeout(SECONDS, TimeUnit.SECONDS).join();
  }

  /** The next frame but {@code limits}, {@code presence} and {@code typing}. */
  public JsonNode next() {
    while (true) {
      JsonNode frame = any();
      if (!isAside(frame)) {
        return frame;
      }
    }
  }

  /** The next frame of this type; those before it are dropped. */
  public JsonNode next(String type) {
    while (true) {
      JsonNode frame = any();
      if (frame.path("type").asString().equals(type)) {
        return frame;
      }
    }
  }

  /** The next frame, which must have this type. */
  public JsonNode expect(String type) {
    JsonNode frame = next();
    assertThat(frame.path("type").asString()).as(frame.toString()).isEqualTo(type);
    return frame;
  }

  /** The frames that are here now, and so need no waiting. */
  public int size() {
    return frames.size();
  }

  public JsonNode any() {
    try {
      JsonNode frame = frames.poll(SECONDS, TimeUnit.SECONDS);
      assertThat(frame).as("a frame within " + SECONDS + " s").isNotNull();
      return frame;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  private static boolean isAside(JsonNode frame) {
    return switch (frame.path("type").asString()) {
      case "limits", "presence", "typing" -> true;
      default -> false;
    };
  }

  public Closed closed() {
    return closed.orTimeout(SECONDS, TimeUnit.SECONDS).join();
  }

  @Override
  public CompletionStage<?> onText(WebSocket from, CharSequence part, boolean last) {
    text.append(part);
    if (last) {
      frames.add(JSON.readTree(text.toString()));
      text.setLength(0);
    }
    from.request(1);
    return null;
  }

  @Override
  public CompletionStage<?> onClose(WebSocket from, int code, String reason) {
    closed.complete(new Closed(code, reason));
    return null;
  }

  @Override
  public void onError(WebSocket from, Throwable error) {
    closed.completeExceptionally(error);
  }

  @Override
  public void close() {
    if (!socket.isOutputClosed()) {
      socket.sendClose(WebSocket.NORMAL_CLOSURE, "").exceptionally(_ -> null).join();
    }
    socket.abort();
  }
}
