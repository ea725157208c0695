package io.heddle.testing;

import static org.assertj.core.api.Assertions.assertThat;

import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.api.StatefulRedisConnection;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class TestRedisIT {
  @Test
  void oneRedisOfSevenOrNewerForATestClass() {
    assertThat(TestRedis.uri(TestRedisIT.class))
        .isEqualTo(TestRedis.uri(TestRedisIT.class))
        .startsWith("redis");
    assertThat(TestRedis.origin(TestRedisIT.class)).isNotBlank();
    RedisClient client = RedisClient.create(RedisURI.create(TestRedis.uri(TestRedisIT.class)));
    try (StatefulRedisConnection<String, String> connection = client.connect()) {
      assertThat(connection.sync().info("server"))
          .containsPattern("redis_version:([7-9]|[1-9]\\d)\\.");
    } finally {
      client.shutdown(Duration.ZERO, Duration.ofSeconds(2));
    }
  }
}
