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
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/**
 * One HTTP/1.1 connection to a port of this machine that is used again for each call, and made
 * again after a failure. It never sends a request twice by itself, which the clients of the JDK may
 * do: a test that counts effects must know how often it asked.
 *
 * <p>For one thread at a time.
 */
public final class HttpConnection implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Duration CONNECT = Duration.ofSeconds(2);

  /** An answer; header names in lower case. */
  public record Answer(int status, Map<String, String> headers, String body) {
    public boolean ok() {
      return status >= 200 && status < 300;
    }

    public JsonNode json() {
      return JSON.readTree(body);
    }

    /** The position in {@code ETag}, or empty. */
    public String position() {
      return headers.getOrDefault("etag", "").replace("W/", "").replace("\"", "");
    }

    /** The stable code of a problem, or empty. */
    public String code() {
      return body.startsWith("{") ? json().path("code").asString("") : "";
    }
  }

  private final int port;
  private final Duration patience;
  private @Nullable Socket socket;
  private @Nullable InputStream in;

  public HttpConnection(int port, Duration patience) {
    this.port = port;
    this.patience = patience;
  }

  public Answer get(String path) throws IOException {
    return call("GET", path, null, Map.of());
  }

  public Answer post(String path, String body) throws IOException {
    return call("POST", path, body, Map.of());
  }

  /** After any exception the outcome is unknown and the connection is made anew. */
  public Answer call(String method, String path, @Nullable String body, Map<String, String> headers)
      throws IOException {
    try {
      send(method, path, body, headers);
      return receive(method);
    } catch (IOException | RuntimeException e) {
      close();
      throw e;
    }
  }

  /** Sends the request and does not wait for the answer. */
  public void send(String method, String path, @Nullable String body, Map<String, String> headers)
      throws IOException {
    byte[] bytes = body == null ? new byte[0] : body.getBytes(StandardCharsets.UTF_8);
    StringBuilder head = new StringBuilder(256);
    head.append(method).append(' ').append(path).append(" HTTP/1.1\r\nHost: 127.0.0.1\r\n");
    headers.forEach((name, value) -> head.append(name).append(": ").append(value).append("\r\n"));
    if (body != null) {
      String type = method.equals("PATCH") ? "application/merge-patch+json" : "application/json";
      head.append("Content-Type: ").append(type).append("\r\nContent-Length: ");
      head.append(bytes.length).append("\r\n");
    }
    head.append("\r\n");
    ByteArrayOutputStream request = new ByteArrayOutputStream(head.length() + bytes.length);
    request.writeBytes(head.toString().getBytes(StandardCharsets.UTF_8));
    request.writeBytes(bytes);
    connected().getOutputStream().write(request.toByteArray());
  }

  private Answer receive(String method) throws IOException {
    InputStream from = in;
    if (from == null) {
      throw new IOException("not connected");
    }
    String statusLine = line(from);
    int status = Integer.parseInt(statusLine.split(" ", 3)[1]);
    Map<String, String> headers = new TreeMap<>();
    for (String line = line(from); !line.isEmpty(); line = line(from)) {
      int colon = line.indexOf(':');
      headers.put(
          line.substring(0, colon).toLowerCase(Locale.ROOT), line.substring(colon + 1).strip());
    }
    byte[] body = new byte[0];
    if (!method.equals("HEAD") && status != 204 && status != 304) {
      body = body(from, headers);
    }
    if ("close".equalsIgnoreCase(headers.get("connection"))) {
      close();
    }
    return new Answer(status, headers, new String(body, StandardCharsets.UTF_8));
  }

  private static byte[] body(InputStream from, Map<String, String> headers) throws IOException {
    String length = headers.get("content-length");
    if (length != null) {
      return whole(from, Integer.parseInt(length));
    }
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    while (true) {
      int size = Integer.parseInt(line(from).split(";", 2)[0].strip(), 16);
      body.writeBytes(whole(from, size));
      line(from);
      if (size == 0) {
        return body.toByteArray();
      }
    }
  }

  private static byte[] whole(InputStream from, int length) throws IOException {
    byte[] bytes = from.readNBytes(length);
    if (bytes.length < length) {
      throw new EOFException("the answer was cut");
    }
    return bytes;
  }

  private static String line(InputStream from) throws IOException {
    StringBuilder line = new StringBuilder();
    for (int next = from.read(); next != '\n'; next = from.read()) {
      if (next < 0) {
        throw new EOFException("the connection was closed");
      }
      if (next != '\r') {
        line.append((char) next);
      }
    }
    return line.toString();
  }

  private Socket connected() throws IOException {
    Socket open = socket;
    if (open == null) {
      open = new Socket();
      try {
        open.setTcpNoDelay(true);
        open.setSoTimeout(Math.toIntExact(patience.toMillis()));
        open.connect(
            new InetSocketAddress(InetAddress.getLoopbackAddress(), port),
            Math.toIntExact(CONNECT.toMillis()));
        in = new BufferedInputStream(open.getInputStream(), 16 * 1024);
      } catch (IOException e) {
        open.close();
        throw e;
      }
      socket = open;
    }
    return open;
  }

  @Override
  public void close() {
    hangUp(false);
  }

  /** Ends the connection, with an RST when it should look like a caller that died. */
  public void hangUp(boolean reset) {
    Socket open = socket;
    socket = null;
    in = null;
    if (open != null) {
      try {
        if (reset) {
          open.setSoLinger(true, 0);
        }
        open.close();
      } catch (IOException alreadyBroken) {
        // Nothing is left to be done with it.
      }
    }
  }
}
