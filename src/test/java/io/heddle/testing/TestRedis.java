package io.heddle.testing;

import com.github.dockerjava.api.DockerClient;
import com.github.dockerjava.api.exception.NotFoundException;
import com.redis.testcontainers.RedisContainer;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.utility.DockerImageName;

/**
 * A Redis for each test class, started at its first use and ended with the JVM: classes run side by
 * side, and a replica of one of them looks after the sessions and turns of whoever is on its Redis.
 * Tests of one class keep apart by their session ids; who needs to kill, configure or flush a
 * server starts a {@link RedisProcess} instead.
 *
 * <p>The first of these that can be had, and the one taken is printed:
 *
 * <ol>
 *   <li>the environment's {@code HEDDLE_TEST_REDIS}, a {@code redis://} URI. Never {@code
 *       REDIS_URL}: that is a developer's own, and tests leave their data behind. It is one for
 *       all, so run one class after the other then: {@code
 *       -Djunit.jupiter.execution.parallel.enabled=false};
 *   <li>a container, when Docker answers: image {@code -Dheddle.test.redis-image}, default redis:7;
 *   <li>{@code redis-server} on the PATH;
 *   <li>Redis 7.0 out of the embedded-redis jar.
 * </ol>
 *
 * <p>{@code -Dheddle.test.redis=docker} takes the container and nothing else, and fails without it.
 */
public final class TestRedis {
  private record Server(String uri, String origin) {}

  private static final Map<Class<?>, Server> SERVERS = new ConcurrentHashMap<>();

  private TestRedis() {}

  /** {@code redis://host:port} of this test class's own. */
  public static String uri(Class<?> test) {
    return server(test).uri();
  }

  /** Where it came from, in words. */
  public static String origin(Class<?> test) {
    return server(test).origin();
  }

  private static Server server(Class<?> test) {
    return SERVERS.computeIfAbsent(test, TestRedis::find);
  }

  private static Server find(Class<?> test) {
    Server server = choose();
    System.out.println(
        test.getSimpleName() + " uses Redis at " + server.uri() + ": " + server.origin());
    return server;
  }

  private static Server choose() {
    boolean dockerOnly = "docker".equals(System.getProperty("heddle.test.redis"));
    String configured = System.getenv("HEDDLE_TEST_REDIS");
    if (!dockerOnly && configured != null && !configured.isBlank()) {
      return new Server(configured.strip(), "HEDDLE_TEST_REDIS");
    }
    Optional<Server> container = container(dockerOnly);
    if (container.isPresent()) {
      return container.get();
    }
    if (dockerOnly) {
      throw new IllegalStateException(
          "-Dheddle.test.redis=docker is set and Docker does not answer");
    }
    Optional<Path> onPath = RedisBinary.onPath();
    return onPath.isPresent()
        ? process(onPath.get(), onPath.get().toString())
        : process(RedisBinary.embedded(), "Redis 7.0 of the embedded-redis jar");
  }

  private static Server process(Path binary, String origin) {
    // Ended by RedisProcess's own shutdown hook.
    return new Server(RedisProcess.start(binary, FreePort.find()).uri(), origin);
  }

  private static Optional<Server> container(boolean required) {
    if (!DockerClientFactory.instance().isDockerAvailable()) {
      return Optional.empty();
    }
    String image = System.getProperty("heddle.test.redis-image", "redis:7");
    RedisContainer container =
        new RedisContainer(DockerImageName.parse(image).asCompatibleSubstituteFor("redis"));
    try {
      fetch(image);
      container.start();
    } catch (RuntimeException e) {
      container.stop();
      if (required) {
        throw e;
      }
      System.out.println("Docker answers, but not with a Redis of image " + image + ": " + e);
      return Optional.empty();
    }
    Runtime.getRuntime().addShutdownHook(new Thread(container::stop, "redis-container-cleaner"));
    return Optional.of(new Server(container.getRedisURI(), "container of image " + image));
  }

  /**
   * One attempt: left to itself, Testcontainers tries to pull for two minutes without a network.
   */
  private static void fetch(String image) {
    DockerClient docker = DockerClientFactory.lazyClient();
    try {
      docker.inspectImageCmd(image).exec();
    } catch (NotFoundException notHere) {
      pull(docker, image);
    }
  }

  private static void pull(DockerClient docker, String image) {
    try {
      if (!docker.pullImageCmd(image).start().awaitCompletion(3, TimeUnit.MINUTES)) {
        throw new IllegalStateException("The image was not pulled within three minutes");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }
}
