package io.heddle.web;

import io.heddle.base.ByteBudget.Holder;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.web.ConnectionGuard.Cause;
import io.heddle.web.ConnectionGuard.Overloaded;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpStatusClass;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.AttributeKey;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.springframework.http.server.reactive.AbstractServerHttpResponse;
import org.springframework.http.server.reactive.ServerHttpResponse;
import org.springframework.http.server.reactive.ServerHttpResponseDecorator;
import org.springframework.web.server.ServerWebExchange;
import reactor.netty.http.server.HttpServerResponse;

/**
 * One connection: where it stands between requests.
 *
 * <pre>
 * FIRST_HEAD ─► BUSY ─► IDLE ─► HEAD ─► BUSY
 *                 │ └─► REST ─► IDLE          answered before all of the body was there
 *                 └───► UPGRADED              a WebSocket, which has rules of its own
 * </pre>
 *
 * Two handlers tell it what happens: itself, first in the pipeline, sees bytes; {@link Progress},
 * after the codec, sees requests and answers. Everything but what is said otherwise is on the event
 * loop.
 */
final class GuardedConnection extends LoopMembers.Member {

  static final AttributeKey<GuardedConnection> KEY =
      AttributeKey.valueOf(GuardedConnection.class, "guard");

  /** How long, and how much, of a body is read on after its request was answered. */
  private static final Duration REST = Duration.ofSeconds(2);

  private static final long MOST_REST = 1 << 20;

  /** How long a socket may take to close by itself after it was told to. */
  private static final Duration GOODBYE = Duration.ofSeconds(2);

  private static final ByteBuf TOO_LATE =
      RefusedConnection.answer(
          Problem.of(
              ProblemCode.REQUEST_TIMEOUT,
              "The request's line and headers did not arrive in time"));

  private final ConnectionGuard guard;
  private final @Nullable String address;

  private final UnsentBytes unsent;

  private @Nullable ChannelHandlerContext context;
  private boolean listed;
  private Phase phase = Phase.FIRST_HEAD;
  private long since;
  private int unanswered;
  private boolean inBody;
  private boolean hasBody;
  private boolean betweenHeads;
  private boolean begun;
  private boolean headBegun;
  private long rest;

  private boolean delaysFlush;
  private boolean flushDelayed;

  private enum Phase {
    FIRST_HEAD,
    BUSY,
    REST,
    IDLE,
    HEAD,
    UPGRADED,
    CLOSED
  }

  /**
   * @param address whose share it counts for; null when its peer has none of its own
   */
  GuardedConnection(ConnectionGuard guard, @Nullable String address) {
    this.guard = guard;
    this.address = address;
    this.unsent = new UnsentBytes(guard.budget, new Holder(null, address));
  }

  static @Nullable GuardedConnection of(Channel channel) {
    return channel.attr(KEY).get();
  }

  /** Asks the connection of an answer for more of what its client sends. Any thread. */
  static void readMore(ServerHttpResponse response) {
    HttpServerResponse http = serverResponse(response);
    if (http != null) {
      http.withConnection(connection -> connection.channel().read());
    }
  }

  /** That of an answer; null where there is no connection, in tests. */
  static @Nullable GuardedConnection of(ServerHttpResponse response) {
    HttpServerResponse http = serverResponse(response);
    if (http == null) {
      return null;
    }
    AtomicReference<@Nullable GuardedConnection> found = new AtomicReference<>();
    http.withConnection(connection -> found.setPlain(of(connection.channel())));
    return found.getPlain();
  }

  private static @Nullable HttpServerResponse serverResponse(ServerHttpResponse response) {
    if (!(response instanceof AbstractServerHttpResponse)
        && !(response instanceof ServerHttpResponseDecorator)) {
      return null;
    }
    try {
      Object inner = ServerHttpResponseDecorator.getNativeResponse(response);
      return inner instanceof HttpServerResponse http ? http : null;
    } catch (IllegalStateException _) {
      // One that a test made up has nothing below.
      return null;
    }
  }

  ConnectionGuard guard() {
    return guard;
  }

  /** What waits in the connection is of the request's caller from now on. From any thread. */
  static void heldByCaller(ServerWebExchange exchange) {
    GuardedConnection mine = of(exchange.getResponse());
    if (mine != null) {
      mine.unsent.holdFor(Callers.of(exchange.getRequest(), true).holder());
    }
  }

