package io.heddle.turn;

import io.heddle.json.Json;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One request to a model.
 *
 * @param model null for the default one
 * @param system instructions before all messages, or null
 * @param messages bodies of stored messages, oldest first: objects with {@code role}, {@code
 *     content} (text, parts or null), {@code name}, {@code toolCalls}, {@code toolCallId}, and
 *     members that a model is not told ({@code status}, {@code metadata}, {@code turn})
 * @param parameters an object of what Chat Completions takes beside model, messages and streaming
 *     ({@code temperature}, {@code tools}, {@code max_tokens} …), passed on as it is
 * @param turn names the call in logs
 * @param user whom it is for, or null: a model's server is not judged by one user's calls
 * @param stream whether the answer is heard as it grows; otherwise it may come in one piece
 */
public record ModelCall(
    @Nullable String model,
    @Nullable String system,
    List<Json> messages,
    Json parameters,
    String turn,
    @Nullable String user,
    boolean stream) {

  /** A streamed one of nobody in particular. */
  public ModelCall(
      @Nullable String model,
      @Nullable String system,
      List<Json> messages,
      Json parameters,
      String turn) {
    this(model, system, messages, parameters, turn, null, true);
  }

  public ModelCall of(@Nullable String caller) {
    return new ModelCall(model, system, messages, parameters, turn, caller, stream);
  }

  /** The same with an answer in one piece, where the model's server gives one. */
  public ModelCall withoutStream() {
    return new ModelCall(model, system, messages, parameters, turn, user, false);
  }
}
