package io.heddle.redis;

/**
 * How Redis is.
 *
 * @param policy {@code maxmemory-policy}; anything but {@code noeviction} may lose sessions
 * @param maxMemory bytes, 0 for no bound
 */
public record RedisStatus(String version, String policy, long maxMemory, long usedMemory) {

  static RedisStatus of(String server, String memory) {
    return new RedisStatus(
        field(server, "redis_version"),
        field(memory, "maxmemory_policy"),
        Long.parseLong(field(memory, "maxmemory")),
        Long.parseLong(field(memory, "used_memory")));
  }

  /** The major version in an answer to {@code INFO server}. */
  static int major(String server) {
    return Integer.parseInt(field(server, "redis_version").split("\\.", 2)[0]);
  }

  private static String field(String info, String name) {
    return info.lines()
        .filter(line -> line.startsWith(name + ":"))
        .map(line -> line.substring(name.length() + 1).strip())
        .findFirst()
        .orElse("0");
  }
}
