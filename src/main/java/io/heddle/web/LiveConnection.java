package io.heddle.web;

import io.heddle.live.Frame;
import io.heddle.live.FrameSink;
import io.heddle.live.LiveProperties;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.EventLoop;
import io.netty.channel.WriteBufferWaterMark;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A connection that frames are written to, below Spring and Reactor: they would make a publisher
 * and a buffer of every frame for every connection. The channel's own mark says when it is full.
 */
abstract class LiveConnection extends LoopMembers.Member implements FrameSink {

  private static final Logger log = LoggerFactory.getLogger(LiveConnection.class);

  final Connections connections;
  final LiveProperties properties;
  private final WireForm form;

  private @Nullable ChannelHandlerContext context;
  private @Nullable WriteBufferWaterMark before;
  private boolean open;
  private boolean silent;
  private boolean dirty;
  private boolean full;
  private long fullSince;

  LiveConnection(Connections connections, WireForm form) {
    this.connections = connections;
    this.properties = connections.properties();
    this.form = form;
  }

  @Override
  public void handlerAdded(ChannelHandlerContext added) {
    context = added;
    int most = Math.toIntExact(properties.buffer().toBytes());
    before = added.channel().config().getWriteBufferWaterMark();
    added.channel().config().setWriteBufferWaterMark(new WriteBufferWaterMark(most / 4, most));
    open = true;
    connections.add(this);
    opened();
  }

  @Override
  public void handlerRemoved(ChannelHandlerContext removed) {
    if (before != null) {
      removed.channel().config().setWriteBufferWaterMark(before);
    }
    over();
  }

  @Override
  public void channelInactive(ChannelHandlerContext inactive) {
    over();
    inactive.fireChannelInactive();
  }

  private void over() {
    if (open) {
      open = false;
      connections.remove(this);
      closed();
    }
  }

  /** It can be written to. */
  abstract void opened();

  /** It is gone. */
  abstract void closed();

  /** It has room again. */
  abstract void drained();

  /** Once a second. */
  abstract void tended(long now);

  /** It has been full for too long. */
  abstract void tooSlow();

  /** This replica stops; the client should come back a little later. */
  abstract void sendAway();

  final ChannelHandlerContext context() {
    ChannelHandlerContext mine = context;
    if (mine == null) {
      throw new IllegalStateException("not in a pipeline yet");
    }
    return mine;
  }

  final boolean isOpen() {
    return open;
  }

  @Override
  public final EventLoop loop() {
    return context().channel().eventLoop();
  }

  @Override
  public final boolean isWritable() {
    return context().channel().isWritable();
  }

  @Override
  public final void write(Frame frame) {
    if (!open || silent) {
      return;
    }
    ByteBuf ready;
    try {
      ready = form.of(frame, context().alloc());
    } catch (OutOfMemoryError e) {
      unwritten(e);
      return;
    }
    write(ready);
  }

  @Override
  public final void writeAll(List<Frame> frames) {
    if (!open || silent) {
      return;
    }
    ByteBuf ready;
    try {
      ready = form.of(frames, context().alloc());
    } catch (RuntimeException | OutOfMemoryError e) {
      // Some are written only now.
      unwritten(e);
      return;
    }
    write(ready);
  }

  /** A frame left out would be a hole that nobody sees; whoever comes back is given it again. */
  private void unwritten(Throwable error) {
    log.error("a frame could not be written, so its connection is closed: {}", error.toString());
    silence();
    context().close();
  }

  /** The goodbye is said: no frame goes out any more. */
  final void silence() {
    silent = true;
  }

  final void write(ByteBuf ready) {
    dirty = true;
    ChannelHandlerContext to = wire();
    to.write(ready, to.voidPromise());
  }

  /** From where ready bytes are written: below what would encode them. */
  abstract ChannelHandlerContext wire();

  @Override
  public final void flush() {
    if (dirty) {
      dirty = false;
      wire().flush();
    }
  }

  @Override
  public void channelWritabilityChanged(ChannelHandlerContext changed) {
    if (changed.channel().isWritable()) {
      full = false;
      drained();
    } else if (!full) {
      full = true;
      fullSince = System.nanoTime();
    }
    changed.fireChannelWritabilityChanged();
  }

  @Override
  final void tick(long now) {
    if (full && now - fullSince > properties.slowAfter().toNanos()) {
      full = false;
      connections.countTooSlow();
      tooSlow();
    } else if (open) {
      tended(now);
    }
  }
}
