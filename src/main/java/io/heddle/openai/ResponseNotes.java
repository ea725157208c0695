package io.heddle.openai;

import io.heddle.json.Json;
import io.heddle.json.JsonValue;
import io.heddle.json.JsonWriter;
import io.heddle.session.Turn;
import io.heddle.turn.TurnRequest;

/**
 * What a turn's record keeps of the request for a response, beside what the model is told.
 *
 * @param model as it is shown while nobody knows which model answers
 * @param conversation whether the client named the session; one of its own is never shown
 * @param background whether the client asked not to wait for it
 * @param store whether the response may be asked for later
 * @param shown members of the response that repeat the request
 */
record ResponseNotes(
    String model, boolean conversation, boolean background, boolean store, Json shown) {

  private static final String KIND = "responses";

  Json toJson() {
    return JsonWriter.object(shown.length() + 160)
        .string("wire", KIND)
        .string("model", model)
        .bool("conversation", conversation)
        .bool("background", background)
        .bool("store", store)
        .raw("shown", shown)
        .done();
  }

  /** A turn that was ordered otherwise is a response in a conversation that nobody gave terms. */
  static ResponseNotes of(Turn turn) {
    JsonValue notes = OpenAiJson.object(TurnRequest.of(turn).notes());
    if (!notes.word("wire").equals(KIND)) {
      String model = turn.model() == null ? "" : turn.model();
      Json shown = ResponseRequest.read(OpenAiJson.object(Json.EMPTY_OBJECT)).shown();
      return new ResponseNotes(model, true, false, true, shown);
    }
    return new ResponseNotes(
        notes.word("model"),
        notes.flag("conversation"),
        notes.flag("background"),
        notes.flag("store"),
        ResponseRequest.shownWhole(notes.raw("shown", Json.EMPTY_OBJECT)));
  }
}
