package io.heddle.openai;

import io.heddle.json.Json;
import io.heddle.json.JsonWriter;
import io.heddle.live.Frame;
import io.heddle.openai.ResponseOutput.Called;
import io.heddle.openai.ResponseOutput.Part;
import io.heddle.openai.ResponseOutput.Said;
import io.heddle.openai.ResponseOutput.Thought;
import io.heddle.turn.ModelEvent;
import io.heddle.turn.Opaque;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The events of a response, a pure function of its form, the pieces of its log in order, and its
 * end: whoever makes them, whenever and on whichever replica, makes the same events with the same
 * numbers. That is what lets a client go on from any of them.
 *
 * <p>Items begin in the order in which the model comes to them. A thought ends with the next thing
 * that is said or called, a text with the first call; calls end with the response, because their
 * arguments may come interleaved.
 */
final class ResponseEvents {

  private static final String DONE = "completed";

  private final ResponseForm form;
  private final long after;
  private final boolean answers;
  private final List<ResponseOutput> outputs = new ArrayList<>();
  private List<Frame> made = new ArrayList<>();
  private long next;
  private int thoughts;
  private int texts;
  private @Nullable Thought thought;
  private @Nullable Said said;
  private @Nullable Json whole;
  private @Nullable Boolean summaries;
  private @Nullable Map<String, Namespaces.Name> namespaces;

  /**
   * @param after only events with a higher number are made; -1 for all
   */
  ResponseEvents(ResponseForm form, long after) {
    this(form, after, true);
  }

  /**
   * @param answers whether there is a message in any case: an answer without a word is one, a
   *     summary alone is none
   */
  ResponseEvents(ResponseForm form, long after, boolean answers) {
    this.form = form;
    this.after = after;
    this.answers = answers;
  }

  /** The events before anything is said. */
  List<Frame> begin() {
    if (form.notes().background()) {
      response("response.created", form.json(ResponseForm.QUEUED));
      response("response.queued", form.json(ResponseForm.QUEUED));
    } else {
      response("response.created", form.json(ResponseForm.IN_PROGRESS));
    }
    response("response.in_progress", form.json(ResponseForm.IN_PROGRESS));
    return taken();
  }

  List<Frame> piece(ModelEvent piece) {
    switch (piece) {
      case ModelEvent.Reasoning(String text) -> think(text);
      case ModelEvent.Text(String text) -> say(text, false);
      case ModelEvent.Refusal(String text) -> say(text, true);
      case ModelEvent.ToolCall call -> call(call);
      case ModelEvent.Compaction(String message, Json body) -> compacted(message, body);
      case ModelEvent.Finish _ -> {}
    }
    return taken();
  }

  List<Frame> end(ResponseEnd end) {
    // An answer without a word is a message all the same, in the thread too.
    if (answers
        && end.isWhole()
        && outputs.stream().allMatch(ResponseOutput.Compacted.class::isInstance)) {
      part(message(), false);
    }
    String status = end.isWhole() ? DONE : "incomplete";
    endThought();
    endText(status);
    for (ResponseOutput output : outputs) {
      if (output instanceof Called called && called.open) {
        endCall(called, status);
      }
    }
    endSeal();
    Json response = form.json(end, output(status));
    whole = response;
    response(end.event(), response);
    return taken();
  }

  /** The end of one for which no model was asked. */
  List<Frame> endWithout(ResponseEnd end) {
    response(end.event(), form.json(end, List.of()));
    return taken();
  }

  /** Ids of the items that have begun. */
  List<String> ids() {
    return outputs.stream().map(output -> output.id).toList();
  }

  /** The response as it ended. */
  Json whole() {
    if (whole == null) {
      throw new IllegalStateException("it has not ended");
    }
    return whole;
  }

  /** The number of the next event. */
  long next() {
    return next;
  }

  private List<Json> output(String status) {
    return outputs.stream()
        .map(output -> output.json(output instanceof Thought ? DONE : status))
        .toList();
  }

  // ---- what only the model's server understands

  private boolean seals;
  private @Nullable Opaque opaque;

  /** For a client that keeps the answer itself: an item of its own, behind all others. */
  void seal(@Nullable Opaque said) {
    seals = true;
    opaque = said;
  }

