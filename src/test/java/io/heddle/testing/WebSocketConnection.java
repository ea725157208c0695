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
import java.util.Base64;
import java.util.concurrent.ThreadLocalRandom;

/**
 * One WebSocket to a port of this machine, by hand: it answers pings, reads only when it is told
 * to, and can be a reader that stops.
 *
 * <p>One thread receives, any may send.
 */
public final class WebSocketConnection implements AutoCloseable {
  private static final int TEXT = 1;
  private static final int CLOSE = 8;
  private static final int PING = 9;
  private static final int PONG = 10;

  /** What came. */
  public sealed interface Received {}

  /** A whole text message. */
  public record Text(String text) implements Received {}

  /** The server has closed it; without a code it is 1005. */
  public record Closed(int code, String reason) implements Received {}

  /** The server answered the handshake with something else than 101. */
  public static final class RefusedException extends IOException {
    private static final long serialVersionUID = 1;
    private final int status;

    RefusedException(String statusLine) {
      super("refused: " + statusLine);
      this.status = Integer.parseInt(statusLine.split(" ", 3)[1]);
    }

    public int status() {
      return status;
    }
  }

  private final Socket socket = new Socket();
  private final InputStream in;
  private long pings;

  /**
   * @param path with the query
   * @param receiveBuffer of the socket in bytes, or 0 for the system's own
   */
  public WebSocketConnection(int port, String path, int receiveBuffer) throws IOException {
    try {
      socket.setTcpNoDelay(true);
      if (receiveBuffer > 0) {
        socket.setReceiveBufferSize(receiveBuffer);
      }
      socket.setSoTimeout(70_000);
      socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 5_000);
      byte[] key = new byte[16];
      ThreadLocalRandom.current().nextBytes(key);
      String request =
          "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  .formatted(path, port)
              + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
              + Base64.getEncoder().encodeToString(key)
              + "\r\n\r\n";
      socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
      in = new BufferedInputStream(socket.getInputStream(), receiveBuffer > 0 ? 512 : 4_096);
      String status = line();
      while (!line().isEmpty()) {
        // The headers of a 101 say nothing that a test needs.
      }
      if (!status.startsWith("HTTP/1.1 101 ")) {
        throw new RefusedException(status);
      }
    } catch (IOException | RuntimeException e) {
      socket.close();
      throw e;
    }
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
      throw new EOFException("the connection was closed without a close frame");
    }
    return next;
  }

  public void send(String text) throws IOException {
    send(TEXT, text.getBytes(StandardCharsets.UTF_8));
  }

  /** Says that it goes, as a browser does. */
  public void sayGoodbye() throws IOException {
    send(CLOSE, new byte[] {(byte) (1000 >> 8), (byte) 1000});
  }

  private synchronized void send(int opcode, byte[] payload) throws IOException {
    ByteArrayOutputStream frame = new ByteArrayOutputStream(payload.length + 14);
    frame.write(0x80 | opcode);
    if (payload.length < 126) {
      frame.write(0x80 | payload.length);
    } else if (payload.length < 65_536) {
      frame.write(0x80 | 126);
      frame.write(payload.length >> 8);
      frame.write(payload.length);
    } else {
      frame.write(0x80 | 127);
      for (int shift = 56; shift >= 0; shift -= 8) {
        frame.write((int) ((long) payload.length >> shift));
      }
    }
    // A mask of zeros is a mask, and leaves the payload to be read in a dump.
    frame.writeBytes(new byte[4]);
    frame.writeBytes(payload);
    socket.getOutputStream().write(frame.toByteArray());
  }

  /** The next message; pings are answered on the way. */
  public Received receive() throws IOException {
    ByteArrayOutputStream message = new ByteArrayOutputStream();
    while (true) {
      int head = octet();
      int length = octet() & 0x7f;
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
      switch (head & 0x0f) {
        case PING -> {
          pings++;
          send(PONG, payload);
        }
        case PONG -> {
          // Nobody asked.
        }
        case CLOSE -> {
          return closed(payload);
        }
        default -> {
          message.writeBytes(payload);
          if ((head & 0x80) != 0) {
            return new Text(message.toString(StandardCharsets.UTF_8));
          }
        }
      }
    }
  }

  private static Closed closed(byte[] payload) {
    if (payload.length < 2) {
      return new Closed(1005, "");
    }
    int code = (payload[0] & 0xff) << 8 | payload[1] & 0xff;
    return new Closed(code, new String(payload, 2, payload.length - 2, StandardCharsets.UTF_8));
  }

  /** Pings that were answered. */
  public long pings() {
    return pings;
  }

  /** Ends the connection with an RST, as when a laptop is shut. */
  public void reset() {
    try {
      socket.setSoLinger(true, 0);
    } catch (IOException alreadyBroken) {
      // Then there is nothing to reset.
    }
    close();
  }

  @Override
  public void close() {
    ProxyLink.closeQuietly(socket);
  }
}
