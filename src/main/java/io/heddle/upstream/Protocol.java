package io.heddle.upstream;

import io.heddle.base.Problem;
import io.heddle.turn.ModelCall;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;

/** The form in which one kind of model server is asked, and answers. On any thread. */
interface Protocol {

  /**
   * The headers that every request has, beside those in the settings.
   *
   * @param key from the settings, never empty
   */
  void authorize(HttpHeaders headers, String key);

  /** Adds the headers that the form wants in every request; those in the settings go before. */
  default void addHeaders(HttpHeaders headers) {}

  /** Whether this call's answer is streamed; otherwise nothing is heard before its end. */
  default boolean streams(ModelCall call) {
    return true;
  }

  /**
   * The body of a request.
   *
   * @param model the one to ask, whatever the call says
   */
  byte[] body(String model, ModelCall call);

  /**
   * Another body for the same call, because the server refused the first one; null when there is
   * none that it might take.
   *
   * @param refused what the server said
   */
  default byte @Nullable [] bodyInstead(String model, ModelCall call, Problem refused) {
    return null;
  }

  /** A reader for the answer to this request, of which the form may have to know something. */
  AnswerReader reader(String model, ModelCall call, AnswerAssembler answer);
}