  UnsentBytes unsent() {
    return unsent;
  }

  ChannelHandler progress() {
    return new Progress();
  }

  // ---- its life

  @Override
  public void handlerAdded(ChannelHandlerContext added) {
    context = added;
    since = System.nanoTime();
    listed = true;
    guard.connections.add(this, added.channel().eventLoop());
  }

  @Override
  public void handlerRemoved(ChannelHandlerContext removed) {
    gone(removed);
  }

  @Override
  public void channelInactive(ChannelHandlerContext inactive) {
    gone(inactive);
    inactive.fireChannelInactive();
  }

  private void gone(ChannelHandlerContext from) {
    if (!listed) {
      return;
    }
    listed = false;
    phase = Phase.CLOSED;
    guard.connections.remove(this, from.channel().eventLoop());
    guard.leave(address);
    unsent.close();
  }

  private void close(Cause cause) {
    if (phase == Phase.CLOSED || context == null) {
      return;
    }
    guard.count(cause, address);
    boolean tellable = cause == Cause.HEAD && begun && unsent.isEmpty() && !isSecure();
    phase = Phase.CLOSED;
    if (tellable) {
      ChannelHandlerContext to = context;
      to.writeAndFlush(TOO_LATE.duplicate()).addListener(_ -> to.close());
    } else {
      context.close();
    }
  }

  private boolean isSecure() {
    return context != null && context.pipeline().get(SslHandler.class) != null;
  }

  // ---- what comes

  @Override
  public void channelRead(ChannelHandlerContext from, Object message) {
    begun = true;
    switch (phase) {
      case IDLE -> {
        phase = Phase.HEAD;
        since = System.nanoTime();
      }
      case REST -> {
        rest += message instanceof ByteBuf bytes ? bytes.readableBytes() : 0;
        if (rest > MOST_REST) {
          close(Cause.BODY);
        }
      }
      default -> {}
    }
    boolean ends = endsInEmptyLine(message);
    betweenHeads = false;
    from.fireChannelRead(message);
    // A request without a body ends in an empty line: what comes after it begins the next head.
    headBegun = betweenHeads && !hasBody && !ends;
    if (headBegun && phase == Phase.IDLE) {
      // It was answered within the same turn.
      phase = Phase.HEAD;
    }
  }

  private static boolean endsInEmptyLine(Object message) {
    if (!(message instanceof ByteBuf bytes) || bytes.readableBytes() < 2) {
      return true;
    }
    int end = bytes.writerIndex();
    if (bytes.getByte(end - 1) != '\n') {
      return false;
    }
    byte before = bytes.getByte(end - 2);
    return before == '\n'
        || (before == '\r' && (bytes.readableBytes() < 3 || bytes.getByte(end - 3) == '\n'));
  }

  private void answered() {
    unanswered = Math.max(0, unanswered - 1);
    if (unanswered > 0 || phase == Phase.CLOSED || phase == Phase.UPGRADED) {
      return;
    }
    since = System.nanoTime();
    rest = 0;
    phase = inBody ? Phase.REST : headBegun ? Phase.HEAD : Phase.IDLE;
  }

  /**
   * Sees whole heads and ends; right after the codec.
   *
   * <p>Requests that come before the one in work is answered wait in a queue of Reactor Netty's
   * that has no bound, with their bodies. So while one waits there nothing more is read.
   */
  private final class Progress extends ChannelDuplexHandler {
    private boolean informational;
    private boolean heldBack;

    @Override
    public void read(ChannelHandlerContext to) {
      if (unanswered > 1) {
        heldBack = true;
      } else {
        to.read();
      }
    }

    @Override
    public void channelRead(ChannelHandlerContext from, Object message) {
      if (message instanceof HttpRequest) {
        unanswered++;
        inBody = true;
        hasBody = false;
        headBegun = false;
        if (phase != Phase.CLOSED) {
          phase = Phase.BUSY;
        }
      }
      if (message instanceof LastHttpContent last) {
        inBody = false;
        hasBody |= last.content().isReadable() || !last.trailingHeaders().isEmpty();
        betweenHeads = true;
        if (phase == Phase.REST) {
          phase = Phase.IDLE;
          since = System.nanoTime();
        }
      } else {
        betweenHeads = false;
        hasBody |= !(message instanceof HttpRequest);
      }
      from.fireChannelRead(message);
    }

