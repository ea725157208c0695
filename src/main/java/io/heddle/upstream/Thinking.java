package io.heddle.upstream;

/** How a model of Anthropic Messages is told to think. */
public enum Thinking {
  /** As its name says. */
  AUTO,
  /** By the most tokens of its thoughts. */
  BUDGET,
  /** By an effort: it decides how much it thinks. */
  ADAPTIVE
}
