package io.heddle.redis;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;
import java.util.function.Predicate;

/** Tells tests outside this package which script a request to Redis runs. */
public final class Scripts {
  private Scripts() {}

  /** The script's file name without its ending, or the sha itself when it is none of ours. */
  public static String name(String sha) {
    return name(script -> script.sha().equals(sha), sha);
  }

  /** The same of a script that is sent whole. */
  public static String nameOfSource(String source) {
    byte[] sent = source.getBytes(StandardCharsets.UTF_8);
    return name(script -> Arrays.equals(script.source(), sent), "other");
  }

  private static String name(Predicate<RedisScript> which, String otherwise) {
    return Arrays.stream(RedisScript.values())
        .filter(which)
        .map(script -> script.name().toLowerCase(Locale.ROOT).replace('_', '-'))
        .findFirst()
        .orElse(otherwise);
  }

  /** What EVALSHA calls the script of this file name. */
  public static String sha(String name) {
    return RedisScript.valueOf(name.toUpperCase(Locale.ROOT).replace('-', '_')).sha();
  }
}
