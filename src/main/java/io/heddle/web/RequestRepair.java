package io.heddle.web;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandler.Sharable;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.util.ReferenceCountUtil;
import org.springframework.boot.reactor.netty.NettyServerCustomizer;
import reactor.netty.NettyPipeline;
import reactor.netty.http.server.HttpServer;

/**
 * Stands between the HTTP codec and the server, for requests that never get as far as a route.
 *
 * <p>A path with a brace or a lone percent sign is no URI to Java, and Spring answers it with an
 * empty 400. Such characters are percent-encoded here, so that the call's own check sees them and
 * names the field. What still is refused below the routes gets a problem as its body.
 */
@Sharable
public final class RequestRepair extends ChannelDuplexHandler implements NettyServerCustomizer {

  private static final String NAME = "heddle.requestRepair";
  private static final char[] HEX = "0123456789ABCDEF".toCharArray();

  @Override
  public HttpServer apply(HttpServer server) {
    return server.doOnChannelInit((observer, channel, remote) ->
        channel.pipeline().addAfter(NettyPipeline.HttpCodec, NAME, this));
  }

  /** A connection that has become a WebSocket has no more requests. */
  static void leave(ChannelPipeline pipeline) {
    if (pipeline.get(NAME) != null) {
      pipeline.remove(NAME);
    }
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    if (message instanceof HttpRequest request && request.decoderResult().isSuccess()) {
      String target = request.uri();
      String sound = sound(target);
      if (!sound.equals(target)) {
        request.setUri(sound);
      }
    }
    context.fireChannelRead(message);
  }

  @Override
  public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
    if (message instanceof FullHttpResponse response
        && response.status().code() >= 400
        && !response.content().isReadable()
        && !response.headers().contains(HttpHeaderNames.CONTENT_TYPE)) {
      Problem problem = problem(response.status().code());
      byte[] body = ProblemWriter.json(problem);
      FullHttpResponse full = response.replace(Unpooled.wrappedBuffer(body));
      full.setStatus(HttpResponseStatus.valueOf(problem.code().status()));
      full.headers()
          .set(HttpHeaderNames.CONTENT_TYPE, ProblemWriter.CONTENT_TYPE)
          .setInt(HttpHeaderNames.CONTENT_LENGTH, body.length);
      ReferenceCountUtil.release(response);
      context.write(full, promise);
      return;
    }
    context.write(message, promise);
  }

  private static Problem problem(int status) {
    return switch (status) {
      case 403 ->
          Problem.field(ProblemCode.FORBIDDEN, "Origin", "Pages of this origin may not call");
      case 404 -> Problem.of(ProblemCode.NOT_FOUND, "There is nothing at this path");
      case 408 -> Problem.of(ProblemCode.REQUEST_TIMEOUT, "The request did not arrive in time");
      case 413 -> Problem.of(ProblemCode.BODY_TOO_LARGE, "The request is too large");
      default ->
          status < 500
              ? Problem.of(ProblemCode.INVALID_REQUEST, "The request's line or headers are broken")
              : Problem.of(ProblemCode.INTERNAL, "The request could not be answered");
    };
  }

  /** The target with everything percent-encoded that may not stand in a URI as it is. */
  static String sound(String target) {
    int i = 0;
    while (i < target.length() && stays(target, i)) {
      i++;
    }
    if (i == target.length()) {
      return target;
    }
    StringBuilder out = new StringBuilder(target.length() + 16).append(target, 0, i);
    for (; i < target.length(); i++) {
      char c = target.charAt(i);
      if (stays(target, i)) {
        out.append(c);
      } else {
        // The codec reads the line byte by byte, so a character is a byte.
        out.append('%').append(HEX[c >> 4 & 0xf]).append(HEX[c & 0xf]);
      }
    }
    return out.toString();
  }

  private static boolean stays(String target, int i) {
    char c = target.charAt(i);
    if (c == '%') {
      return i + 2 < target.length() && isHex(target.charAt(i + 1)) && isHex(target.charAt(i + 2));
    }
    return c > 0x20 && c < 0x7f && "\"#<>[\\]^`{|}".indexOf(c) < 0;
  }

  private static boolean isHex(char c) {
    return Character.digit(c, 16) >= 0;
  }
}
