package io.heddle.web;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.AsciiString;
import io.netty.util.ReferenceCountUtil;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.reactor.netty.NettyServerCustomizer;
import reactor.netty.NettyPipeline;
import reactor.netty.http.server.HttpServer;

/**
 * Stands between the HTTP codec and the server, and gives it requests of one form: the target in
 * one spelling ({@link RequestTarget}), one {@code Host}, and a body whose end is certain (RFC
 * 9112, 3.2 and 6.3).
 *
 * <p>What is not of that form goes on as a request that {@link RequestGate} refuses, so that the
 * refusal has its place among the answers to pipelined requests. Where the end of the body is not
 * certain, what follows is never looked at: it could be read as a request that a proxy on the way
 * took for a body.
 *
 * <p>What still is refused below the routes gets a problem as its body.
 */
public final class RequestTargetCheck extends ChannelDuplexHandler {

  /** Why a request is refused; no client can send it, since it is removed first. */
  static final String REFUSED = "heddle-refused";

  private static final AsciiString REFUSED_NAME = AsciiString.cached(REFUSED);

  private static final String NAME = "heddle.requestRepair";

  /** Whether nothing that comes is a request any more. */
  private boolean deaf;

  /** The host that the connection named last and that is one; most connections name one only. */
  private @Nullable CharSequence host;

  /** Has every connection begin with one. */
  public static NettyServerCustomizer customizer() {
    return RequestTargetCheck::apply;
  }

  private static HttpServer apply(HttpServer server) {
    return server.doOnChannelInit((_, channel, _) ->
        channel.pipeline().addAfter(NettyPipeline.HttpCodec, NAME, new RequestTargetCheck()));
  }

  /** A connection that has become a WebSocket has no more requests. */
  static void leave(ChannelPipeline pipeline) {
    if (pipeline.get(NAME) != null) {
      pipeline.remove(NAME);
    }
  }

