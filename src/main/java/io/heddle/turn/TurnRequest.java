package io.heddle.turn;

import io.heddle.json.InvalidJson;
import io.heddle.json.Json;
import io.heddle.json.JsonValue;
import io.heddle.json.JsonWriter;
import io.heddle.session.Turn;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a turn's record keeps of its {@link TurnSpec}, so that any replica can run it, and settle
 * what was reserved for it.
 *
 * @param notes of the edge that ordered it
 * @param fingerprint see {@link TurnSpec}
 * @param reserved a {@link io.heddle.limit.TokenReservation}, to be settled by who ends the turn;
 *     null when nothing was reserved
 * @param inputTokens how many of those were for the input, by estimate
 * @param prompt see {@link TurnSpec}
 * @param compactAt see {@link TurnSpec}
 */
public record TurnRequest(
    @Nullable String model,
    @Nullable String instructions,
    Json parameters,
    @Nullable Duration cacheFor,
    Json notes,
    @Nullable String fingerprint,
    @Nullable Json reserved,
    long inputTokens,
    List<Json> prompt,
    long compactAt) {

  private static final TurnRequest NOTHING =
      new TurnRequest(
          null, null, Json.EMPTY_OBJECT, null, Json.EMPTY_OBJECT, null, null, 0, List.of(), 0);

  static TurnRequest of(TurnSpec order, @Nullable Json reserved, long inputTokens) {
    return new TurnRequest(
        order.model(),
        order.instructions(),
        order.parameters(),
        order.cacheFor(),
        order.notes(),
        order.fingerprint(),
        reserved,
        inputTokens,
        order.prompt(),
        order.compactAt());
  }

  /** What the record has; a member that cannot be read is as if it had not been given. */
  public static TurnRequest of(Turn turn) {
    return parse(turn.request());
  }

  Json toJson() {
    JsonWriter out = new JsonWriter(128 + parameters.length() + notes.length());
    out.ascii("{\"parameters\":").raw(parameters).ascii(",\"notes\":").raw(notes);
    out.some("model", model);
    out.some("instructions", instructions);
    if (!prompt.isEmpty()) {
      out.name("prompt").array(prompt, (message, to) -> to.raw(message));
    }
    if (compactAt > 0) {
      out.ascii(",\"compactAt\":").number(compactAt);
    }
    if (cacheFor != null) {
      out.ascii(",\"cacheFor\":").number(cacheFor.toSeconds());
    }
    out.some("fingerprint", fingerprint);
    if (reserved != null) {
      out.ascii(",\"reserved\":").raw(reserved);
      out.ascii(",\"inputTokens\":").number(inputTokens);
    }
    return out.ascii("}").toJson();
  }

  static TurnRequest parse(Json stored) {
    try {
      JsonValue all = JsonValue.of(stored);
      return new TurnRequest(
          all.text("model"),
          all.text("instructions"),
          all.raw("parameters", Json.EMPTY_OBJECT),
          all.has("cacheFor") ? Duration.ofSeconds(all.number("cacheFor")) : null,
          all.raw("notes", Json.EMPTY_OBJECT),
          all.text("fingerprint"),
          all.raw("reserved"),
          all.number("inputTokens"),
          all.elements("prompt").stream().map(JsonValue::json).toList(),
          all.number("compactAt"));
    } catch (InvalidJson _) {
      return NOTHING;
    }
  }
}
