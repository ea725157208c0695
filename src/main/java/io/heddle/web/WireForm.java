package io.heddle.web;

import io.heddle.live.Frame;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.util.concurrent.FastThreadLocal;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Frames as they stand on the wire. The last one is kept encoded by each event loop: a frame is
 * written to all of a loop's connections one after the other, so each loop encodes it once.
 */
final class WireForm {

  /** WebSocket frames of a server: final, text, not masked (RFC 6455, 5.2). */
  static final WireForm SOCKET = new WireForm(WireForm::socket);

  /** Server-sent events, each a chunk of HTTP/1.1. */
  static final WireForm EVENTS = new WireForm(WireForm::chunkedEvent);

  /** The same for HTTP/1.0, which has no chunks: the stream ends with the connection. */
  static final WireForm PLAIN_EVENTS = new WireForm(WireForm::plainEvent);

  private static final int FINAL_TEXT = 0x81;
  private static final int LENGTH_16 = 126;
  private static final int LENGTH_64 = 127;

  private static final String DATA = "data: ";

  /** Bytes that most frames have around their JSON. */
  private static final int AROUND = 96;

  private final Encoder encoder;
  private final FastThreadLocal<Last> lasts =
      new FastThreadLocal<>() {
        @Override
        protected Last initialValue() {
          return new Last();
        }

        @Override
        protected void onRemoval(Last last) {
          last.release();
        }
      };

  /** Adds a frame to bytes. */
  private interface Encoder {
    void encode(Frame frame, ByteBuf out);
  }

  private static final class Last {
    private @Nullable Frame frame;
    private @Nullable ByteBuf encoded;

    void release() {
      ByteBuf old = encoded;
      frame = null;
      encoded = null;
      if (old != null) {
        old.release();
      }
    }
  }

  private WireForm(Encoder encoder) {
    this.encoder = encoder;
  }

  /** Only on an event loop. The caller owns what it gets. */
  @SuppressWarnings("ReferenceEquality") // the same frame, not an equal one
  ByteBuf of(Frame frame, ByteBufAllocator allocator) {
    Last last = lasts.get();
    ByteBuf encoded = last.encoded;
    if (encoded == null || last.frame != frame) {
      last.release();
      encoded = allocator.directBuffer(frame.size() + AROUND);
      encoder.encode(frame, encoded);
      last.frame = frame;
      last.encoded = encoded;
    }
    return encoded.retainedDuplicate();
  }

  /** The same of frames that go to one connection only, which are not kept. */
  ByteBuf of(List<Frame> frames, ByteBufAllocator allocator) {
    int size = 0;
    for (Frame frame : frames) {
      size += frame.size() + AROUND;
    }
    ByteBuf out = allocator.directBuffer(size);
    try {
      for (Frame frame : frames) {
        encoder.encode(frame, out);
      }
    } catch (RuntimeException | OutOfMemoryError e) {
      out.release();
      throw e;
    }
    return out;
  }

  private static void socket(Frame frame, ByteBuf out) {
    frame.read((json, length) -> {
      out.writeByte(FINAL_TEXT);
      if (length < LENGTH_16) {
        out.writeByte(length);
      } else if (length <= 0xffff) {
        out.writeByte(LENGTH_16).writeShort(length);
      } else {
        out.writeByte(LENGTH_64).writeLong(length);
      }
      out.writeBytes(json, 0, length);
    });
  }

  private static void chunkedEvent(Frame frame, ByteBuf out) {
    event(frame, out, true);
  }

  private static void plainEvent(Frame frame, ByteBuf out) {
    event(frame, out, false);
  }

  private static void event(Frame frame, ByteBuf out, boolean chunked) {
    String head = head(frame);
    frame.read((json, length) -> {
      int size = head.length() + length + 2;
      out.ensureWritable(size + AROUND);
      if (chunked) {
        chunk(out, size);
      }
      out.writeCharSequence(head, StandardCharsets.US_ASCII);
      out.writeBytes(json, 0, length).writeByte('\n').writeByte('\n');
      if (chunked) {
        out.writeByte('\r').writeByte('\n');
      }
    });
  }

  private static String head(Frame frame) {
    String id = frame.eventId();
    if (id == null && frame.type().isEmpty()) {
      return DATA;
    }
    StringBuilder head = new StringBuilder(96);
    if (id != null) {
      head.append("id: ").append(id).append('\n');
    }
    if (!frame.type().isEmpty()) {
      head.append("event: ").append(frame.type()).append('\n');
    }
    return head.append(DATA).toString();
  }

  /** Lines of an event stream that are no event. */
  ByteBuf lines(String text, ByteBufAllocator allocator) {
    ByteBuf out = allocator.directBuffer(text.length() + 16);
    if (this == PLAIN_EVENTS) {
      out.writeCharSequence(text, StandardCharsets.US_ASCII);
      return out;
    }
    chunk(out, text.length());
    out.writeCharSequence(text, StandardCharsets.US_ASCII);
    return out.writeByte('\r').writeByte('\n');
  }

  private static void chunk(ByteBuf out, int length) {
    out.writeCharSequence(Integer.toHexString(length), StandardCharsets.US_ASCII);
    out.writeByte('\r').writeByte('\n');
  }
}
