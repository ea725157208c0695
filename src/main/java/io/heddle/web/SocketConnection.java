package io.heddle.web;

import io.heddle.base.ByteBudget;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.ssl.SslHandler;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A WebSocket after its handshake: takes its bytes before Reactor Netty sees them. */
final class SocketConnection extends LiveConnection implements Socket, FrameReader.Sink {

  private static final Logger log = LoggerFactory.getLogger(SocketConnection.class);

  /** A ping without a payload, ready for the wire; nobody changes or releases it. */
  private static final ByteBuf PING =
      Unpooled.unreleasableBuffer(
          Unpooled.directBuffer(2).writeByte(0x89).writeByte(0x00).asReadOnly());

  private static final int OPCODE_CLOSE = 0x88;
  private static final int OPCODE_PONG = 0x8a;
  private static final int MOST_OF_CONTROL = 125;

  private static final int GOODBYE_SECONDS = 2;

  /** A client that came back at once would only find the next replica that stops. */
  private static final int LEAST_DELAY_MILLIS = 500;

  private static final int MOST_DELAY_MILLIS = 2000;

  private final SocketProtocol protocol;
  private final FrameReader reader;

  /** Small messages are not counted one by one: so much stays taken. */
  private static final int RESERVE = 1024;

  /** What a message is parsed into is about as large as it is. */
  private static final int COPIES = 2;

  private final ByteBudget.Hold hold;

  /** Bytes of messages that are being read, or that nobody has done with yet. */
  private long held;

  private long heardAt;
  private long pingedAt;

  /** Something has begun and is not whole. */
  private boolean midway;

  private long begunAt;

  /** To be answered once there is room: only the last ping need be (RFC 6455, 5.5.3). */
  private byte @Nullable [] unanswered;

  private boolean closing;

  /** It closes as soon as nothing goes on here. */
  private boolean away;

  SocketConnection(
      Connections connections, SocketProtocol protocol, ByteBudget.Holder holder, int maxMessage) {
    super(connections, WireForm.SOCKET);
    this.protocol = protocol;
    this.hold = connections.budget().hold(holder);
    this.reader = new FrameReader(this, maxMessage);
  }

  @Override
  void opened() {
    heardAt = System.nanoTime();
    pingedAt = heardAt;
    protocol.opened(this);
    read(true);
  }

  @Override
  void closed() {
    reader.end();
    protocol.closed();
    hold.close();
  }

  @Override
  void drained() {
    byte[] ping = unanswered;
    if (ping != null) {
      unanswered = null;
      ping(ping);
    }
    protocol.drained();
  }

  @Override
  ChannelHandlerContext wire() {
    return context();
  }

  @Override
  public void read(boolean on) {
    context().channel().config().setAutoRead(on);
  }

  // ---- what comes

  @Override
  public void channelRead(ChannelHandlerContext from, Object message) {
    if (!(message instanceof ByteBuf bytes)) {
      from.fireChannelRead(message);
      return;
    }
    heardAt = System.nanoTime();
    try {
      reader.read(bytes);
    } finally {
      bytes.release();
    }
  }

  @Override
  public void begun() {
    midway = true;
    begunAt = heardAt;
  }

  @Override
  public void whole() {
    midway = false;
  }

  @Override
  public void message(byte[] text) {
    if (take((COPIES - 1) * text.length)) {
      protocol.received(text);
    } else {
      give(text.length);
      close(CloseCode.OVERLOADED, CloseCode.comeBack());
    }
  }

  @Override
  public boolean take(int bytes) {
    long more = held + bytes - hold.bytes();
    if (more > 0 && !hold.tryGrow(more)) {
      return false;
    }
    held += bytes;
    return true;
  }

  @Override
  public void give(int bytes) {
    held -= bytes;
    long spare = hold.bytes() - Math.max(held, RESERVE);
    if (spare > 0) {
      hold.shrink(spare);
    }
  }

  @Override
  public boolean isHere() {
    return loop().inEventLoop();
  }

  @Override
  public void handled(int bytes) {
    give(COPIES * bytes);
  }

