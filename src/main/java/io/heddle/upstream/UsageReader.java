package io.heddle.upstream;

import io.heddle.turn.Usage;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/** Reads what an answer cost, under the names that servers have for it. */
final class UsageReader {

  private UsageReader() {}

  /**
   * Reads the object that the parser stands at, if it is one.
   *
   * @param before what was said before: one without any number may follow the one that counts
   */
  static @Nullable Usage read(JsonParser in, @Nullable Usage before) {
    if (in.currentToken() != JsonToken.START_OBJECT) {
      in.skipChildren();
      return before;
    }
    boolean known = false;
    long input = 0;
    long output = 0;
    long total = 0;
    long cached = 0;
    long reasoned = 0;
    while (in.nextToken() != JsonToken.END_OBJECT) {
      String name = in.currentName();
      in.nextToken();
      boolean counts = true;
      switch (name) {
        case "prompt_tokens", "input_tokens" -> input = Math.max(input, LenientValues.number(in));
        case "completion_tokens", "output_tokens" ->
            output = Math.max(output, LenientValues.number(in));
        case "total_tokens" -> total = LenientValues.number(in);
        case "cached_tokens", "prompt_cache_hit_tokens" ->
            cached = Math.max(cached, LenientValues.number(in));
        case "reasoning_tokens" -> reasoned = Math.max(reasoned, LenientValues.number(in));
        case "prompt_tokens_details", "input_tokens_details" ->
            cached = Math.max(cached, detail(in, "cached_tokens"));
        case "completion_tokens_details", "output_tokens_details" ->
            reasoned = Math.max(reasoned, detail(in, "reasoning_tokens"));
        default -> {
          in.skipChildren();
          counts = false;
        }
      }
      known |= counts;
    }
    long more = total - input - output;
    if (more > 0 && more == cached && output > 0) {
      // Some servers leave what they had in their cache out of the input.
      input += more;
    } else if (more > 0) {
      // Others leave thoughts out of the output.
      output += more;
    }
    return known && (before == null || input + output > 0)
        ? new Usage(input, output, cached, reasoned)
        : before;
  }

  /** The same within a member of an object. */
  static @Nullable Usage readWithin(JsonParser in, @Nullable Usage before) {
    if (in.currentToken() != JsonToken.START_OBJECT) {
      in.skipChildren();
      return before;
    }
    Usage usage = before;
    while (in.nextToken() != JsonToken.END_OBJECT) {
      String name = in.currentName();
      in.nextToken();
      if (name.equals("usage")) {
        usage = read(in, usage);
      } else {
        in.skipChildren();
      }
    }
    return usage;
  }

  private static long detail(JsonParser in, String wanted) {
    if (in.currentToken() != JsonToken.START_OBJECT) {
      in.skipChildren();
      return 0;
    }
    long value = 0;
    while (in.nextToken() != JsonToken.END_OBJECT) {
      String name = in.currentName();
      in.nextToken();
      if (name.equals(wanted)) {
        value = LenientValues.number(in);
      } else {
        in.skipChildren();
      }
    }
    return value;
  }
}
