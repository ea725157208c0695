package io.heddle.upstream;

import io.heddle.turn.Usage;
import org.jspecify.annotations.Nullable;

/**
 * Tokens as Anthropic counts them: what was read from its cache, or written to it, is not among the
 * input. A count is -1 where the server does not say: the beginning of a stream knows the input,
 * its end the output.
 */
record AnthropicUsage(long input, long written, long read, long output, long thinking) {

  static final AnthropicUsage NONE = new AnthropicUsage(-1, -1, -1, -1, -1);

  static AnthropicUsage of(Members usage) {
    return new AnthropicUsage(
        count(usage, "input_tokens"),
        count(usage, "cache_creation_input_tokens"),
        count(usage, "cache_read_input_tokens"),
        count(usage, "output_tokens"),
        count(usage.inner("output_tokens_details"), "thinking_tokens"));
  }

  private static long count(Members usage, String name) {
    return usage.has(name) ? usage.count(name) : -1;
  }

  /** The same with what was said later: counts are of the whole answer so far. */
  AnthropicUsage with(AnthropicUsage later) {
    return new AnthropicUsage(
        later(input, later.input),
        later(written, later.written),
        later(read, later.read),
        later(output, later.output),
        later(thinking, later.thinking));
  }

  private static long later(long before, long later) {
    // Some servers say 0 at the end of what they do not count there.
    return later > 0 || before < 0 ? later : before;
  }

  /** Null when nothing was counted. */
  @Nullable Usage toUsage() {
    if (input < 0 && output < 0) {
      return null;
    }
    long cached = Math.max(0, read);
    return new Usage(
        Math.max(0, input) + Math.max(0, written) + cached,
        Math.max(0, output),
        cached,
        Math.max(0, thinking));
  }
}
