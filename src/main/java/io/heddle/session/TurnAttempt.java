package io.heddle.session;

/** One model call of a turn, and the fence of its owner: {@code <turn>/<attempt>}. */
public record TurnAttempt(String turn, int attempt) {

  @Override
  public String toString() {
    return turn + "/" + attempt;
  }
}
