package io.heddle.web;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.socket.DuplexChannel;
import io.netty.util.ReferenceCountUtil;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A connection that is one too many: it is told so and closed with its first bytes, or a moment
 * later. Closed before it has sent its request, it would see a reset connection instead of a 503.
 */
final class RefusedConnection extends ChannelDuplexHandler {

  private static final int PATIENCE_MILLIS = 1000;
  private static final ByteBuf ANSWER =
      answer(
          Problem.of(ProblemCode.OVERLOADED, "There are as many connections as there may be")
              .with("retryAfter", 1));

  private final AtomicInteger told;
  private boolean over;

  /**
   * @param told is counted down when the connection ends
   */
  RefusedConnection(AtomicInteger told) {
    this.told = told;
  }

  /** A whole answer of HTTP/1.1 after which the connection ends; nobody changes or releases it. */
  static ByteBuf answer(Problem problem) {
    byte[] body = ProblemWriter.json(problem);
    StringBuilder head = new StringBuilder(256);
    head.append("HTTP/1.1 ").append(problem.code().status()).append(' ');
    head.append(problem.code().status() == 408 ? "Request Timeout" : "Service Unavailable");
    head.append("\r\nContent-Type: ").append(ProblemWriter.CONTENT_TYPE);
    head.append("\r\nContent-Length: ").append(body.length);
    if (problem.members().get("retryAfter") instanceof Number seconds) {
      head.append("\r\nRetry-After: ").append(seconds);
    }
    head.append("\r\nConnection: close\r\n\r\n");
    ByteBuf all = Unpooled.directBuffer(head.length() + body.length);
    all.writeCharSequence(head, StandardCharsets.US_ASCII);
    return Unpooled.unreleasableBuffer(all.writeBytes(body).asReadOnly());
  }

  @Override
  public void handlerAdded(ChannelHandlerContext context) {
    context.executor().schedule(() -> context.close(), PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
  }

  @Override
  public void channelActive(ChannelHandlerContext context) {
    context
        .writeAndFlush(ANSWER.duplicate())
        .addListener(_ -> {
          if (context.channel() instanceof DuplexChannel duplex) {
            duplex.shutdownOutput();
          }
        });
    context.read();
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    ReferenceCountUtil.release(message);
    context.close();
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) {
    if (!over) {
      over = true;
      told.decrementAndGet();
    }
    context.fireChannelInactive();
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable error) {
    context.close();
  }
}
