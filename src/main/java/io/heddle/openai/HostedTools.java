package io.heddle.openai;

/** What becomes of tools that OpenAI's own servers or models have, and Heddle has not. */
public enum HostedTools {
  /** A request with one is refused, by the type's name. */
  REFUSE,
  /** They are left out: the model is told of the client's functions only. */
  DROP
}
