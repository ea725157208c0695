package io.heddle.web;

import io.heddle.json.Utf8;
import io.netty.buffer.ByteBuf;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Reads what a client sends on a WebSocket, as RFC 6455 says in 5 and 7, from bytes that come in
 * any pieces. What is wrong is told with the first byte that shows it, before anything is kept of
 * the frame; after that, and after a close, nothing is read any more.
 *
 * <p>A message takes memory as its bytes arrive, not as its head announces them, and asks for that
 * memory before it takes it.
 */
final class FrameReader {

  /** What is read; called from within {@link #read}. */
  interface Sink {

    /** The first byte of something has come. */
    void begun();

    /** What had begun is whole. */
    void whole();

    /** A whole text message, whose memory is the sink's now. */
    void message(byte[] text);

    void ping(byte[] payload);

    /**
     * The client closes.
     *
     * @param code -1 when it says none
     */
    void closed(int code);

    /** The client does what it may not. */
    void broken(CloseCode code, String reason);

    /** Whether a message may take so many more bytes of memory; they are taken when it may. */
    boolean take(int bytes);

    /** Gives back what was taken. */
    void give(int bytes);
  }

  private static final int FIRST_CAPACITY = 1024;
  private static final int MOST_OF_CONTROL = 125;
  private static final int LENGTH_16 = 126;
  private static final int LENGTH_64 = 127;

  private static final int CONTINUATION = 0x0;
  private static final int TEXT = 0x1;
  private static final int BINARY = 0x2;
  private static final int CLOSE = 0x8;
  private static final int PING = 0x9;
  private static final int PONG = 0xa;

  private final Sink sink;
  private final int maxMessage;
  private boolean ended;

  /** Data is passed over; pings and a close are not. */
  private boolean deaf;

  // ---- the frame that is being read

  private final byte[] head = new byte[14];
  private int headRead;
  private int headLength = 2;
  private boolean inPayload;
  private int opcode;
  private boolean last;
  private long left;
  private int maskAt;
  private byte[] control = new byte[0];
  private int controlRead;

  // ---- the message that is being read

  private boolean inMessage;
  private byte @Nullable [] message;
  private int messageRead;
  private final Utf8 utf8 = new Utf8();

  FrameReader(Sink sink, int maxMessage) {
    this.sink = sink;
    this.maxMessage = maxMessage;
  }

  /** Takes no more data: the goodbye is said, only the client's is waited for. */
  void deafen() {
    deaf = true;
    drop();
  }

  /** Nothing is read any more. */
  void end() {
    ended = true;
    drop();
  }

  private void drop() {
    byte[] begun = message;
    message = null;
    messageRead = 0;
    if (begun != null) {
      sink.give(begun.length);
    }
  }

  /** Reads all of it; what comes after the end is thrown away. */
  void read(ByteBuf in) {
    while (!ended && in.isReadable()) {
      if (inPayload) {
        payload(in);
      } else {
        head(in);
      }
    }
    in.skipBytes(in.readableBytes());
  }

  // ---- the head

  private void head(ByteBuf in) {
    byte next = in.readByte();
    if (headRead == 0 && !inMessage) {
      sink.begun();
    }
    head[headRead++] = next;
    if (headRead == 1) {
      first(next);
    } else if (headRead == 2) {
      second(next);
    }
    if (ended || headRead < headLength) {
      return;
    }
    int extra = headLength - 6;
    long length = head[1] & 0x7f;
    if (extra > 0) {
      length = 0;
      for (int i = 0; i < extra; i++) {
        length = length << 8 | head[2 + i] & 0xff;
      }
      if (length < 0) {
        fail(CloseCode.PROTOCOL, "the highest bit of a length is set");
        return;
      }
      if (length < LENGTH_16 || (extra == 8 && length <= 0xffff)) {
        fail(CloseCode.PROTOCOL, "a length is longer than it need be");
        return;
      }
    }
    if (!isControl() && !deaf && length > maxMessage - messageRead) {
      fail(CloseCode.TOO_LARGE, "a message may have " + maxMessage + " bytes");
      return;
    }
    left = length;
    maskAt = headLength - 4;
    if (isControl()) {
      control = new byte[(int) length];
      controlRead = 0;
    }
    inPayload = true;
    if (length == 0) {
      finish();
    }
  }

  private void first(int octet) {
    last = (octet & 0x80) != 0;
    opcode = octet & 0x0f;
    if ((octet & 0x70) != 0) {
      fail(CloseCode.PROTOCOL, "a reserved bit is set, and no extension was agreed on");
      return;
    }
    switch (opcode) {
      case CONTINUATION -> {
        if (!inMessage) {
          fail(CloseCode.PROTOCOL, "a continuation without a beginning");
        }
      }
      case TEXT, BINARY -> {
        if (inMessage) {
          fail(CloseCode.PROTOCOL, "a message begins before the last one has ended");
        } else if (opcode == BINARY && !deaf) {
          fail(CloseCode.UNSUPPORTED, "messages are text, one JSON object each");
        }
      }
      case CLOSE, PING, PONG -> {
        if (!last) {
          fail(CloseCode.PROTOCOL, "a control frame is in pieces");
        }
      }
      default -> fail(CloseCode.PROTOCOL, "a reserved opcode");
    }
  }

