package io.heddle.turn;

import io.heddle.json.Json;
import io.heddle.json.JsonParsers;
import io.heddle.json.JsonWriter;
import io.heddle.session.NewMessage;
import io.heddle.session.TurnId;
import io.heddle.turn.TurnEvent.Said;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Puts the pieces of one answer together, and makes the messages of it that the thread gets. */
public final class AnswerBuilder {

  private final StringBuilder text = new StringBuilder();
  private final StringBuilder reasoning = new StringBuilder();
  private final StringBuilder refusal = new StringBuilder();
  private final Map<Integer, Call> calls = new TreeMap<>();
  private @Nullable Opaque opaque;
  private long length;

  public void add(ModelEvent piece) {
    length += piece.length();
    switch (piece) {
      case ModelEvent.Text(String more) -> text.append(more);
      case ModelEvent.Reasoning(String more) -> reasoning.append(more);
      case ModelEvent.Refusal(String more) -> refusal.append(more);
      case ModelEvent.ToolCall bit -> {
        Call call = calls.computeIfAbsent(bit.index(), _ -> new Call());
        call.id = bit.id() == null ? call.id : bit.id();
        call.name = bit.name() == null ? call.name : bit.name();
        call.custom |= bit.custom();
        call.arguments.append(bit.arguments());
        call.opaque = bit.opaque() == null ? call.opaque : bit.opaque();
      }
      case ModelEvent.Compaction _ -> {}
      case ModelEvent.Finish finish -> opaque = finish.opaque();
    }
  }

  void addAll(List<ModelEvent> pieces) {
    pieces.forEach(this::add);
  }

  /** Characters, about. */
  long length() {
    return length;
  }

  boolean isEmpty() {
    return length == 0;
  }

  public Said said() {
    List<ModelEvent.ToolCall> toolCalls = new ArrayList<>(calls.size());
    calls.forEach((index, call) ->
        toolCalls.add(
            new ModelEvent.ToolCall(
                index, call.id, call.name, call.arguments.toString(), call.opaque, call.custom)));
    return new Said(text.toString(), reasoning.toString(), refusal.toString(), toolCalls);
  }

  /** All that a tokenizer would have counted. */
  String counted() {
    StringBuilder all = new StringBuilder(text).append(reasoning).append(refusal);
    for (Call call : calls.values()) {
      all.append(call.name == null ? "" : call.name).append(call.arguments);
    }
    return all.toString();
  }

  /** The message of an answer that was said to its end. Open tool calls are the client's to do. */
  List<NewMessage> whole(String turn) {
    return List.of(message(turn, "completed", List.copyOf(calls.values())));
  }

  /**
   * What is kept of an answer that was not said to its end. A tool call is kept once its arguments
   * are whole, and is closed, because no model takes a thread with an open one that nobody will
   * ever answer.
   *
   * @param reason why it was cut short, for the model that reads it later
   */
  List<NewMessage> cutShort(String turn, String reason) {
    List<Call> whole = calls.values().stream().filter(Call::isWhole).toList();
    if (text.isEmpty() && refusal.isEmpty() && whole.isEmpty()) {
      return List.of();
    }
    List<NewMessage> messages = new ArrayList<>();
    messages.add(message(turn, "incomplete", whole));
    for (Call call : whole) {
      JsonWriter out = new JsonWriter(160).ascii("{\"role\":\"tool\",\"content\":");
      out.string("This call was not carried out: " + reason + ".").ascii(",\"toolCallId\":");
      out.string(call.id).ascii(",\"status\":\"incomplete\",\"turn\":\"").ascii(turn).ascii("\"}");
      messages.add(new NewMessage(null, out.toJson()));
    }
    return messages;
  }

  /**
   * The bodies of the messages of an answer that no thread gets.
   *
   * @param name stands for the turn
   */
  public List<Json> bodies(String name, boolean whole) {
    List<NewMessage> messages = whole ? whole(name) : cutShort(name, "the answer was cut short");
    return messages.stream().map(NewMessage::body).toList();
  }

  /**
   * An answer has an id of its own that follows from its turn's: a stream names what it tells
   * before the store has given it a place.
   */
  static @Nullable String id(String turn) {
    TurnId id = TurnId.parse(turn);
    return id == null ? null : "msg_" + id.random();
  }

  private NewMessage message(String turn, String status, List<Call> withCalls) {
    JsonWriter out = new JsonWriter(text.length() + reasoning.length() + 256);
    out.ascii("{\"role\":\"assistant\",\"content\":");
    boolean nothing = text.isEmpty() && (!withCalls.isEmpty() || !refusal.isEmpty());
    out.string(nothing ? null : text.toString());
    if (!refusal.isEmpty()) {
      out.ascii(",\"refusal\":").string(refusal.toString());
    }
    if (!reasoning.isEmpty()) {
      out.ascii(",\"reasoning\":").string(reasoning.toString());
    }
    out.ascii(",\"status\":\"").ascii(status).ascii("\"");
    if (!withCalls.isEmpty()) {
      out.name("toolCalls").array(withCalls, Call::writeTo);
    }
    writeOpaque(out, withCalls);
    return new NewMessage(id(turn), out.ascii(",\"turn\":\"").ascii(turn).ascii("\"}").toJson());
  }

  /** For the server that said it, which may want it back. */
  private void writeOpaque(JsonWriter out, List<Call> withCalls) {
    Opaque whole = opaque;
    String reasoning = whole == null ? null : whole.reasoning();
    for (Call call : withCalls) {
      whole = whole == null ? call.opaque : whole;
      reasoning = reasoning == null && call.opaque != null ? call.opaque.reasoning() : reasoning;
    }
    if (whole == null) {
      return;
    }
    Map<String, Json> ofCalls = new LinkedHashMap<>();
    for (Call call : withCalls) {
      if (call.opaque != null && !call.opaque.isBare()) {
        ofCalls.put(call.id == null ? "" : call.id, call.opaque.members());
      }
    }
    Json message = opaque == null || opaque.isBare() ? null : opaque.members();
    out.ascii(",\"upstream\":").raw(Opaque.stored(whole.upstream(), reasoning, message, ofCalls));
  }

  private static final class Call {
    private @Nullable Opaque opaque;
    private @Nullable String id;
    private @Nullable String name;
    private boolean custom;
    private final StringBuilder arguments = new StringBuilder();

    /** Of any text nobody knows whether it is all. */
    boolean isWhole() {
      return !custom
          && id != null
          && name != null
          && JsonParsers.isJson(Json.of(arguments.toString()));
    }

    void writeTo(JsonWriter out) {
      String type = custom ? "custom" : "function";
      out.ascii("{\"id\":").string(id == null ? "" : id);
      out.ascii(",\"type\":\"").ascii(type).ascii("\",\"").ascii(type).ascii("\":{\"name\":");
      out.string(name == null ? "" : name);
      out.ascii(custom ? ",\"input\":" : ",\"arguments\":");
      out.string(arguments.toString()).ascii("}}");
    }
  }
}