  private void endSeal() {
    if (!seals) {
      return;
    }
    Opaque any = opaque;
    Map<String, Json> calls = new LinkedHashMap<>();
    for (ResponseOutput output : outputs) {
      Json members = output instanceof Called called ? OpaqueMembers.of(called.opaque) : null;
      if (members != null) {
        calls.put(((Called) output).callId, members);
        any = any == null ? ((Called) output).opaque : any;
      }
    }
    Json message = OpaqueMembers.of(opaque);
    if (any == null || message == null && calls.isEmpty()) {
      return;
    }
    String number = thoughts == 0 ? "" : "_" + thoughts;
    thoughts++;
    Thought seal =
        new Thought(ItemIds.REASONING + form.random() + number + form.suffix(), outputs.size());
    seal.sealed = OpaqueMembers.sealed(any, message, calls);
    outputs.add(seal);
    added(seal, seal.empty());
    seal.open = false;
    done(seal, DONE);
  }

  private void compacted(String message, Json body) {
    ResponseOutput.Compacted item =
        new ResponseOutput.Compacted(message + form.suffix(), outputs.size(), body);
    item.open = false;
    outputs.add(item);
    added(item, item.json(DONE));
    done(item, DONE);
  }

  // ---- thoughts

  private void think(String text) {
    if (text.isEmpty()) {
      return;
    }
    Thought into = thought;
    if (into == null) {
      String number = thoughts == 0 ? "" : "_" + thoughts;
      thoughts++;
      into =
          new Thought(ItemIds.REASONING + form.random() + number + form.suffix(), outputs.size());
      thought = into;
      outputs.add(into);
      added(into, into.empty());
      thoughtPart(into, "added");
    }
    into.text.append(text);
    JsonWriter delta =
        event(
            summaries() ? "response.reasoning_summary_text.delta" : "response.reasoning_text.delta",
            text.length());
    if (delta != null) {
      make(thoughtPlace(delta, into).string("delta", text));
    }
  }

  private void endThought() {
    Thought ended = thought;
    if (ended == null) {
      return;
    }
    thought = null;
    ended.open = false;
    JsonWriter done =
        event(
            summaries() ? "response.reasoning_summary_text.done" : "response.reasoning_text.done",
            ended.text.length());
    if (done != null) {
      make(thoughtPlace(done, ended).string("text", ended.text.toString()));
    }
    thoughtPart(ended, "done");
    done(ended, DONE);
  }

  /** As many events of either kind: who follows by number is told the same by every version. */
  private void thoughtPart(Thought thought, String what) {
    boolean summary = summaries();
    String type = summary ? "response.reasoning_summary_part." : "response.content_part.";
    JsonWriter event = event(type + what, thought.text.length());
    if (event != null) {
      make(
          thoughtPlace(event, thought)
              .raw("part", thought.part(summary ? "summary_text" : "reasoning_text")));
    }
  }

  private JsonWriter thoughtPlace(JsonWriter event, Thought thought) {
    return place(event, thought).number(summaries() ? "summary_index" : "content_index", 0);
  }

  private boolean summaries() {
    Boolean known = summaries;
    if (known == null) {
      known = form.summaries();
      summaries = known;
    }
    return known;
  }

  // ---- texts

  private void say(String text, boolean refusal) {
    if (text.isEmpty()) {
      return;
    }
    endThought();
    Said into = message();
    Part part = part(into, refusal);
    part.text().append(text);
    String type = refusal ? "response.refusal.delta" : "response.output_text.delta";
    JsonWriter delta = event(type, text.length());
    if (delta != null) {
      place(delta, into, part.index()).string("delta", text);
      make(refusal ? delta : delta.raw("logprobs", Json.EMPTY_ARRAY));
    }
  }

  private Said message() {
    Said into = said;
    if (into == null) {
      String number = texts == 0 ? "" : "_" + texts;
      texts++;
      into = new Said(ItemIds.MESSAGE + form.random() + number + form.suffix(), outputs.size());
      said = into;
      outputs.add(into);
      added(into, into.json(ResponseForm.IN_PROGRESS));
    }
    return into;
  }

  private Part part(Said into, boolean refusal) {
    Part last = into.last();
    if (last != null && last.refusal() == refusal) {
      return last;
    }
    if (last != null) {
      endPart(into, last);
    }
    Part part = new Part(refusal, into.parts.size(), new StringBuilder());
    partEvent("response.content_part.added", into, part.index(), part.json());
    into.parts.add(part);
    return part;
  }

