package io.heddle.turn;

import io.heddle.json.Json;
import io.heddle.json.JsonWriter;
import io.heddle.session.Turn;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

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
    if (model != null) {
      out.ascii(",\"model\":").string(model);
    }
    if (instructions != null) {
      out.ascii(",\"instructions\":").string(instructions);
    }
    if (!prompt.isEmpty()) {
      String before = ",\"prompt\":[";
      for (Json message : prompt) {
        out.ascii(before).raw(message);
        before = ",";
      }
      out.ascii("]");
    }
    if (compactAt > 0) {
      out.ascii(",\"compactAt\":").number(compactAt);
    }
    if (cacheFor != null) {
      out.ascii(",\"cacheFor\":").number(cacheFor.toSeconds());
    }
    if (fingerprint != null) {
      out.ascii(",\"fingerprint\":").string(fingerprint);
    }
    if (reserved != null) {
      out.ascii(",\"reserved\":").raw(reserved);
      out.ascii(",\"inputTokens\":").number(inputTokens);
    }
    return out.ascii("}").toJson();
  }

  static TurnRequest parse(Json stored) {
    byte[] utf8 = stored.utf8();
    String model = null;
    String instructions = null;
    String fingerprint = null;
    Duration cacheFor = null;
    Json parameters = Json.EMPTY_OBJECT;
    Json notes = Json.EMPTY_OBJECT;
    Json reserved = null;
    long inputTokens = 0;
    long compactAt = 0;
    List<Json> prompt = new ArrayList<>(0);
    try (JsonParser in = ModelEventCodec.parser(utf8)) {
      in.nextToken();
      while (in.nextToken() == JsonToken.PROPERTY_NAME) {
        String name = in.currentName();
        JsonToken value = in.nextToken();
        switch (name) {
          case "model" -> model = in.getValueAsString();
          case "instructions" -> instructions = in.getValueAsString();
          case "fingerprint" -> fingerprint = in.getValueAsString();
          case "cacheFor" -> cacheFor = Duration.ofSeconds(in.getLongValue());
          case "parameters" -> parameters = ModelEventCodec.raw(in, utf8);
          case "notes" -> notes = ModelEventCodec.raw(in, utf8);
          case "reserved" -> reserved = ModelEventCodec.raw(in, utf8);
          case "prompt" -> {
            while (value == JsonToken.START_ARRAY && in.nextToken() != JsonToken.END_ARRAY) {
              prompt.add(ModelEventCodec.raw(in, utf8));
            }
          }
          case "inputTokens" -> inputTokens = in.getLongValue();
          case "compactAt" -> compactAt = in.getLongValue();
          default -> {
            if (value.isStructStart()) {
              in.skipChildren();
            }
          }
        }
      }
    } catch (JacksonException _) {
      return NOTHING;
    }
    return new TurnRequest(
        model,
        instructions,
        parameters,
        cacheFor,
        notes,
        fingerprint,
        reserved,
        inputTokens,
        prompt,
        compactAt);
  }
}
