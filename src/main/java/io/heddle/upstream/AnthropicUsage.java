package io.heddle.upstream;

import io.heddle.turn.Usage;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/**
 * Tokens as Anthropic counts them: what was read from its cache, or written to it, is not among the
 * input. A count is -1 where the server does not say: the beginning of a stream knows the input,
 * its end the output.
 */
record AnthropicUsage(long input, long written, long read, long output, long thinking) {

  static final AnthropicUsage NONE = new AnthropicUsage(-1, -1, -1, -1, -1);

  /** Of the object that the parser stands at. */
  static AnthropicUsage read(JsonParser in) {
    long input = -1;
    long written = -1;
    long read = -1;
    long output = -1;
    long thinking = -1;
    while (in.nextToken() != JsonToken.END_OBJECT) {
      String name = in.currentName();
      in.nextToken();
      switch (name) {
        case "input_tokens" -> input = count(in);
        case "cache_creation_input_tokens" -> written = count(in);
        case "cache_read_input_tokens" -> read = count(in);
        case "output_tokens" -> output = count(in);
        case "output_tokens_details" -> thinking = thinking(in);
        default -> in.skipChildren();
      }
    }
    return new AnthropicUsage(input, written, read, output, thinking);
  }

  private static long thinking(JsonParser in) {
    long count = -1;
    if (in.currentToken() == JsonToken.START_OBJECT) {
      while (in.nextToken() != JsonToken.END_OBJECT) {
        String name = in.currentName();
        in.nextToken();
        if (name.equals("thinking_tokens")) {
          count = count(in);
        } else {
          in.skipChildren();
        }
      }
    }
    in.skipChildren();
    return count;
  }

  private static long count(JsonParser in) {
    return in.currentToken() == JsonToken.VALUE_NULL ? -1 : LenientValues.number(in);
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
