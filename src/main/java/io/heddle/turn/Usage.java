package io.heddle.turn;

import io.heddle.json.JsonWriter;

/**
 * Tokens of one model call.
 *
 * @param cached of the input, those the server had ready
 * @param reasoning of the output, those nobody sees
 */
public record Usage(long input, long output, long cached, long reasoning) {

  public long total() {
    return input + output;
  }

  /** Writes the object of the native API. */
  public void writeTo(JsonWriter out) {
    out.ascii("{\"inputTokens\":").number(input);
    out.ascii(",\"outputTokens\":").number(output);
    out.ascii(",\"cachedTokens\":").number(cached);
    out.ascii(",\"reasoningTokens\":").number(reasoning);
    out.ascii(",\"totalTokens\":").number(total()).ascii("}");
  }
}
