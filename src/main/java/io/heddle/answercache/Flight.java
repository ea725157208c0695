package io.heddle.answercache;

/** What becomes of one of many who want the same answer at the same time. */
public sealed interface Flight {

  /** There is one, perhaps computed by another meanwhile. */
  record Found(AnswerStore.Answer answer) implements Flight {}

  /**
   * The caller is to compute it, and nobody else is while its lease lasts.
   *
   * @param owner names the claim
   */
  record Compute(String owner) implements Flight {}

  /** Somebody computes it, and the caller's time is over. */
  record Busy() implements Flight {}
}
