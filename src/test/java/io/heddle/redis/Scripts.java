package io.heddle.redis;

import java.util.Arrays;
import java.util.Locale;

/** Tells tests outside this package which script a request to Redis runs. */
public final class Scripts {
  private Scripts() {}

  /** The script's file name without its ending, or the sha itself when it is none of ours. */
  public static String name(String sha) {
    return Arrays.stream(RedisScript.values())
        .filter(script -> script.sha().equals(sha))
        .map(script -> script.name().toLowerCase(Locale.ROOT).replace('_', '-'))
        .findFirst()
        .orElse(sha);
  }

  /** What EVALSHA calls the script of this file name. */
  public static String sha(String name) {
    return RedisScript.valueOf(name.toUpperCase(Locale.ROOT).replace('-', '_')).sha();
  }
}
