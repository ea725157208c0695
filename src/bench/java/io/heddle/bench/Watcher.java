package io.heddle.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * One WebSocket connection of {@link SocketLoad}: reads frames, answers pings, and holds every
 * message's number against the one that is due. Nothing is buffered but a frame that is not whole.
 */
final class Watcher {

  /** How a server says that a connection watches. */
  enum Kind {
    /** With the answer to the upgrade. */
    PLAIN,
    /** With the first snapshot. */
    HEDDLE,
    /** With the answer to the client's CONNECT packet. */
    SOCKET_IO
  }

  private static final int TEXT = 0x81;
  private static final int CLOSE = 0x88;
  private static final int PING = 0x89;
  private static final int PONG = 0x8a;
  private static final int NUMBER = 12;

  private final SocketChannel channel;
  private final Kind kind;
  private final Pool pool;
  private final int[] due;
  private byte @Nullable [] rest;
  private boolean upgraded;
  private boolean ready;

  Watcher(SocketChannel channel, Kind kind, Pool pool) {
    this.channel = channel;
    this.kind = kind;
    this.pool = pool;
    this.due = pool.next().clone();
  }

  SocketChannel channel() {
    return channel;
  }

  void read(ByteBuffer buffer) throws IOException {
    buffer.clear();
    if (rest != null) {
      buffer.put(rest);
      rest = null;
    }
    if (channel.read(buffer) < 0) {
      throw new IOException("the server hung up on a watcher");
    }
    buffer.flip();
    if (!upgraded && !upgrade(buffer)) {
      keep(buffer);
      return;
    }
    while (next(buffer)) {
      // The next one.
    }
    keep(buffer);
  }

  private void keep(ByteBuffer buffer) {
    if (buffer.hasRemaining()) {
      rest = new byte[buffer.remaining()];
      buffer.get(rest);
    }
  }

  private boolean upgrade(ByteBuffer buffer) throws IOException {
    String head = text(buffer, buffer.position(), buffer.remaining());
    int end = head.indexOf("\r\n\r\n");
    if (end < 0) {
      return false;
    }
    if (!head.startsWith("HTTP/1.1 101 ")) {
      throw new IOException("not upgraded: " + head);
    }
    buffer.position(buffer.position() + end + 4);
    upgraded = true;
    if (kind == Kind.PLAIN) {
      begin();
    }
    return true;
  }

  private void begin() {
    ready = true;
    pool.begun();
  }

  private boolean next(ByteBuffer buffer) throws IOException {
    int at = buffer.position();
    int there = buffer.remaining();
    if (there < 2) {
      return false;
    }
    int length = buffer.get(at + 1);
    int head = 2;
    if (length == 126) {
      head = 4;
      length = there < head ? 0 : buffer.getShort(at + 2) & 0xffff;
    } else if (length == 127) {
      head = 10;
      length = there < head ? 0 : Math.toIntExact(buffer.getLong(at + 2));
    }
    if (there < head + length) {
      if (head + length > buffer.capacity()) {
        throw new IOException("a frame of " + length + " bytes");
      }
      return false;
    }
    frame(buffer, buffer.get(at) & 0xff, at + head, length);
    buffer.position(at + head + length);
    return true;
  }

  private void frame(ByteBuffer buffer, int kindOfFrame, int at, int length) throws IOException {
    switch (kindOfFrame) {
      case TEXT -> {
        if (!ready) {
          prepare(text(buffer, at, length));
        } else if (kind == Kind.SOCKET_IO && length == 1 && buffer.get(at) == '2') {
          send(TEXT, new byte[] {'3'});
        } else {
          message(buffer, at, length);
        }
      }
      case PING -> {
        byte[] payload = new byte[length];
        buffer.get(at, payload);
        send(PONG, payload);
      }
      case PONG -> {}
      case CLOSE ->
          throw new IOException(
              "closed by the server: %d %s"
                  .formatted(
                      length < 2 ? 0 : buffer.getShort(at) & 0xffff,
                      text(buffer, at + 2, Math.max(0, length - 2))));
      default -> throw new IOException("a frame that starts with " + kindOfFrame);
    }
  }

  private void prepare(String frame) throws IOException {
    if (kind == Kind.HEDDLE && frame.contains("\"snapshot\"")) {
      begin();
    } else if (kind == Kind.SOCKET_IO && frame.startsWith("0{")) {
      send(TEXT, new byte[] {'4', '0'});
    } else if (kind == Kind.SOCKET_IO && frame.startsWith("40{")) {
      begin();
    } else if (frame.contains("\"error\"") || frame.startsWith("44")) {
      throw new IOException("refused: " + frame);
    }
  }

  /** A message begins with {@code @}, its publisher in two digits, and its number in eight. */
  private void message(ByteBuffer buffer, int at, int length) throws IOException {
    int mark = at + pool.mark();
    if (pool.mark() >= length || buffer.get(mark) != '@') {
      for (mark = at; mark < at + length && buffer.get(mark) != '@'; mark++) {
        // On to the next byte.
      }
      pool.mark(mark - at);
    }
    if (mark + NUMBER > at + length) {
      pool.other();
      return;
    }
    int publisher = number(buffer, mark + 1, 2);
    int number = number(buffer, mark + 4, 8);
    if (number != due[publisher]) {
      throw new IOException(
          "message %d of publisher %d came where %d was due: %s"
              .formatted(number, publisher, due[publisher], text(buffer, at, length)));
    }
    due[publisher]++;
    pool.delivered(publisher, number);
  }

  private static int number(ByteBuffer buffer, int at, int digits) {
    int number = 0;
    for (int i = at; i < at + digits; i++) {
      number = number * 10 + buffer.get(i) - '0';
    }
    return number;
  }

  private static String text(ByteBuffer buffer, int at, int length) {
    byte[] bytes = new byte[length];
    buffer.get(at, bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  /** Masked with zeros, which leaves the payload as it is. */
  private void send(int kindOfFrame, byte[] payload) throws IOException {
    byte[] frame = Arrays.copyOf(new byte[] {(byte) kindOfFrame}, 6 + payload.length);
    frame[1] = (byte) (0x80 | payload.length);
    System.arraycopy(payload, 0, frame, 6, payload.length);
    ByteBuffer out = ByteBuffer.wrap(frame);
    while (out.hasRemaining()) {
      channel.write(out);
    }
  }
}
