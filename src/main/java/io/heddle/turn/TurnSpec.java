package io.heddle.turn;

import io.heddle.json.Json;
import io.heddle.session.NewMessage;
import io.heddle.session.OnBusy;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a caller wants of a turn.
 *
 * @param input messages it adds to the thread, perhaps none
 * @param model null for the session's, or the default one
 * @param instructions in the place of the session's system prompt, for this turn only; or null
 * @param parameters as {@link ModelCall} has them
 * @param cacheFor how old an answer to the same question may be; null to ask the model in any case
 * @param notes an object of the edge that ordered it: kept with the record, told to no model
 * @param fingerprint names the request among those of the session, for {@link Turns#reattach}: of
 *     caller, path and body; or null
 * @param prompt what is told in the place of the instructions: messages, when their text is not all
 *     they say; else none
 * @param compactAt tokens of the prompt from which the thread is summarised first, and the answer
 *     says so; 0 for what the settings say
 */
public record TurnSpec(
    List<NewMessage> input,
    @Nullable String model,
    @Nullable String instructions,
    Json parameters,
    OnBusy onBusy,
    @Nullable Duration cacheFor,
    Json notes,
    @Nullable String fingerprint,
    List<Json> prompt,
    long compactAt) {

  /** Of instructions that are text, without a fingerprint, and compacted as the settings say. */
  public TurnSpec(
      List<NewMessage> input,
      @Nullable String model,
      @Nullable String instructions,
      Json parameters,
      OnBusy onBusy,
      @Nullable Duration cacheFor,
      Json notes) {
    this(input, model, instructions, parameters, onBusy, cacheFor, notes, null, List.of(), 0);
  }
}
