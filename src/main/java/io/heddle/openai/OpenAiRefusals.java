package io.heddle.openai;

import io.heddle.base.Problem;
import io.heddle.web.BytesResponse;

/** Tells a refusal that comes before the routes in the form of this wire. */
public final class OpenAiRefusals {

  private OpenAiRefusals() {}

  public static BytesResponse answer(Problem problem) {
    return WireError.of(problem).answer();
  }
}
