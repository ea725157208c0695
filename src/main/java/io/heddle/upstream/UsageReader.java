package io.heddle.upstream;

import io.heddle.turn.Usage;
import java.util.EnumMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/** Reads what an answer cost, under the names that servers have for it. */
final class UsageReader {

  private enum Count {
    INPUT,
    OUTPUT,
    TOTAL,
    CACHED,
    REASONED
  }

  /** What is counted under a name. Of several names for one thing the most counts. */
  private static final Map<String, Count> NAMES =
      Map.of(
          "prompt_tokens", Count.INPUT,
          "input_tokens", Count.INPUT,
          "completion_tokens", Count.OUTPUT,
          "output_tokens", Count.OUTPUT,
          "total_tokens", Count.TOTAL,
          "cached_tokens", Count.CACHED,
          "prompt_cache_hit_tokens", Count.CACHED,
          "reasoning_tokens", Count.REASONED);

  /** Objects, and which of these names counts in each. */
  private static final Map<String, String> DETAILS =
      Map.of(
          "prompt_tokens_details", "cached_tokens",
          "input_tokens_details", "cached_tokens",
          "completion_tokens_details", "reasoning_tokens",
          "output_tokens_details", "reasoning_tokens");

  private UsageReader() {}

  /**
   * Reads the value that a parser of these bytes stands at, if it is an object.
   *
   * @param before what was said before: one without any number may follow the one that counts
   */
  static @Nullable Usage read(JsonParser in, byte[] json, @Nullable Usage before) {
    if (in.currentToken() != JsonToken.START_OBJECT) {
      in.skipChildren();
      return before;
    }
    Usage usage = read(Members.of(ServerJson.value(in, json)));
    return usage == null || before != null && usage.total() == 0 ? before : usage;
  }

  /** Null when nothing is counted. */
  static @Nullable Usage read(Members usage) {
    Map<Count, Long> counts = new EnumMap<>(Count.class);
    usage
        .all()
        .forEach((name, value) -> {
          String detail = DETAILS.get(name);
          Count kind = NAMES.get(detail == null ? name : detail);
          if (kind != null) {
            long count = detail == null ? usage.count(name) : Members.of(value).count(detail);
            counts.merge(kind, count, Math::max);
          }
        });
    if (counts.isEmpty()) {
      return null;
    }
    long input = counts.getOrDefault(Count.INPUT, 0L);
    long output = counts.getOrDefault(Count.OUTPUT, 0L);
    long cached = counts.getOrDefault(Count.CACHED, 0L);
    long more = counts.getOrDefault(Count.TOTAL, 0L) - input - output;
    if (more > 0 && more == cached && output > 0) {
      // Some servers leave what they had in their cache out of the input.
      input += more;
    } else if (more > 0) {
      // Others leave thoughts out of the output.
      output += more;
    }
    return new Usage(input, output, cached, counts.getOrDefault(Count.REASONED, 0L));
  }
}
