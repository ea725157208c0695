package io.heddle.web;

import io.netty.channel.ChannelHandlerContext;
import java.time.Duration;
import reactor.netty.NettyPipeline;

/**
 * An event stream while it lasts. It writes below the HTTP codec, which would wrap every event into
 * an object and three buffers; the codec still writes the head and the end.
 */
final class StreamConnection extends LiveConnection {

  private final StreamProtocol protocol;
  private final WireForm wireForm;
  private final StreamForm form;
  private final Runnable end;
  private long toldAt;

  /** It ends as soon as it need not end here. */
  private boolean away;

  StreamConnection(
      Connections connections,
      WireForm wireForm,
      StreamProtocol protocol,
      StreamForm form,
      Runnable end) {
    super(connections, wireForm);
    this.wireForm = wireForm;
    this.protocol = protocol;
    this.form = form;
    this.end = end;
  }

  @Override
  void opened() {
    toldAt = System.nanoTime();
    if (form.retry()) {
      write(wireForm.lines(RetryDelay.line() + "\n", context().alloc()));
    }
    protocol.opened(this, end);
    flush();
  }

  @Override
  void closed() {
    protocol.closed();
  }

  @Override
  void drained() {
    protocol.drained();
  }

  @Override
  ChannelHandlerContext wire() {
    ChannelHandlerContext codec = context().pipeline().context(NettyPipeline.HttpCodec);
    return codec == null ? context() : codec;
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext from, Throwable error) {
    from.close();
  }

  @Override
  void tooSlow() {
    context().close();
  }

  @Override
  void sendAway() {
    if (!isOpen() || !form.sentAway()) {
      return;
    }
    away = true;
    if (!protocol.endsHere()) {
      write(wireForm.lines(RetryDelay.line() + "\n", context().alloc()));
      flush();
      end.run();
    }
  }

  @Override
  void tended(long now) {
    if (away) {
      sendAway();
    }
    Duration own = form.commentEvery();
    Duration every = own == null ? properties.commentEvery() : own;
    if (now - toldAt >= every.toNanos()) {
      toldAt = now;
      write(wireForm.lines(form.comment(), context().alloc()));
      flush();
    }
  }
}
