package io.heddle.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisCommandTimeoutException;
import io.lettuce.core.RedisURI;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.sync.RedisCommands;
import java.time.Duration;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class RedisProcessIT {
  private final RedisClient client = RedisClient.create();

  @AfterEach
  void shutDown() {
    client.shutdown(Duration.ZERO, Duration.ofSeconds(2));
  }

  @Test
  void comesBackOnItsPortWithWhatItsFileHeld() {
    try (RedisProcess redis =
        RedisProcess.start("--appendonly", "yes", "--appendfsync", "always")) {
      int port = redis.port();
      assertThat(with(redis, commands -> commands.set("k", "v"))).isEqualTo("OK");

      redis.kill();
      assertThat(redis.isAlive()).isFalse();
      redis.restart();

      assertThat(redis.port()).isEqualTo(port);
      assertThat(with(redis, commands -> commands.get("k"))).isEqualTo("v");
    }
  }

  @Test
  void withoutAFileItComesBackEmpty() {
    try (RedisProcess redis = RedisProcess.start()) {
      String unused = with(redis, commands -> commands.set("k", "v"));
      redis.stop();
      redis.restart();
      assertThat(with(redis, commands -> commands.dbsize().toString())).isEqualTo("0");
    }
  }

  @Test
  void frozenItKeepsConnectionsAndDoesNotAnswer() {
    try (RedisProcess redis = RedisProcess.start();
        StatefulRedisConnection<String, String> connection =
            client.connect(RedisURI.create(redis.uri()))) {
      connection.setTimeout(Duration.ofMillis(200));
      redis.pause();
      assertThatThrownBy(() -> connection.sync().ping())
          .isInstanceOf(RedisCommandTimeoutException.class);
      assertThat(connection.isOpen()).isTrue();
      redis.resume();
      connection.setTimeout(Duration.ofSeconds(5));
      assertThat(connection.sync().ping()).isEqualTo("PONG");
    }
  }

  @Test
  void aServerThatCannotStartSaysWhy() {
    assertThatThrownBy(() -> RedisProcess.start("--no-such-option", "1"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("no-such-option");
  }

  @Test
  void theBinaryOfTheJarRuns() {
    try (RedisProcess redis = RedisProcess.start(RedisBinary.embedded(), FreePort.find())) {
      assertThat(with(redis, commands -> commands.info("server"))).contains("redis_version:7.0.15");
    }
  }

  private String with(RedisProcess redis, Function<RedisCommands<String, String>, String> work) {
    try (StatefulRedisConnection<String, String> connection =
        client.connect(RedisURI.create(redis.uri()))) {
      return work.apply(connection.sync());
    }
  }
}
