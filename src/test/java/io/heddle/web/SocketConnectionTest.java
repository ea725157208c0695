package io.heddle.web;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.ByteBudget;
import io.heddle.json.Json;
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
  private final ByteBudget budget = new ByteBudget(2_800_000, 2_800_000, 2_800_000);
  private final Connections connections = new Connections(properties, budget);
  private final SocketConnection connection = connection();
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

  private SocketConnection connection() {
    return new SocketConnection(connections, protocol, ByteBudget.Holder.NOBODY, 1 << 20);
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

  /** What waits for clients that take nothing is counted below: over the budget they are told. */
  @Test
  void aProcessWithoutRoomSaysGoodbye() {
    channel.pipeline().fireUserEventTriggered(ConnectionGuard.Overloaded.INSTANCE);

    ByteBuf close = channel.readOutbound();
    assertThat(close.getUnsignedShort(2)).isEqualTo(1013);
    close.release();
  }

  /**
   * 237 sockets that each sent a megabyte and never the rest ended the process. What is begun, and
   * what is whole and not done with, counts; and it is given back however the message ends.
   */
  @Test
  void whatHasBegunCountsAgainstTheBudget() {
    byte[] part = new byte[900_000];
    java.util.Arrays.fill(part, (byte) ' ');
    receive(0x01, part);
    assertThat(budget.used()).isBetween(900_000L, 2_000_000L);
    EmbeddedChannel second = new EmbeddedChannel(connection());
    second.writeInbound(Unpooled.wrappedBuffer(RawWebSocket.frame(0x01, part)));
    long before = budget.used();
    assertThat(before).isBetween(1_800_000L, 2_800_000L);
    EmbeddedChannel third = new EmbeddedChannel(connection());
    third.writeInbound(Unpooled.wrappedBuffer(RawWebSocket.frame(0x01, part)));
    third.writeInbound(Unpooled.wrappedBuffer(RawWebSocket.frame(0x00, new byte[100_000])));
    ByteBuf close = third.readOutbound();
    assertThat(close.getUnsignedShort(2)).isEqualTo(1013);
    assertThat(close.toString(4, close.readableBytes() - 4, StandardCharsets.UTF_8))
        .matches("\\{\"retryAfterMillis\":[1-4]\\d{3}}");
    close.release();
    assertThat(budget.used() - before).as("a small reserve is kept").isLessThanOrEqualTo(1024);
    second.finishAndReleaseAll();
    receive(0x80, "x".getBytes(StandardCharsets.UTF_8));
    assertThat(protocol.texts).hasSize(1);
    assertThat(budget.used()).as("not done with").isGreaterThan(900_000);
    connection.handled(protocol.texts.getFirst().length());
    assertThat(budget.used()).as("small reserves").isLessThanOrEqualTo(2 * 1024);
    third.finishAndReleaseAll();
    channel.close();
    assertThat(budget.used()).isZero();
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
