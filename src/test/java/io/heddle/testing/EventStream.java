package io.heddle.testing;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** One stream of server-sent events from a port of this machine, read by hand. For one thread. */
public final class EventStream implements AutoCloseable {
  /**
   * @param id of the event, or of the last one before it that had one
   * @param data its lines, joined by a line's end
   */
  public record Event(String type, String id, String data) {}

  private final Socket socket = new Socket();
  private final InputStream in;
  private final int status;
  private boolean chunked;
  private long chunkLeft;
  private String lastId;
  private final Map<String, String> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
  private long retryMillis = -1;
  private int comments;

  /**
   * @param lastEventId sent as {@code Last-Event-ID}, or empty
   */
  public EventStream(int port, String path, String lastEventId) throws IOException {
    this(
        port,
        "GET " + path,
        lastEventId.isEmpty() ? "" : "Last-Event-ID: " + lastEventId + "\r\n",
        lastEventId,
        "");
  }

  /** The stream that answers a request with a body. */
  public static EventStream post(int port, String path, String json, String... headers)
      throws IOException {
    StringBuilder lines = new StringBuilder("Content-Type: application/json\r\n");
    lines.append("Content-Length: ").append(json.getBytes(StandardCharsets.UTF_8).length);
    lines.append("\r\n");
    for (int i = 0; i < headers.length; i += 2) {
      lines.append(headers[i]).append(": ").append(headers[i + 1]).append("\r\n");
    }
    return new EventStream(port, "POST " + path, lines.toString(), "", json);
  }

  private EventStream(int port, String line, String lines, String lastEventId, String body)
      throws IOException {
    lastId = lastEventId;
    try {
      socket.setTcpNoDelay(true);
      socket.setSoTimeout(70_000);
      socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 5_000);
      String request =
          "%s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAccept: text/event-stream\r\n%s\r\n%s"
              .formatted(line, port, lines, body);
      socket.getOutputStream().write(request.getBytes(StandardCharsets.UTF_8));
      in = new BufferedInputStream(socket.getInputStream(), 4_096);
      status = Integer.parseInt(plainLine().split(" ", 3)[1]);
      for (String head = plainLine(); !head.isEmpty(); head = plainLine()) {
        chunked |= head.toLowerCase(Locale.ROOT).equals("transfer-encoding: chunked");
        int colon = head.indexOf(':');
        headers.put(head.substring(0, colon), head.substring(colon + 1).strip());
      }
    } catch (IOException | RuntimeException e) {
      socket.close();
      throw e;
    }
  }

  public int status() {
    return status;
  }

  public @Nullable String header(String name) {
    return headers.get(name);
  }

  /** Lines so far that are comments. */
  public int comments() {
    return comments;
  }

  /** What the server's {@code retry:} said last, in milliseconds, or -1. */
  public long retryMillis() {
    return retryMillis;
  }

  /** The next event that has data, or null at the stream's orderly end. */
  public @Nullable Event receive() throws IOException {
    String type = "message";
    StringBuilder data = new StringBuilder();
    boolean any = false;
    while (true) {
      String line = line();
      if (line == null) {
        return null;
      }
      if (line.isEmpty()) {
        if (any) {
          return new Event(type, lastId, data.toString());
        }
        type = "message";
      } else if (line.startsWith(":")) {
        comments++;
      } else {
        int colon = line.indexOf(':');
        String name = colon < 0 ? line : line.substring(0, colon);
        String value = colon < 0 ? "" : line.substring(colon + 1).replaceFirst("^ ", "");
        switch (name) {
          case "event" -> type = value;
          case "id" -> lastId = value;
          case "retry" -> retryMillis = Long.parseLong(value);
          case "data" -> {
            data.append(any ? "\n" : "").append(value);
            any = true;
          }
          default -> throw new IOException("not a line of an event: " + line);
        }
      }
    }
  }

  private @Nullable String line() throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    for (int next = octet(); next != '\n'; next = octet()) {
      if (next < 0) {
        return null;
      }
      line.write(next);
    }
    return line.toString(StandardCharsets.UTF_8);
  }

  /** The next byte of the body, or -1 at its end. */
  private int octet() throws IOException {
    if (!chunked) {
      return in.read();
    }
    if (chunkLeft == 0) {
      chunkLeft = Long.parseLong(plainLine().strip(), 16);
      if (chunkLeft == 0) {
        return -1;
      }
    }
    int next = in.read();
    if (next < 0) {
      throw new EOFException("the stream was cut");
    }
    if (--chunkLeft == 0) {
      plainLine();
    }
    return next;
  }

  private String plainLine() throws IOException {
    StringBuilder line = new StringBuilder();
    for (int next = in.read(); next != '\n'; next = in.read()) {
      if (next < 0) {
        throw new EOFException("the stream was cut");
      }
      if (next != '\r') {
        line.append((char) next);
      }
    }
    return line.toString();
  }

  @Override
  public void close() {
    ProxyLink.closeQuietly(socket);
  }
}
