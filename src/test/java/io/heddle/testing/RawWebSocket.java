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

/** Speaks WebSocket octet by octet, and so may say what no client would. For one thread. */
public final class RawWebSocket implements AutoCloseable {
  public static final String KEY = "dGhlIHNhbXBsZSBub25jZQ==";
  public static final byte[] MASK = {0x37, (byte) 0xfa, 0x21, 0x3d};

  public static final int CONTINUATION = 0;
  public static final int TEXT = 1;
  public static final int BINARY = 2;
  public static final int CLOSE = 8;
  public static final int PING = 9;
  public static final int PONG = 10;

  /** How a length is written; {@code SHORTEST} is the one that is allowed. */
  public enum Length {
    SHORTEST,
    TWO,
    EIGHT
  }

  /** What the server sent; a client may rely on the first octets too. */
  public record Frame(int first, int second, byte[] payload) {
    public int opcode() {
      return first & 0x0f;
    }

    public String text() {
      return new String(payload, StandardCharsets.UTF_8);
    }

    /** Of a close; 1005 when it has none. */
    public int code() {
      return payload.length < 2 ? 1005 : (payload[0] & 0xff) << 8 | payload[1] & 0xff;
    }
  }

  private final Socket socket = new Socket();
  private final InputStream in;
  private int status;
  private final Map<String, String> headers = new TreeMap<>();

  private RawWebSocket(int port) throws IOException {
    socket.setTcpNoDelay(true);
    socket.setSoTimeout(10_000);
    socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 5_000);
    in = new BufferedInputStream(socket.getInputStream());
  }

  /** After a handshake that is as it should be. */
  public static RawWebSocket open(int port, String path) throws IOException {
    RawWebSocket opened = asked(port, handshake(port, path));
    if (opened.status != 101) {
      opened.close();
      throw new IOException("the handshake was answered " + opened.status);
    }
    return opened;
  }

  public static String handshake(int port, String path) {
    return "GET "
        + path
        + " HTTP/1.1\r\nHost: 127.0.0.1:"
        + port
        + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        + "Sec-WebSocket-Key: "
        + KEY
        + "\r\n\r\n";
  }

  /** After this request, whatever it was answered. */
  public static RawWebSocket asked(int port, String request) throws IOException {
    RawWebSocket asked = new RawWebSocket(port);
    try {
      asked.send(request.getBytes(StandardCharsets.ISO_8859_1));
      asked.status = Integer.parseInt(asked.line().split(" ", 3)[1]);
      for (String line = asked.line(); !line.isEmpty(); line = asked.line()) {
        int colon = line.indexOf(':');
        asked.headers.merge(
            line.substring(0, colon).toLowerCase(Locale.ROOT),
            line.substring(colon + 1).strip(),
            (one, more) -> one + ", " + more);
      }
    } catch (IOException | RuntimeException e) {
      asked.close();
      throw e;
    }
    return asked;
  }

  private String line() throws IOException {
    StringBuilder line = new StringBuilder();
    for (int next = octet(); next != '\n'; next = octet()) {
      if (next != '\r') {
        line.append((char) next);
      }
    }
    return line.toString();
  }

  private int octet() throws IOException {
    int next = in.read();
    if (next < 0) {
      throw new EOFException("the connection was closed");
    }
    return next;
  }

  public int status() {
    return status;
  }

  /** Of the handshake's answer, or empty; the name in lower case. */
  public String header(String name) {
    return headers.getOrDefault(name, "");
  }

  // ---- what is sent

  public RawWebSocket send(byte[] octets) throws IOException {
    socket.getOutputStream().write(octets);
    return this;
  }

  /** Each octet in a segment of its own. */
  public RawWebSocket trickle(byte[] octets) throws IOException {
    for (byte octet : octets) {
      socket.getOutputStream().write(octet);
    }
    return this;
  }

  public RawWebSocket text(String text) throws IOException {
    return send(frame(0x80 | TEXT, text.getBytes(StandardCharsets.UTF_8)));
  }

  public RawWebSocket send(int first, byte... payload) throws IOException {
    return send(frame(first, payload));
  }

  public RawWebSocket sendClose(int code, String reason) throws IOException {
    return send(0x80 | CLOSE, close(code, reason.getBytes(StandardCharsets.UTF_8)));
  }

  public static byte[] close(int code, byte... reason) {
    return join(new byte[] {(byte) (code >> 8), (byte) code}, reason);
  }

  /** A frame as it should be, but for its first octet perhaps. */
  public static byte[] frame(int first, byte... payload) {
    return join(head(first, true, payload.length, Length.SHORTEST), masked(payload));
  }

  public static byte[] unmasked(int first, byte... payload) {
    return join(head(first, false, payload.length, Length.SHORTEST), payload);
  }

  public static byte[] masked(byte... payload) {
    byte[] masked = payload.clone();
    for (int i = 0; i < masked.length; i++) {
      masked[i] ^= MASK[i % 4];
    }
    return masked;
  }

  /** With the mask, if there is one. */
  public static byte[] head(int first, boolean mask, long length, Length form) {
    ByteArrayOutputStream head = new ByteArrayOutputStream();
    int bit = mask ? 0x80 : 0;
    head.write(first);
    if (form == Length.EIGHT || (form == Length.SHORTEST && (length > 65_535 || length < 0))) {
      head.write(bit | 127);
      for (int shift = 56; shift >= 0; shift -= 8) {
        head.write((int) (length >> shift));
      }
    } else if (form == Length.TWO || length > 125) {
      head.write(bit | 126);
      head.write((int) (length >> 8));
      head.write((int) length);
    } else {
      head.write(bit | (int) length);
    }
    if (mask) {
      head.writeBytes(MASK);
    }
    return head.toByteArray();
  }

  public static byte[] join(byte[]... parts) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      all.writeBytes(part);
    }
    return all.toByteArray();
  }

  // ---- what comes

  public Frame receive() throws IOException {
    int first = octet();
    int second = octet();
    int length = second & 0x7f;
    if (length > 125) {
      int octets = length == 126 ? 2 : 8;
      length = 0;
      for (int i = 0; i < octets; i++) {
        length = length << 8 | octet();
      }
    }
    byte[] payload = in.readNBytes(length);
    if (payload.length < length) {
      throw new EOFException("the connection was closed within a frame");
    }
    return new Frame(first, second, payload);
  }

  /** Whether the server ended the connection after the last frame, and in an orderly way. */
  public boolean isAtEnd() throws IOException {
    return in.read() < 0;
  }

  /** Ends the client's direction only. */
  public void endOutput() throws IOException {
    socket.shutdownOutput();
  }

  @Override
  public void close() {
    ProxyLink.closeQuietly(socket);
  }
}
