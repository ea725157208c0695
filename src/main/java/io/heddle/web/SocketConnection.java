package io.heddle.web;

import io.heddle.base.JsonBuffer;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.websocketx.BinaryWebSocketFrame;
import io.netty.handler.codec.http.websocketx.CloseWebSocketFrame;
import io.netty.handler.codec.http.websocketx.ContinuationWebSocketFrame;
import io.netty.handler.codec.http.websocketx.PingWebSocketFrame;
import io.netty.handler.codec.http.websocketx.PongWebSocketFrame;
import io.netty.handler.codec.http.websocketx.TextWebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketFrame;
import io.netty.util.ReferenceCountUtil;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A WebSocket after its handshake: takes its frames before Reactor Netty sees them. */
final class SocketConnection extends LiveConnection implements Socket {

  private static final Logger log = LoggerFactory.getLogger(SocketConnection.class);

  /** A ping without a payload, ready for the wire; nobody changes or releases it. */
  private static final ByteBuf PING =
      Unpooled.unreleasableBuffer(
          Unpooled.directBuffer(2).writeByte(0x89).writeByte(0x00).asReadOnly());

  private static final int GOODBYE_SECONDS = 2;

  private final SocketProtocol protocol;
  private final int maxMessage;
  private @Nullable ByteBuf fragments;
  private long heardAt;
  private long pingedAt;
  private boolean closing;

  SocketConnection(Connections connections, SocketProtocol protocol, int maxMessage) {
    super(connections, WireForm.SOCKET);
    this.protocol = protocol;
    this.maxMessage = maxMessage;
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
    if (fragments != null) {
      fragments.release();
      fragments = null;
    }
    protocol.closed();
  }

  @Override
  void drained() {
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
    if (!(message instanceof WebSocketFrame frame)) {
      from.fireChannelRead(message);
      return;
    }
    heardAt = System.nanoTime();
    try {
      take(from, frame);
    } finally {
      ReferenceCountUtil.release(frame);
    }
  }

  private void take(ChannelHandlerContext from, WebSocketFrame frame) {
    switch (frame) {
      case CloseWebSocketFrame close -> closedByClient(from, close);
      case PingWebSocketFrame ping ->
          from.writeAndFlush(new PongWebSocketFrame(ping.content().retain()));
      case PongWebSocketFrame _ -> {}
      case TextWebSocketFrame _, ContinuationWebSocketFrame _ -> {
        if (!closing) {
          text(frame);
        }
      }
      case BinaryWebSocketFrame _ ->
          close(CloseCode.NOT_UNDERSTOOD, "messages are text, one JSON object each");
      default -> close(CloseCode.NOT_UNDERSTOOD, "not a frame of this protocol");
    }
  }

  private void text(WebSocketFrame frame) {
    ByteBuf begun = fragments;
    if (begun == null && frame.isFinalFragment()) {
      protocol.received(bytes(frame.content()));
      return;
    }
    if (begun == null) {
      begun = context().alloc().heapBuffer(frame.content().readableBytes() * 2);
      fragments = begun;
    }
    if (begun.readableBytes() + frame.content().readableBytes() > maxMessage) {
      close(CloseCode.TOO_LARGE, "a message may have " + maxMessage + " bytes");
      return;
    }
    begun.writeBytes(frame.content());
    if (frame.isFinalFragment()) {
      fragments = null;
      byte[] text = bytes(begun);
      begun.release();
      protocol.received(text);
    }
  }

  private static byte[] bytes(ByteBuf buffer) {
    byte[] bytes = new byte[buffer.readableBytes()];
    buffer.readBytes(bytes);
    return bytes;
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext from, Throwable error) {
    // A broken frame: the decoder has said so to the client. Else the connection is broken.
    log.debug("a socket failed", error);
    from.close();
  }

  // ---- the end

  private void closedByClient(ChannelHandlerContext from, CloseWebSocketFrame close) {
    if (closing) {
      from.close();
      return;
    }
    closing = true;
    silence();
    int code = close.statusCode();
    CloseWebSocketFrame echo =
        code < 0 ? new CloseWebSocketFrame() : new CloseWebSocketFrame(code, "");
    from.writeAndFlush(echo).addListener(_ -> from.close());
  }

  @Override
  public void close(CloseCode code, String reason) {
    if (closing || !isOpen()) {
      return;
    }
    closing = true;
    silence();
    ChannelHandlerContext to = context();
    to.writeAndFlush(new CloseWebSocketFrame(code.number(), reason));
    // Closed at once, the client may see a reset connection instead of the reason.
    read(true);
    to.executor().schedule(() -> to.close(), GOODBYE_SECONDS, TimeUnit.SECONDS);
  }

  @Override
  void tooSlow() {
    close(CloseCode.TOO_SLOW, "too much waits to be taken");
  }

  @Override
  void sendAway(long delayMillis) {
    JsonBuffer reason = new JsonBuffer(64).ascii("{\"retryAfterMillis\":").number(delayMillis);
    close(CloseCode.RESTARTING, reason.ascii("}").toString());
  }

  @Override
  void tended(long now) {
    if (!context().channel().config().isAutoRead()) {
      // It is held back, so nothing can come: that is not its silence.
      heardAt = now;
    }
    if (now - heardAt > properties.idleAfter().toNanos()) {
      context().close();
    } else if (now - pingedAt >= properties.pingEvery().toNanos() && !closing) {
      pingedAt = now;
      write(PING.duplicate());
      flush();
    }
  }
}
