package io.heddle.redis;

import io.heddle.session.Change;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Reader of the script files in {@code src/main/resources/redis}. Puts in the parts of {@code lib/}
 * where a file says {@code -- #include} and the numbers that a file names in capitals, and drops
 * comments: they do not go to Redis.
 */
final class ScriptSource {

  private static final String INCLUDE = "-- #include ";

  /** The line of {@code lib/split.lua} that stands for the script which it runs in pieces. */
  private static final String SPLIT = "-- #script";

  private static final Pattern CONSTANT = Pattern.compile("\\b[A-Z]+_[A-Z_]+\\b");

  private ScriptSource() {}

  /** The text that goes to Redis. */
  static String read(String path) {
    return CONSTANT.matcher(expand(path)).replaceAll(name -> Long.toString(constant(name.group())));
  }

  /** The same script in pieces, for a {@link SplitRead}. */
  static String inPieces(String source) {
    // Each piece is a request, so it is as large here as a page may have messages.
    String script =
        source.replace("redis.call", "ask").replaceAll("local few = \\d+", "local few = 250");
    return read("lib/split").replace(SPLIT, script);
  }

  private static String expand(String path) {
    return file(path)
        .lines()
        .map(String::stripLeading)
        .filter(line -> line.startsWith("-- #") || !line.startsWith("--"))
        .map(line ->
            line.startsWith(INCLUDE) ? expand("lib/" + line.substring(INCLUDE.length())) : line)
        .collect(Collectors.joining("\n"));
  }

  private static String file(String path) {
    String file = "/redis/" + path + ".lua";
    try (InputStream in = ScriptSource.class.getResourceAsStream(file)) {
      if (in == null) {
        throw new IllegalStateException("there is no " + file);
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static long constant(String name) {
    return switch (name) {
      case "RECORD_MILLIS", "TOMB_MILLIS", "KEYS_LEFT_MILLIS" -> StoredState.KEYS_OUTLIVE_MILLIS;
      case "KEYS_MORE_MILLIS" -> 2 * StoredState.KEYS_OUTLIVE_MILLIS;
      case "LEASE_MARGIN_MILLIS" -> 10_000;
      case "BUILD_MILLIS" -> 60_000;
      case "MAX_CHANGES", "MAX_NOTES" -> 256;
      case "ENDED_TURNS" -> 100;
      // A turn's random part and a space.
      case "PART_WIDTH" -> 17;
      case "PUBLISHED_BYTES" -> Change.MAX_PUBLISHED_BYTES;
      // Lua's unpack ends near 8,000.
      case "UNPACK_MOST" -> 500;
      default -> throw new IllegalStateException("no script may name " + name);
    };
  }
}