  // ---- requests

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    if (deaf) {
      ReferenceCountUtil.release(message);
      return;
    }
    if (message instanceof HttpRequest request && request.decoderResult().isSuccess()) {
      Refusal refusal = examine(request);
      if (refusal != null) {
        request.headers().set(REFUSED, refusal.toText(request.uri()));
        request.setUri("/");
        if (refusal.last()) {
          deaf = true;
          request.headers().remove(HttpHeaderNames.TRANSFER_ENCODING);
          request.headers().remove(HttpHeaderNames.CONTENT_LENGTH);
          context.fireChannelRead(message);
          context.fireChannelRead(LastHttpContent.EMPTY_LAST_CONTENT);
          return;
        }
      }
    }
    context.fireChannelRead(message);
  }

  /** Brings a request into the form; why it cannot be, or null. */
  private @Nullable Refusal examine(HttpRequest request) {
    HttpHeaders headers = request.headers();
    headers.remove(REFUSED_NAME);
    HttpVersion version = request.protocolVersion();
    boolean old = version.majorVersion() == 1 && version.minorVersion() == 0;
    if (version.majorVersion() != 1) {
      return Refusal.last("version", "of HTTP must be 1.0 or 1.1");
    }
    if (version.minorVersion() > 1) {
      // Answered as what this server speaks (RFC 9110, 2.5).
      request.setProtocolVersion(HttpVersion.HTTP_1_1);
    }
    Refusal framing = framing(headers, old);
    if (framing != null) {
      return framing;
    }
    String misspelt = UserHeader.misspelt(headers);
    if (misspelt != null) {
      return Refusal.of(
          misspelt.replace(Refusal.BETWEEN, "?"),
          "is not the header that names the user; that is " + HeaderNames.USER);
    }
    Refusal misnamed = host(headers, old);
    if (misnamed != null) {
      headers.remove(HttpHeaderNames.HOST);
    }
    RequestTarget target = RequestTarget.of(request.method().name(), request.uri());
    return switch (target) {
      case RequestTarget.Refused refused ->
          new Refusal(null, refused.segment(), refused.detail(), false);
      case RequestTarget.Server server -> {
        request.setUri("/*");
        yield misnamed == null ? authority(headers, server.authority()) : misnamed;
      }
      case RequestTarget.Path path -> {
        request.setUri(path.text());
        yield misnamed == null ? authority(headers, path.authority()) : misnamed;
      }
    };
  }

  private static @Nullable Refusal framing(HttpHeaders headers, boolean old) {
    Iterator<? extends CharSequence> lengths =
        headers.valueCharSequenceIterator(HttpHeaderNames.CONTENT_LENGTH);
    if (lengths.hasNext() && lengths.next() != null && lengths.hasNext()) {
      return Refusal.last(HttpHeaderNames.CONTENT_LENGTH.toString(), "is there twice");
    }
    if (!headers.contains(HttpHeaderNames.TRANSFER_ENCODING)) {
      return null;
    }
    List<String> codings = headers.getAll(HttpHeaderNames.TRANSFER_ENCODING);
    String name = HttpHeaderNames.TRANSFER_ENCODING.toString();
    if (old) {
      return Refusal.last(name, "is not for HTTP/1.0");
    }
    if (headers.contains(HttpHeaderNames.CONTENT_LENGTH)) {
      return Refusal.last(name, "stands beside Content-Length");
    }
    if (codings.size() == 1 && codings.getFirst().equalsIgnoreCase("chunked")) {
      return null;
    }
    String all = String.join(",", codings).toLowerCase(Locale.ROOT);
    String[] each = all.split(",", -1);
    boolean ends = each[each.length - 1].strip().equals("chunked");
    boolean once = all.indexOf("chunked") == all.lastIndexOf("chunked");
    return ends && once
        ? new Refusal(name, RequestTarget.NO_SEGMENT, Refusal.UNKNOWN_CODING, true)
        : Refusal.last(name, "must be chunked");
  }

  private @Nullable Refusal host(HttpHeaders headers, boolean old) {
    Iterator<? extends CharSequence> hosts =
        headers.valueCharSequenceIterator(HttpHeaderNames.HOST);
    if (!hosts.hasNext()) {
      return old ? null : Refusal.of("Host", "is missing");
    }
    CharSequence named = hosts.next();
    if (hosts.hasNext()) {
      return Refusal.of("Host", "is there twice");
    }
    if (host != null && AsciiString.contentEquals(named, host)) {
      return null;
    }
    if (Authority.parse(named.toString()) == null) {
      return Refusal.of("Host", "must be a host and its port");
    }
    host = named;
    return null;
  }

  /** The authority of an absolute target is the host, whatever the header says. */
  private static @Nullable Refusal authority(HttpHeaders headers, @Nullable String authority) {
    if (authority == null) {
      return null;
    }
    if (Authority.parse(authority) == null) {
      return Refusal.of("Host", "in the target must be a host and its port");
    }
    headers.set(HttpHeaderNames.HOST, authority);
    return null;
  }

  /**
   * Why a request is refused.
   *
   * @param field null when a segment of the path is wrong
   * @param last whether nothing after it can be read
   */
  record Refusal(@Nullable String field, int segment, String detail, boolean last) {

    private static final String BETWEEN = "|";

    static final String UNKNOWN_CODING = "has a coding that this server does not know";

    static Refusal of(String field, String detail) {
      return new Refusal(field, RequestTarget.NO_SEGMENT, detail, false);
    }

    static Refusal last(String field, String detail) {
      return new Refusal(field, RequestTarget.NO_SEGMENT, detail, true);
    }

    /** As a header's value, which has no control characters. */
    String toText(String target) {
      String sound = target.replaceAll("[\\x00-\\x1f\\x7f]", "?");
      return String.join(
          BETWEEN, field == null ? "" : field, "" + segment, detail, last ? "last" : "", sound);
    }

    /** What it was made of, with the target at the end. */
    static Said parse(String text) {
      String[] parts = text.split(Pattern.quote(BETWEEN), 5);
      return new Said(
          new Refusal(
              parts[0].isEmpty() ? null : parts[0],
              Integer.parseInt(parts[1]),
              parts[2],
              !parts[3].isEmpty()),
          parts[4]);
    }
  }

  /** A refusal, and the target as the client sent it. */
  record Said(Refusal refusal, String target) {}

  // ---- answers

  @Override
  public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
    if (message instanceof FullHttpResponse response && isBareRefusal(response)) {
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

  private static boolean isBareRefusal(FullHttpResponse response) {
    return response.status().code() >= 400
        && !response.content().isReadable()
        && !response.headers().contains(HttpHeaderNames.CONTENT_TYPE);
  }

  private static Problem problem(int status) {
    return switch (status) {
      case 404 -> Problem.of(ProblemCode.NOT_FOUND, "There is nothing at this path");
      case 408 -> Problem.of(ProblemCode.REQUEST_TIMEOUT, "The request did not arrive in time");
      case 413 -> Problem.of(ProblemCode.BODY_TOO_LARGE, "The request is too large");
      default ->
          status < 500
              ? Problem.of(ProblemCode.INVALID_REQUEST, "The request's line or headers are broken")
              : Problem.of(ProblemCode.INTERNAL, "The request could not be answered");
    };
  }
}