    /**
     * A connection that breaks is one that has closed, which is how whoever reads the body is told.
     * Reactor Netty would write to the log what nobody has begun to read yet, as while the store is
     * asked whether the request is admitted.
     */
    @Override
    public void exceptionCaught(ChannelHandlerContext from, Throwable error) {
      if (HangUps.isBroken(error)) {
        from.close();
      } else {
        from.fireExceptionCaught(error);
      }
    }

    @Override
    public void write(ChannelHandlerContext to, Object message, ChannelPromise promise) {
      if (message instanceof HttpResponse response) {
        HttpResponseStatus status = response.status();
        informational = status.codeClass() == HttpStatusClass.INFORMATIONAL;
        if (status.code() == HttpResponseStatus.SWITCHING_PROTOCOLS.code()) {
          phase = Phase.UPGRADED;
          to.write(message, promise);
          to.pipeline().remove(this);
          return;
        }
      }
      boolean last = message instanceof LastHttpContent && !informational;
      to.write(message, promise);
      if (last) {
        answered();
        if (heldBack && unanswered <= 1) {
          heldBack = false;
          to.read();
        }
      }
    }
  }

  // ---- what waits to be written

  /**
   * Has the next flush of a channel wait for the one after it, but not longer than this turn of the
   * loop and the next: what is written until then costs no write of its own. From any thread.
   */
  static void delayFlush(Channel channel) {
    GuardedConnection mine = of(channel);
    if (mine == null) {
      return;
    }
    if (channel.eventLoop().inEventLoop()) {
      mine.delaysFlush = true;
    } else {
      channel.eventLoop().execute(() -> mine.delaysFlush = true);
    }
  }

  @Override
  public void flush(ChannelHandlerContext to) {
    if (delaysFlush) {
      delaysFlush = false;
      flushDelayed = true;
      to.executor().execute(() -> to.executor().execute(() -> flushDelayed(to)));
      return;
    }
    flushDelayed = false;
    to.flush();
    weigh(to);
  }

  private void flushDelayed(ChannelHandlerContext to) {
    if (flushDelayed) {
      flush(to);
    }
  }

  private void weigh(ChannelHandlerContext to) {
    if (unsent.weigh(to.channel())) {
      // Not within a write, which is somewhere in the middle of what it does.
      to.executor().execute(() -> tooMuch(to));
    }
  }

  private void tooMuch(ChannelHandlerContext to) {
    if (!unsent.isOver() || phase == Phase.CLOSED) {
      return;
    }
    if (phase == Phase.UPGRADED) {
      to.fireUserEventTriggered(Overloaded.INSTANCE);
    } else {
      close(Cause.MEMORY);
    }
  }

  // ---- a few times a second

  @Override
  void tick(long now) {
    ChannelHandlerContext mine = context;
    if (mine == null || !listed) {
      return;
    }
    weigh(mine);
    if (unsent.isOverFor(GOODBYE, now)) {
      close(Cause.MEMORY);
    } else if (unsent.isStuck(mine.channel(), guard.writeTimeout, now)) {
      close(Cause.WRITE);
    } else {
      late(now);
    }
  }

  private void late(long now) {
    long waited = now - since;
    switch (phase) {
      case FIRST_HEAD -> {
        if (waited > guard.headTimeout.toNanos()) {
          close(Cause.HEAD);
        } else if (waited > guard.handshakeTimeout.toNanos() && isShakingHands()) {
          close(Cause.HANDSHAKE);
        }
      }
      case HEAD -> {
        if (waited > guard.headTimeout.toNanos()) {
          close(Cause.HEAD);
        }
      }
      case IDLE -> {
        if (!unsent.isEmpty()) {
          // The answer before it is still on its way.
          since = now;
        } else if (waited > guard.idleTimeout.toNanos()) {
          close(Cause.IDLE);
        }
      }
      case REST -> {
        if (waited > REST.toNanos()) {
          close(Cause.BODY);
        }
      }
      case BUSY, UPGRADED, CLOSED -> {}
    }
  }

  private boolean isShakingHands() {
    SslHandler tls = context == null ? null : context.pipeline().get(SslHandler.class);
    return tls != null && !tls.handshakeFuture().isDone();
  }
}
