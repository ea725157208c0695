package io.heddle.web;

import io.netty.channel.ChannelHandler.Sharable;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http.LastHttpContent;
import org.springframework.boot.reactor.netty.NettyServerCustomizer;
import reactor.netty.NettyPipeline;
import reactor.netty.http.server.HttpServer;

/**
 * Asks for the next request after each answer.
 *
 * <p>Reactor Netty reads on demand. Up to 1.3.7 a request that comes before the one before it was
 * tidied up is put into a queue, and when that queue runs empty nobody asks the connection for more
 * (reactor-netty issues 4347 and 4361): a client that sends its next request at once on a kept
 * connection then waits for ever. One read too many only brings the next request into that queue.
 */
@Sharable
public final class KeepAliveReads extends ChannelOutboundHandlerAdapter
    implements NettyServerCustomizer {

  private static final String NAME = "heddle.keepAliveReads";

  @Override
  public HttpServer apply(HttpServer server) {
    return server.doOnChannelInit((observer, channel, remote) ->
        channel.pipeline().addAfter(NettyPipeline.HttpCodec, NAME, this));
  }

  /** A connection that has become a WebSocket has no next request. */
  static void leave(ChannelPipeline pipeline) {
    if (pipeline.get(NAME) != null) {
      pipeline.remove(NAME);
    }
  }

  @Override
  public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
    boolean last = message instanceof LastHttpContent;
    context.write(message, promise);
    // A caller that hung up meanwhile has taken the channel from its event loop.
    if (last && context.channel().isActive()) {
      context.read();
    }
  }
}
