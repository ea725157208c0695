package io.heddle.turn;

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
}
