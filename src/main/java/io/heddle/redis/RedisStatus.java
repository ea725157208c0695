package io.heddle.redis;

import io.heddle.engine.StoreProbe.Look;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How Redis is.
 *
 * @param policy {@code maxmemory-policy}; anything but {@code noeviction} may lose sessions
 * @param maxMemory bytes, 0 for no bound
 * @param uncounted bytes of the used memory that are not compared with the bound
 */
record RedisStatus(String version, String policy, long maxMemory, long usedMemory, long uncounted) {

  /** Whether it refuses what adds. */
  boolean isFull() {
    return maxMemory > 0 && usedMemory - uncounted > maxMemory;
  }

  /**
   * @param refuses whether a write was refused of late for want of memory
   */
  Look look(boolean refuses) {
    Map<String, Object> details = new LinkedHashMap<>();
    details.put("version", version);
    details.put("usedMemory", usedMemory);
    details.put("maxMemory", maxMemory);
    details.put("maxmemoryPolicy", policy);
    return new Look(details, fault(refuses));
  }

  private @Nullable String fault(boolean refuses) {
    if (!policy.equals("noeviction")) {
      return "maxmemory-policy is "
          + policy
          + ": Redis may throw sessions away; set it to noeviction";
    }
    return isFull() || refuses
        ? "Redis has no memory left (maxmemory): it refuses everything that adds; raise maxmemory"
            + " or delete sessions"
        : null;
  }

  static RedisStatus of(String server, String memory) {
    return new RedisStatus(
        field(server, "redis_version"),
        field(memory, "maxmemory_policy"),
        Long.parseLong(field(memory, "maxmemory")),
        Long.parseLong(field(memory, "used_memory")),
        Long.parseLong(field(memory, "mem_not_counted_for_evict")));
  }

  /** The major version in an answer to {@code INFO server}. */
  static int major(String server) {
    return Integer.parseInt(field(server, "redis_version").split("\\.", 2)[0]);
  }

  /** A field of an answer to {@code INFO}; 0 when the server does not tell it. */
  static String field(String info, String name) {
    return info.lines()
        .filter(line -> line.startsWith(name + ":"))
        .map(line -> line.substring(name.length() + 1).strip())
        .findFirst()
        .orElse("0");
  }
}