  @Override
  public void ping(byte[] payload) {
    if (closing) {
      return;
    }
    if (isWritable()) {
      control(OPCODE_PONG, payload);
    } else {
      unanswered = payload;
    }
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext from, Throwable error) {
    log.debug("a socket failed", error);
    from.close();
  }

  // ---- the end

  @Override
  public void closed(int code) {
    ChannelHandlerContext to = context();
    if (closing) {
      to.close();
      return;
    }
    closing = true;
    silence();
    control(OPCODE_CLOSE, code < 0 ? new byte[0] : closeBody(code, ""))
        .addListener(_ -> to.close());
    // Who does not read would keep the answer from being written.
    closeSoon(to);
  }

  @Override
  public void broken(CloseCode code, String reason) {
    if (closing) {
      context().close();
      return;
    }
    closing = true;
    silence();
    ChannelHandlerContext to = context();
    // Nothing that comes is understood any more, so no answer is waited for. But what has come and
    // was not read would reset the connection, and with it the reason.
    control(OPCODE_CLOSE, closeBody(code.number(), reason)).addListener(_ -> endOutput(to));
    read(true);
    closeSoon(to);
  }

  private static void endOutput(ChannelHandlerContext to) {
    // Under TLS the end is said by closing only.
    if (to.channel() instanceof DuplexChannel duplex
        && to.pipeline().get(SslHandler.class) == null) {
      duplex.shutdownOutput();
    }
  }

  @Override
  public void close(CloseCode code, String reason) {
    if (closing || !isOpen()) {
      return;
    }
    closing = true;
    silence();
    reader.deafen();
    ChannelHandlerContext to = context();
    control(OPCODE_CLOSE, closeBody(code.number(), reason));
    // Closed at once, the client may see a reset connection instead of the reason.
    read(true);
    closeSoon(to);
  }

  private static void closeSoon(ChannelHandlerContext to) {
    to.executor().schedule(() -> to.close(), GOODBYE_SECONDS, TimeUnit.SECONDS);
  }

  private static byte[] closeBody(int code, String reason) {
    byte[] text = reason.getBytes(StandardCharsets.UTF_8);
    byte[] body = Arrays.copyOf(new byte[] {(byte) (code >> 8), (byte) code}, 2 + text.length);
    System.arraycopy(text, 0, body, 2, text.length);
    return body;
  }

  private ChannelFuture control(int head, byte[] payload) {
    if (payload.length > MOST_OF_CONTROL) {
      throw new IllegalArgumentException("a control frame of " + payload.length + " bytes");
    }
    ByteBuf frame = context().alloc().directBuffer(2 + payload.length);
    frame.writeByte(head).writeByte(payload.length).writeBytes(payload);
    return context().writeAndFlush(frame);
  }

  /** The process has no room for what waits here; a client that takes nothing is cut soon after. */
  @Override
  public void userEventTriggered(ChannelHandlerContext from, Object event) {
    if (event == ConnectionGuard.Overloaded.INSTANCE) {
      close(CloseCode.OVERLOADED, CloseCode.comeBack());
    }
    from.fireUserEventTriggered(event);
  }

  @Override
  void tooSlow() {
    close(protocol.tooSlow(), "too much waits to be taken");
  }

  @Override
  void sendAway() {
    away = true;
    if (protocol.drain()) {
      return;
    }
    long delay = ThreadLocalRandom.current().nextLong(LEAST_DELAY_MILLIS, MOST_DELAY_MILLIS + 1);
    close(CloseCode.RESTARTING, CloseCode.comeBack(delay));
  }

  @Override
  void tended(long now) {
    if (away) {
      sendAway();
    }
    if (!context().channel().config().isAutoRead()) {
      // It is held back, so nothing can come: that is not its silence.
      heardAt = now;
      begunAt = now;
    }
    if (now - heardAt > properties.idleAfter().toNanos()) {
      context().close();
    } else if (midway && now - begunAt > properties.messageTimeout().toNanos()) {
      close(CloseCode.TOO_SLOW, "a message that was begun did not come to its end");
    } else if (now - pingedAt >= properties.pingEvery().toNanos() && !closing) {
      pingedAt = now;
      write(PING.duplicate());
      flush();
    }
  }
}
