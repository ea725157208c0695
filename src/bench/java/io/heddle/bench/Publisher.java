package io.heddle.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * One connection of {@link SocketLoad} that publishes: the next message goes when the last is
 * answered. Over HTTP as a message of a session or as a plain body, or to Redis itself.
 */
final class Publisher {

  enum Kind {
    HEDDLE,
    PLAIN,
    REDIS
  }

  private static final int SIZE = 256;
  private static final String NUMBER = "@%02d:%08d";

  private final SocketChannel channel;
  private final int index;
  private final ByteBuffer request;
  private final int mark;
  private final ByteBuffer answer = ByteBuffer.allocate(16_384);

  Publisher(SocketChannel channel, Kind kind, int index, int port, String path) {
    this.channel = channel;
    this.index = index;
    String text = NUMBER.formatted(index, 0);
    text += "x".repeat(SIZE - text.length());
    String whole =
        switch (kind) {
          case HEDDLE ->
              post(
                  port,
                  path,
                  "application/json",
                  "{\"role\":\"user\",\"content\":\"" + text + "\"}");
          case PLAIN -> post(port, path, "text/plain", text);
          case REDIS ->
              "*3\r\n$7\r\nPUBLISH\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n"
                  .formatted(path.length(), path, SIZE, text);
        };
    this.mark = whole.indexOf('@');
    this.request = ByteBuffer.wrap(whole.getBytes(StandardCharsets.US_ASCII));
  }

  private static String post(int port, String path, String type, String body) {
    return """
    POST %s HTTP/1.1\r
    Host: 127.0.0.1:%d\r
    Content-Type: %s\r
    Content-Length: %d\r
    \r
    %s\
    """
        .formatted(path, port, type, body.length(), body);
  }

  void send(Pool pool) throws IOException {
    byte[] number = NUMBER.formatted(index, pool.send(index)).getBytes(StandardCharsets.US_ASCII);
    request.clear();
    request.put(mark, number);
    while (request.hasRemaining()) {
      channel.write(request);
    }
  }

  /** Reads what is there; true when the message has been taken. */
  boolean read() throws IOException {
    if (channel.read(answer) < 0) {
      throw new IOException("the server hung up on a publisher");
    }
    String text = new String(answer.array(), 0, answer.position(), StandardCharsets.US_ASCII);
    if (!whole(text)) {
      return false;
    }
    if (!text.startsWith(":") && !text.startsWith("HTTP/1.1 20")) {
      throw new IOException("not published: " + text);
    }
    answer.clear();
    return true;
  }

  private static boolean whole(String text) {
    if (!text.startsWith("HTTP")) {
      return text.endsWith("\r\n");
    }
    int end = text.indexOf("\r\n\r\n");
    if (end < 0) {
      return false;
    }
    String name = "content-length: ";
    int length = text.substring(0, end).toLowerCase(Locale.ROOT).indexOf(name);
    int body =
        length < 0
            ? 0
            : Integer.parseInt(
                text.substring(length + name.length(), text.indexOf('\r', length)).strip());
    return text.length() >= end + 4 + body;
  }
}
