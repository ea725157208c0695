package io.heddle.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.heddle.testing.TcpProxy.Direction;
import io.heddle.testing.TcpProxy.Drop;
import io.heddle.testing.TcpProxy.Hold;
import io.heddle.testing.TcpProxy.Links;
import io.heddle.testing.TcpProxy.Request;
import io.lettuce.core.ClientOptions;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisCommandTimeoutException;
import io.lettuce.core.RedisConnectionException;
import io.lettuce.core.RedisFuture;
import io.lettuce.core.RedisURI;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.sync.RedisCommands;
import io.lettuce.core.pubsub.RedisPubSubAdapter;
import io.lettuce.core.pubsub.StatefulRedisPubSubConnection;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class TcpProxyIT {
  private final TcpProxy proxy = TcpProxy.to(TestRedis.uri(TcpProxyIT.class));
  private final RedisClient client = RedisClient.create(RedisURI.create(proxy.uri()));

  @BeforeEach
  void noReconnect() {
    client.setOptions(ClientOptions.builder().autoReconnect(false).build());
  }

  @AfterEach
  void close() {
    client.shutdown(Duration.ZERO, Duration.ofSeconds(2));
    proxy.close();
  }

  @Test
  void countsRequestsByCommandAndScript() {
    RedisCommands<String, String> commands = client.connect().sync();
    String sha = commands.scriptLoad("return ARGV[1]");
    proxy.forgetRequests();

    String echoed =
        commands.evalsha(sha, ScriptOutputType.VALUE, new String[0], "x".repeat(100_000));
    String missing = commands.get("proxy-it:none");

    assertThat(echoed).hasSize(100_000);
    assertThat(missing).isNull();
    assertThat(proxy.requests())
        .extracting(Request::toString)
        .containsExactly("EVALSHA " + sha, "GET proxy-it:none");
    assertThat(proxy.requests("GET")).hasSize(1);
  }

  @Test
  void cutEndsConnectionsAndTakesNewOnes() {
    StatefulRedisConnection<String, String> connection = client.connect();
    proxy.cut();
    Awaitility.await().until(() -> !connection.isOpen());
    assertThat(client.connect().sync().ping()).isEqualTo("PONG");
    assertThat(proxy.connections()).isEqualTo(1);
  }

  @Test
  void refusesUntilItAcceptsAgain() {
    StatefulRedisConnection<String, String> old = client.connect();
    proxy.refuse();
    assertThatThrownBy(client::connect)
        .isInstanceOf(RedisConnectionException.class)
        .hasStackTraceContaining("refused");
    assertThat(old.sync().ping()).isEqualTo("PONG");
    proxy.accept();
    assertThat(client.connect().sync().ping()).isEqualTo("PONG");
  }

  @Test
  void delaysReplies() {
    RedisCommands<String, String> commands = client.connect().sync();
    proxy.delayReplies(Duration.ofMillis(150));
    long start = System.nanoTime();
    assertThat(commands.ping()).isEqualTo("PONG");
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThan(Duration.ofMillis(140));
    proxy.delayReplies(Duration.ZERO);
    assertThat(commands.ping()).isEqualTo("PONG");
  }

  @Test
  void deafButAlive() {
    for (Direction direction : Direction.values()) {
      StatefulRedisConnection<String, String> connection = client.connect();
      connection.setTimeout(Duration.ofMillis(200));
      proxy.forgetRequests();
      proxy.swallow(direction);
      assertThatThrownBy(() -> connection.sync().ping())
          .isInstanceOf(RedisCommandTimeoutException.class);
      assertThat(connection.isOpen()).isTrue();
      assertThat(proxy.requests("PING")).hasSize(1);
      proxy.deliver();
      proxy.cut();
    }
  }

  @Test
  void holdsOneRequestOrItsReply() throws Exception {
    StatefulRedisConnection<String, String> connection = client.connect();
    RedisCommands<String, String> other = client.connect().sync();
    String key = "proxy-it:held:" + proxy.port();

    Hold request = proxy.hold(Direction.UPSTREAM, seen -> seen.toString().equals("APPEND " + key));
    RedisFuture<Long> late = connection.async().append(key, "a");
    assertThat(request.await(Duration.ofSeconds(5))).isTrue();
    assertThat(other.get(key)).isNull();
    request.release();
    assertThat(late.get(5, TimeUnit.SECONDS)).isEqualTo(1);

    Hold reply = proxy.hold(Direction.DOWNSTREAM, seen -> seen.command().equals("APPEND"));
    RedisFuture<Long> unheard = connection.async().append(key, "b");
    assertThat(reply.await(Duration.ofSeconds(5))).isTrue();
    Awaitility.await().until(() -> "ab".equals(other.get(key)));
    assertThat(unheard.isDone()).isFalse();
    reply.release();
    assertThat(unheard.get(5, TimeUnit.SECONDS)).isEqualTo(2);
    other.del(key);
  }

  @Test
  void faultsOfSubscribersLeaveOthersAlone() throws Exception {
    StatefulRedisConnection<String, String> other = client.connect();
    StatefulRedisPubSubConnection<String, String> subscriber = client.connectPubSub();
    BlockingQueue<String> heard = listen(subscriber);
    String channel = "proxy-it:" + proxy.port();
    subscriber.sync().subscribe(channel);

    proxy.delayReplies(Duration.ofMillis(300), Links.PUSHES);
    long start = System.nanoTime();
    other.sync().publish(channel, "late");
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofMillis(200));
    assertThat(heard.poll(5, TimeUnit.SECONDS)).isEqualTo("late");
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThan(Duration.ofMillis(290));
    proxy.delayReplies(Duration.ZERO, Links.PUSHES);

    proxy.swallow(Direction.DOWNSTREAM, Links.PUSHES);
    other.sync().publish(channel, "swallowed");
    assertThat(heard.poll(200, TimeUnit.MILLISECONDS)).isNull();
    proxy.deliver();
    other.sync().publish(channel, "to one that stays deaf");
    assertThat(heard.poll(200, TimeUnit.MILLISECONDS)).isNull();
    assertThat(subscriber.isOpen()).isTrue();

    proxy.cut(Links.PUSHES);
    Awaitility.await().until(() -> !subscriber.isOpen());
    assertThat(other.isOpen()).isTrue();
  }

  @Test
  void dropsOneMessageAndNothingElse() throws Exception {
    StatefulRedisConnection<String, String> other = client.connect();
    StatefulRedisPubSubConnection<String, String> subscriber = client.connectPubSub();
    BlockingQueue<String> heard = listen(subscriber);
    String channel = "proxy-it:dropped:" + proxy.port();
    subscriber.sync().subscribe(channel);
    Drop drop =
        proxy.drop(push -> push.channel().equals(channel) && push.message().startsWith("2"));
    for (String message : List.of("1", "2" + "x".repeat(100_000), "2 again", "3")) {
      other.sync().publish(channel, message);
      // Replies stand between the messages on the same connection.
      assertThat(subscriber.sync().ping()).isEqualTo("PONG");
    }
    assertThat(drop.await(Duration.ofSeconds(5))).isTrue();
    assertThat(heard).containsExactly("1", "2 again", "3");
  }

  private static BlockingQueue<String> listen(
      StatefulRedisPubSubConnection<String, String> subscriber) {
    BlockingQueue<String> heard = new LinkedBlockingQueue<>();
    subscriber.addListener(
        new RedisPubSubAdapter<>() {
          @Override
          public void message(String from, String message) {
            heard.add(message);
          }
        });
    return heard;
  }
}
