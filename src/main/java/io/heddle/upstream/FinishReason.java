package io.heddle.upstream;

import java.util.Locale;
import java.util.Set;

/** Why a server ended its answer, out of the many words that servers have for it. */
enum FinishReason {
  STOP("stop"),
  TOOL_CALLS("tool_calls"),
  LENGTH("length"),
  CONTENT_FILTER("content_filter"),
  /** The server broke its answer off. */
  FAILURE("error");

  private static final Set<String> COMPLETE = Set.of("stop", "eos", "end_turn", "stop_sequence");
  private static final Set<String> CALLS = Set.of("tool_calls", "tool_use", "function_call");
  private static final Set<String> FILTERS =
      Set.of(
          "filter",
          "safety",
          "recitation",
          "prohibited",
          "spii",
          "sensitive",
          "guardrail",
          "moderation",
          "refusal",
          "block",
          "policy",
          "violation",
          "unsafe",
          "censor");
  private static final Set<String> FAILURES =
      Set.of(
          "error",
          "abort",
          "cancel",
          "fail",
          "timeout",
          "malformed",
          "unexpected",
          "resource",
          "exception",
          "overload",
          "unavailable",
          "interrupt",
          "disconnect",
          "preempt");

  private final String word;

  FinishReason(String word) {
    this.word = word;
  }

  /** A word that is not known never means a whole answer. */
  static FinishReason of(String said) {
    String word = said.toLowerCase(Locale.ROOT);
    if (COMPLETE.contains(word)) {
      return STOP;
    }
    if (CALLS.contains(word)) {
      return TOOL_CALLS;
    }
    if (FILTERS.stream().anyMatch(word::contains)) {
      return CONTENT_FILTER;
    }
    return FAILURES.stream().anyMatch(word::contains) ? FAILURE : LENGTH;
  }

  /** One of the four that clients know. */
  String word() {
    return word;
  }

  boolean isCut() {
    return this == LENGTH || this == CONTENT_FILTER;
  }
}
