package io.heddle.bench;

import io.lettuce.core.RedisClient;
import io.lettuce.core.codec.ByteArrayCodec;
import io.lettuce.core.pubsub.RedisPubSubAdapter;
import io.lettuce.core.pubsub.StatefulRedisPubSubConnection;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.EventLoop;
import io.netty.handler.codec.http.websocketx.TextWebSocketFrame;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Mono;
import reactor.netty.http.server.HttpServer;
import reactor.netty.http.websocket.WebsocketInbound;
import reactor.netty.http.websocket.WebsocketOutbound;

/**
 * The least that a fan-out on Reactor Netty can cost: every message of one Redis channel goes to
 * every connection as one frame, written and flushed at once, and nothing is promised. One task an
 * event loop writes to that loop's connections.
 */
final class BareSocketServer {

  private static final byte[] CHANNEL = {'b', 'e', 'n', 'c', 'h'};

  /** Each list belongs to its loop's thread. */
  private final Map<EventLoop, List<Channel>> watchers = new ConcurrentHashMap<>();

  private BareSocketServer() {}

  public static void main(String[] args) {
    int port = Integer.parseInt(args[0].substring(args[0].indexOf('=') + 1));
    BareSocketServer server = new BareSocketServer();
    RedisClient client = RedisClient.create(System.getenv("REDIS_URL"));
    StatefulRedisPubSubConnection<byte[], byte[]> redis =
        client.connectPubSub(ByteArrayCodec.INSTANCE);
    redis.addListener(
        new RedisPubSubAdapter<>() {
          @Override
          public void message(byte[] channel, byte[] message) {
            server.push(message);
          }
        });
    redis.sync().subscribe(CHANNEL);
    HttpServer.create()
        .host("127.0.0.1")
        .port(port)
        .route(routes ->
            routes
                .get(
                    "/actuator/health/readiness",
                    (request, response) -> response.sendString(Mono.just("up")))
                .ws("/socket", server::watch))
        .bindNow()
        .onDispose()
        .block();
  }

  private Publisher<Void> watch(WebsocketInbound in, WebsocketOutbound out) {
    in.withConnection(connection -> {
      Channel channel = connection.channel();
      List<Channel> ours = watchers.computeIfAbsent(channel.eventLoop(), loop -> new ArrayList<>());
      ours.add(channel);
      channel.closeFuture().addListener(closed -> ours.remove(channel));
    });
    return in.receive().then();
  }

  private void push(byte[] message) {
    ByteBuf payload = Unpooled.directBuffer(message.length).writeBytes(message);
    payload.retain(watchers.size());
    watchers.forEach((loop, channels) ->
        loop.execute(() -> {
          for (Channel channel : channels) {
            channel.writeAndFlush(new TextWebSocketFrame(payload.retainedDuplicate()));
          }
          payload.release();
        }));
    payload.release();
  }
}
