package io.heddle.web;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Json;
import io.heddle.live.Frame;
import io.heddle.live.LiveProperties;
import io.heddle.testing.RawWebSocket;
import io.netty.buffer.AbstractByteBufAllocator;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.springframework.boot.context.properties.bind.Binder;

class SocketConnectionTest {

  private final LiveProperties properties =
      new Binder().bindOrCreate("heddle.live", LiveProperties.class);
  private final Taken protocol = new Taken();
  private final SocketConnection connection =
      new SocketConnection(new Connections(properties), protocol, 1 << 20);
  private final EmbeddedChannel channel = new EmbeddedChannel(connection);

  /** A protocol that only listens. */
  private static final class Taken implements SocketProtocol {
    private final List<String> texts = new ArrayList<>();
    private boolean closed;

    @Override
    public void opened(Socket socket) {}

    @Override
    public void received(byte[] text) {
      texts.add(new String(text, StandardCharsets.UTF_8));
    }

    @Override
    public void drained() {}

    @Override
    public void closed() {
      closed = true;
    }
  }

  @AfterEach
  void close() {
    channel.finishAndReleaseAll();
  }

  private void write(String json) {
    connection.write(Frame.of("x", Json.of(json)));
    connection.flush();
  }

  private String sent() {
    ByteBuf frame = channel.readOutbound();
    String text = frame.toString(2, frame.readableBytes() - 2, StandardCharsets.UTF_8);
    frame.release();
    return text;
  }

  private void receive(int first, byte[] payload) {
    channel.writeInbound(Unpooled.wrappedBuffer(RawWebSocket.frame(first, payload)));
  }

  private int closeCode() {
    ByteBuf frame = channel.readOutbound();
    assertThat(frame.getUnsignedByte(0)).isEqualTo((short) 0x88);
    int code = frame.getUnsignedShort(2);
    frame.release();
    return code;
  }

  /**
   * A socket that was closed as too slow, or because its replica stopped, was sent the frames of
   * the next two seconds all the same: after a close there must be none (RFC 6455, 5.5.1).
   */
  @Test
  void nothingIsSentAfterTheClose() {
    write("{}");
    assertThat(sent()).isEqualTo("{}");
    connection.close(CloseCode.RESTARTING, "soon");
    write("{}");
    assertThat(closeCode()).isEqualTo(1012);
    assertThat(channel.<Object>readOutbound()).isNull();
    receive(0x81, "late".getBytes(StandardCharsets.UTF_8));
    assertThat(protocol.texts).isEmpty();
    receive(0x88, RawWebSocket.close(1012));
    assertThat(protocol.closed).isTrue();
  }

  /**
   * Without memory for a frame the exception went up into the group's delivery, which then told its
   * watchers nothing any more and kept every later frame; and who had not been sent it could not
   * know.
   */
  @Test
  void aFrameThatFindsNoMemoryIsTheEndOfItsConnection() {
    channel.config().setAllocator(new NoMemory());
    write("{}");
    channel.runPendingTasks();
    assertThat(channel.isOpen()).isFalse();
    assertThat(protocol.closed).isTrue();
    write("{}");
    assertThat(channel.<Object>readOutbound()).isNull();
  }

  private static final class NoMemory extends AbstractByteBufAllocator {
    @Override
    protected ByteBuf newHeapBuffer(int initialCapacity, int maxCapacity) {
      return Unpooled.buffer(initialCapacity, maxCapacity);
    }

    @Override
    protected ByteBuf newDirectBuffer(int initialCapacity, int maxCapacity) {
      throw new OutOfMemoryError("for a test");
    }

    @Override
    public boolean isDirectBufferPooled() {
      return false;
    }
  }

  /** A message in pieces was "not understood", the same message in one piece "too large". */
  @Test
  void piecesThatAreTooLargeTogetherAreTooLarge() {
    byte[] piece = new byte[400_000];
    receive(0x01, piece);
    receive(0x00, piece);
    assertThat(channel.<Object>readOutbound()).isNull();
    receive(0x80, piece);
    assertThat(closeCode()).isEqualTo(1009);
    assertThat(protocol.texts).isEmpty();
  }

  /**
   * A client with many requests that waited for a lock was not read from for more than a minute,
   * and then closed because nothing came from it.
   */
  @Test
  void whoIsHeldBackIsNotSilent() {
    long now = System.nanoTime();
    long silence = properties.idleAfter().plus(Duration.ofSeconds(1)).toNanos();
    connection.read(false);
    connection.tended(now + silence);
    assertThat(channel.isOpen()).isTrue();
    connection.read(true);
    connection.tended(now + silence + 1);
    assertThat(channel.isOpen()).isTrue();
    connection.tended(now + 3 * silence);
    assertThat(channel.isOpen()).isFalse();
  }
}
