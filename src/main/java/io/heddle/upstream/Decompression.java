package io.heddle.upstream;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.DecoderException;
import io.netty.handler.codec.compression.ZlibCodecFactory;
import io.netty.handler.codec.compression.ZlibWrapper;
import java.io.ByteArrayOutputStream;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The bytes of an answer that its server, or a proxy before it, has compressed unasked. Any thread
 * may close it, also while another reads.
 */
final class Decompression {

  private final EmbeddedChannel channel;
  private final int most;
  private final Supplier<? extends RuntimeException> broken;
  private boolean closed;

  private Decompression(ZlibWrapper form, int most, Supplier<? extends RuntimeException> broken) {
    this.most = most;
    this.broken = broken;
    channel = new EmbeddedChannel(ZlibCodecFactory.newZlibDecoder(form, most));
  }

  /**
   * Null for an encoding that is not known.
   *
   * @param most bytes that one part of an answer may become
   * @param broken thrown for bytes that are not of the encoding, or become too many
   */
  static @Nullable Decompression of(
      String encoding, int most, Supplier<? extends RuntimeException> broken) {
    return switch (encoding) {
      case "gzip", "x-gzip" -> new Decompression(ZlibWrapper.GZIP, most, broken);
      case "deflate", "x-deflate" -> new Decompression(ZlibWrapper.ZLIB_OR_NONE, most, broken);
      default -> null;
    };
  }

  /** What the next bytes stand for; nothing once it is closed. */
  synchronized ByteBuf next(byte[] bytes) {
    if (closed) {
      return Unpooled.EMPTY_BUFFER;
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream(bytes.length * 4);
    try {
      channel.writeInbound(Unpooled.wrappedBuffer(bytes));
      for (ByteBuf part = channel.readInbound(); part != null; part = channel.readInbound()) {
        try {
          if (out.size() + part.readableBytes() > most) {
            throw broken.get();
          }
          out.writeBytes(ByteBufUtil.getBytes(part));
        } finally {
          part.release();
        }
      }
    } catch (DecoderException e) {
      throw broken.get();
    }
    return Unpooled.wrappedBuffer(out.toByteArray());
  }

  synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    try {
      channel.finishAndReleaseAll();
    } catch (DecoderException e) {
      // What was left of bytes that could not be read.
    }
  }
}
