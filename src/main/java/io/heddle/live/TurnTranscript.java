package io.heddle.live;

import io.heddle.base.SessionKey;
import io.heddle.json.Json;
import io.heddle.live.Frame.Spoken;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** What one turn has said so far, put together from the events of its log. */
final class TurnTranscript {

  private final SessionKey key;
  private final String turn;
  private final StringBuilder text = new StringBuilder();
  private final StringBuilder reasoning = new StringBuilder(0);
  private final StringBuilder refusal = new StringBuilder(0);
  private final SortedMap<Integer, Call> calls = new TreeMap<>();
  private long seq;

  private static final class Call {
    private @Nullable String id;
    private @Nullable String name;
    private boolean custom;
    private final StringBuilder arguments = new StringBuilder();
  }

  TurnTranscript(SessionKey key, String turn) {
    this.key = key;
    this.turn = turn;
  }

  String turn() {
    return turn;
  }

  /** Of the last event. */
  long seq() {
    return seq;
  }

  /**
   * Adds the next event; its frame.
   *
   * @param version as {@link Spoken} has it
   */
  Frame add(JsonNode event, long version) {
    Spoken spoken = new Spoken(turn, ++seq, version);
    JsonNode call = event.path("toolCall");
    if (call.isObject()) {
      TurnFrames.ToolCall bit =
          new TurnFrames.ToolCall(
              call.path("index").asInt(0),
              string(call.path("id")),
              string(call.path("name")),
              call.path("arguments").asString(""),
              call.path("type").asString("").equals("custom"));
      add(bit);
      return Frame.spoken(TurnFrames.TOOL_CALL, spoken, TurnFrames.toolCall(key, turn, seq, bit));
    }
    if (event.has("reasoning")) {
      return add(TurnFrames.REASONING, reasoning, event.path("reasoning"), spoken);
    }
    if (event.has("refusal")) {
      return add(TurnFrames.REFUSAL, refusal, event.path("refusal"), spoken);
    }
    return add(TurnFrames.DELTA, text, event.path("text"), spoken);
  }

  private Frame add(String type, StringBuilder to, JsonNode value, Spoken spoken) {
    String bit = value.asString("");
    to.append(bit);
    return Frame.spoken(type, spoken, TurnFrames.bit(key, turn, seq, type, bit));
  }

  private void add(TurnFrames.ToolCall bit) {
    Call call = calls.computeIfAbsent(bit.index(), _ -> new Call());
    call.id = bit.id() == null ? call.id : bit.id();
    call.name = bit.name() == null ? call.name : bit.name();
    call.custom |= bit.custom();
    call.arguments.append(bit.arguments());
  }

  /** All of it. */
  Frame soFar(long version) {
    List<TurnFrames.ToolCall> whole = new ArrayList<>(calls.size());
    calls.forEach((index, call) ->
        whole.add(
            new TurnFrames.ToolCall(
                index, call.id, call.name, call.arguments.toString(), call.custom)));
    Json json =
        TurnFrames.text(
            key, turn, seq, text.toString(), reasoning.toString(), refusal.toString(), whole);
    return Frame.spoken(TurnFrames.TEXT, new Spoken(turn, seq, version), json);
  }

  private static @Nullable String string(JsonNode node) {
    return node.isString() ? node.stringValue() : null;
  }
}
