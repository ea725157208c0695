package io.heddle.upstream;

import io.heddle.turn.Usage;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Tokens as Anthropic counts them: what was read from its cache, or written to it, is not among the
 * input. The beginning of a stream knows the input, its end the output; counts are of the whole
 * answer so far.
 */
final class AnthropicUsage {

  private static final String INPUT = "input_tokens";
  private static final String WRITTEN = "cache_creation_input_tokens";
  private static final String READ = "cache_read_input_tokens";
  private static final String OUTPUT = "output_tokens";
  private static final String THINKING = "thinking_tokens";

  private final Map<String, Long> counts = new HashMap<>();

  /** Takes what the server counts now. */
  void add(Members usage) {
    add(usage, INPUT, WRITTEN, READ, OUTPUT);
    add(usage.inner("output_tokens_details"), THINKING);
  }

  private void add(Members usage, String... names) {
    for (String name : names) {
      if (usage.has(name)) {
        // Some servers say 0 at the end of what they do not count there.
        counts.merge(name, usage.count(name), (before, later) -> later > 0 ? later : before);
      }
    }
  }

  private long of(String name) {
    return counts.getOrDefault(name, 0L);
  }

  /** Null when nothing was counted. */
  @Nullable Usage toUsage() {
    return counts.containsKey(INPUT) || counts.containsKey(OUTPUT)
        ? new Usage(of(INPUT) + of(WRITTEN) + of(READ), of(OUTPUT), of(READ), of(THINKING))
        : null;
  }
}