  private void second(int octet) {
    if (ended) {
      return;
    }
    int length = octet & 0x7f;
    if ((octet & 0x80) == 0) {
      fail(CloseCode.PROTOCOL, "a frame of a client is not masked");
    } else if (isControl() && length > MOST_OF_CONTROL) {
      fail(CloseCode.PROTOCOL, "a control frame has more than 125 bytes");
    } else {
      headLength = 6 + (length == LENGTH_16 ? 2 : length == LENGTH_64 ? 8 : 0);
    }
  }

  private boolean isControl() {
    return (opcode & 0x8) != 0;
  }

  // ---- the payload

  private void payload(ByteBuf in) {
    int come = (int) Math.min(left, in.readableBytes());
    if (isControl()) {
      in.readBytes(control, controlRead, come);
      unmask(control, controlRead, come);
      controlRead += come;
    } else if (deaf) {
      in.skipBytes(come);
    } else {
      byte[] to = room(come);
      if (to == null) {
        fail(CloseCode.OVERLOADED, CloseCode.comeBack());
        return;
      }
      in.readBytes(to, messageRead, come);
      unmask(to, messageRead, come);
      if (!utf8.accepts(to, messageRead, messageRead + come)) {
        fail(CloseCode.NOT_UTF8, "a text is not UTF-8");
        return;
      }
      messageRead += come;
    }
    left -= come;
    if (left == 0) {
      finish();
    }
  }

  private void unmask(byte[] bytes, int from, int count) {
    int at = maskAt;
    int base = headLength - 4;
    for (int i = from; i < from + count; i++) {
      bytes[i] ^= head[at];
      at = at == base + 3 ? base : at + 1;
    }
    maskAt = at;
  }

  /** Room for so many more bytes of the message; null when there is none. */
  private byte @Nullable [] room(int more) {
    byte[] now = message;
    int needed = messageRead + more;
    if (now != null && now.length >= needed) {
      return now;
    }
    int most = last ? (int) (messageRead + left) : maxMessage;
    int had = now == null ? 0 : now.length;
    int capacity = Math.min(most, Math.max(needed, Math.max(2 * had, FIRST_CAPACITY)));
    if (!sink.take(capacity - had)) {
      return null;
    }
    byte[] grown = now == null ? new byte[capacity] : Arrays.copyOf(now, capacity);
    message = grown;
    return grown;
  }

  private void finish() {
    inPayload = false;
    headRead = 0;
    headLength = 2;
    switch (opcode) {
      case CLOSE -> close();
      case PING -> {
        whole();
        sink.ping(control);
      }
      case PONG -> whole();
      default -> data();
    }
  }

  private void whole() {
    if (!inMessage) {
      sink.whole();
    }
  }

  private void data() {
    inMessage = !last;
    if (!last) {
      return;
    }
    sink.whole();
    if (deaf) {
      return;
    }
    if (!utf8.isWhole()) {
      fail(CloseCode.NOT_UTF8, "a text ends within a character");
      return;
    }
    byte[] all = message == null ? new byte[0] : message;
    message = null;
    if (all.length > messageRead) {
      sink.give(all.length - messageRead);
      all = Arrays.copyOf(all, messageRead);
    }
    messageRead = 0;
    sink.message(all);
  }

  private void close() {
    int code = -1;
    if (control.length == 1) {
      fail(CloseCode.PROTOCOL, "half a close code");
      return;
    }
    if (control.length >= 2) {
      code = (control[0] & 0xff) << 8 | control[1] & 0xff;
      if (!mayBeSent(code)) {
        fail(CloseCode.PROTOCOL, "no code that may be sent");
        return;
      }
      Utf8 reason = new Utf8();
      if (!reason.accepts(control, 2, control.length) || !reason.isWhole()) {
        fail(CloseCode.NOT_UTF8, "the reason is not UTF-8");
        return;
      }
    }
    end();
    sink.closed(code);
  }

  /** Of RFC 6455, 7.4, and those that are registered since; 1005, 1006 and 1015 are never sent. */
  private static boolean mayBeSent(int code) {
    return (code >= 1000 && code <= 1003)
        || (code >= 1007 && code <= 1014)
        || (code >= 3000 && code <= 4999);
  }

  private void fail(CloseCode code, String reason) {
    end();
    sink.broken(code, reason);
  }
}