  private void endPart(Said of, Part part) {
    String type = part.refusal() ? "response.refusal.done" : "response.output_text.done";
    JsonWriter done = event(type, part.text().length());
    if (done != null) {
      place(done, of, part.index())
          .string(part.refusal() ? "refusal" : "text", part.text().toString());
      make(part.refusal() ? done : done.raw("logprobs", Json.EMPTY_ARRAY));
    }
    partEvent("response.content_part.done", of, part.index(), part.json());
  }

  private void endText(String status) {
    Said ended = said;
    if (ended == null) {
      return;
    }
    said = null;
    ended.open = false;
    Part last = ended.last();
    if (last != null) {
      endPart(ended, last);
    }
    done(ended, status);
  }

  // ---- calls

  private void call(ModelEvent.ToolCall bit) {
    endThought();
    endText(DONE);
    Called into = null;
    int calls = 0;
    for (ResponseOutput output : outputs) {
      if (output instanceof Called called) {
        calls++;
        into = called.call == bit.index() ? called : into;
      }
    }
    if (into == null) {
      String id = ItemIds.call(ItemIds.MESSAGE + form.random(), calls) + form.suffix();
      into =
          new Called(
              id,
              outputs.size(),
              bit.index(),
              bit.id() == null ? "" : bit.id(),
              name(bit.name() == null ? "" : bit.name()),
              bit.custom());
      into.opaque = bit.opaque();
      outputs.add(into);
      added(into, into.json(ResponseForm.IN_PROGRESS));
    }
    into.opaque = bit.opaque() == null ? into.opaque : bit.opaque();
    if (bit.arguments().isEmpty()) {
      return;
    }
    into.arguments.append(bit.arguments());
    JsonWriter delta = event(arguments(into, "delta"), bit.arguments().length());
    if (delta != null) {
      make(place(delta, into).string("delta", bit.arguments()));
    }
  }

  /** As the client called the function. */
  private Namespaces.Name name(String told) {
    Map<String, Namespaces.Name> known = namespaces;
    if (known == null) {
      known = form.namespaces();
      namespaces = known;
    }
    return known.getOrDefault(told, Namespaces.Name.of(told));
  }

  private static String arguments(Called call, String what) {
    String of = call.custom ? "custom_tool_call_input." : "function_call_arguments.";
    return "response." + of + what;
  }

  private void endCall(Called ended, String status) {
    ended.open = false;
    JsonWriter done = event(arguments(ended, "done"), ended.arguments.length());
    if (done != null && ended.custom) {
      make(place(done, ended).string("input", ended.arguments.toString()));
    } else if (done != null) {
      make(
          place(done, ended)
              .string("name", ended.name.name())
              .some("namespace", ended.name.namespace())
              .string("arguments", ended.arguments.toString()));
    }
    done(ended, status);
  }

  // ---- events

  private void response(String type, Json response) {
    JsonWriter event = event(type, response.length());
    if (event != null) {
      make(event.raw("response", response));
    }
  }

  private void added(ResponseOutput output, Json item) {
    itemEvent("response.output_item.added", output, item);
  }

  private void done(ResponseOutput output, String status) {
    itemEvent("response.output_item.done", output, output.json(status));
  }

  private void itemEvent(String type, ResponseOutput output, Json item) {
    JsonWriter event = event(type, item.length());
    if (event != null) {
      make(event.number("output_index", output.index).raw("item", item));
    }
  }

  private void partEvent(String type, ResponseOutput output, int index, Json part) {
    JsonWriter event = event(type, part.length());
    if (event != null) {
      make(place(event, output, index).raw("part", part));
    }
  }

  private static JsonWriter place(JsonWriter event, ResponseOutput output) {
    return event.string("item_id", output.id).number("output_index", output.index);
  }

  private static JsonWriter place(JsonWriter event, ResponseOutput output, int contentIndex) {
    return place(event, output).number("content_index", contentIndex);
  }

  private String type = "";

  /** Counts an event; null when the client has it already. */
  private @Nullable JsonWriter event(String type, int size) {
    long number = next++;
    this.type = type;
    return number <= after
        ? null
        : JsonWriter.object(size + 256).string("type", type).number("sequence_number", number);
  }

  private void make(JsonWriter event) {
    made.add(Frame.of(type, event.done()));
  }

  private List<Frame> taken() {
    List<Frame> taken = made;
    made = new ArrayList<>();
    return taken;
  }
}
