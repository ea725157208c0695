package io.heddle;

import io.heddle.settings.CommandLine;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.context.properties.ConfigurationPropertiesScan;
import org.springframework.boot.data.redis.autoconfigure.DataRedisAutoConfiguration;
import org.springframework.boot.data.redis.autoconfigure.DataRedisReactiveAutoConfiguration;
import org.springframework.boot.data.redis.autoconfigure.DataRedisRepositoriesAutoConfiguration;
import org.springframework.boot.data.redis.autoconfigure.health.DataRedisHealthContributorAutoConfiguration;
import org.springframework.boot.data.redis.autoconfigure.health.DataRedisReactiveHealthContributorAutoConfiguration;
import org.springframework.boot.data.redis.autoconfigure.observation.LettuceObservationAutoConfiguration;
import reactor.netty.ReactorNetty;

/**
 * Starts Heddle. Boot's own configuration of Redis is taken only by {@code RedisConfiguration}, and
 * of it only the connection: its templates, its health and its observation of every command would
 * cost something and are not used.
 */
@SpringBootApplication(
    exclude = {
      DataRedisAutoConfiguration.class,
      DataRedisReactiveAutoConfiguration.class,
      DataRedisRepositoriesAutoConfiguration.class,
      DataRedisHealthContributorAutoConfiguration.class,
      DataRedisReactiveHealthContributorAutoConfiguration.class,
      LettuceObservationAutoConfiguration.class
    })
@ConfigurationPropertiesScan
public class HeddleApplication {

  public static void main(String[] args) {
    if (!CommandLine.answer(args)) {
      oneEventLoopACore();
      SpringApplication.run(HeddleApplication.class, args);
    }
  }

  /**
   * Reactor Netty makes at least four. With fewer cores than that they take turns, and each wakes
   * up for less work: on two cores a model call costs 7 % more CPU.
   */
  private static void oneEventLoopACore() {
    if (System.getProperty(ReactorNetty.IO_WORKER_COUNT) == null) {
      int cores = Math.max(2, Runtime.getRuntime().availableProcessors());
      System.setProperty(ReactorNetty.IO_WORKER_COUNT, Integer.toString(cores));
    }
  }
}
