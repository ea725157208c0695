package io.heddle.upstream;

import io.heddle.turn.ModelEvent;
import io.heddle.upstream.CallFailure.Blame;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The items of an answer in the making. What they say is told as it comes, and once, whether it
 * comes in bits, whole at an item's end, or only with the whole response. Thoughts are kept beside
 * that, with the order of the items: the server wants them back where they were. For one thread.
 */
final class ResponsesOutput {

  /**
   * The member of an answer under which its items are kept: {@code upstream}, the server's name,
   * and {@code items}, those that are thoughts whole, of the others what tells them apart.
   */
  static final String KEPT = "responses_items";

  private static final int MOST_ITEMS = 1024;
  private static final int MOST_PARTS = 16 << 10;
  private static final String BETWEEN = "\n\n";

  private final AnswerAssembler answer;
  private final List<ResponsesSlot> slots = new ArrayList<>();
  private final Map<String, ResponsesSlot> byId = new HashMap<>();
  private final Map<Integer, ResponsesSlot> byIndex = new HashMap<>();
  private int parts;
  private int calls;
  private int textLength;
  private long waiting;

  ResponsesOutput(AnswerAssembler answer) {
    this.answer = answer;
  }

  /** Characters that it keeps. */
  int kept() {
    return (int) Math.min(Integer.MAX_VALUE / 4, waiting + 128L * slots.size() + 64L * parts);
  }

  // ---- which item

  /** An item begins. */
  void begin(ResponsesEvent event, ResponsesItem item) {
    ResponsesSlot known = item.id() == null ? null : byId.get(item.id());
    ResponsesSlot slot = known != null && known.type.equals(item.type()) ? known : add(item.type());
    known(slot, item);
    place(slot, event.output(), item.id());
  }

  private ResponsesSlot add(String type) {
    if (slots.size() >= MOST_ITEMS) {
      throw answer.faults().failed("made too many items", Blame.NOBODY);
    }
    ResponsesSlot slot = new ResponsesSlot(type);
    slots.add(slot);
    return slot;
  }

  /** Its first id counts: those of a server that makes new ones for each event would pile up. */
  private void place(ResponsesSlot slot, int index, @Nullable String id) {
    if (index >= 0 && (byIndex.containsKey(index) || byIndex.size() < MOST_ITEMS)) {
      byIndex.put(index, slot);
    }
    if (id != null && slot.id == null) {
      slot.id = id;
      byId.putIfAbsent(id, slot);
    }
  }

  private void known(ResponsesSlot slot, ResponsesItem item) {
    slot.callId = slot.callId == null ? item.callId() : slot.callId;
    slot.name = slot.name == null ? item.name() : slot.name;
    slot.phase = item.phase() == null ? slot.phase : item.phase();
  }

  /** The item that an event is about; its number, when some server's ids are new in each event. */
  private ResponsesSlot slot(int index, @Nullable String id, String type) {
    ResponsesSlot slot = id == null ? null : byId.get(id);
    if (slot == null || !slot.type.equals(type)) {
      slot = index < 0 ? null : byIndex.get(index);
    }
    if ((slot == null || !slot.type.equals(type)) && index < 0 && id == null) {
      slot = last(type);
    }
    if (slot == null || !slot.type.equals(type)) {
      slot = add(type);
    }
    place(slot, index, id);
    return slot;
  }

  private @Nullable ResponsesSlot last(String type) {
    for (int i = slots.size() - 1; i >= 0; i--) {
      if (slots.get(i).type.equals(type)) {
        return slots.get(i);
      }
    }
    return null;
  }

  // ---- what it says

  void text(ResponsesEvent event, boolean whole, List<ModelEvent> out) {
    ResponsesSlot slot = slot(event.output(), event.itemId(), "message");
    say(slot, "text" + event.part(), event.text(), whole, out);
  }

  void refusal(ResponsesEvent event, boolean whole, List<ModelEvent> out) {
    ResponsesSlot slot = slot(event.output(), event.itemId(), "message");
    refuse(slot, "refusal" + event.part(), event.text(), whole, out);
  }

  /**
   * @param kind of the two that a server may have of one thought; the first one is told
   */
  void thought(ResponsesEvent event, String kind, boolean whole, List<ModelEvent> out) {
    ResponsesSlot slot = slot(event.output(), event.itemId(), "reasoning");
    think(slot, kind, event.part(), event.text(), whole, out);
  }

  void arguments(ResponsesEvent event, String type, boolean whole, List<ModelEvent> out) {
    call(slot(event.output(), event.itemId(), type), event.text(), whole, out);
  }

  private ResponsesSlot.Part part(ResponsesSlot slot, String key) {
    ResponsesSlot.Part part = slot.parts.get(key);
    if (part == null) {
      if (++parts > MOST_PARTS) {
        throw answer.tooLarge();
      }
      part = new ResponsesSlot.Part();
      slot.parts.put(key, part);
    }
    return part;
  }

  /** What of a text was not said before, which is from now on. */
  private String unsaid(ResponsesSlot slot, String key, String text, boolean whole) {
    ResponsesSlot.Part part = part(slot, key);
    return part.add(whole ? part.rest(text) : text);
  }

  private void say(
      ResponsesSlot slot, String key, String text, boolean whole, List<ModelEvent> out) {
    String more = unsaid(slot, key, text, whole);
    if (more.isEmpty()) {
      return;
    }
    if (slot.from < 0) {
      // Messages of one answer are one text.
      if (answer.hasSaidText()) {
        answer.say("", BETWEEN, "", out);
        textLength += BETWEEN.length();
      }
      slot.from = textLength;
    }
    answer.say("", more, "", out);
    textLength += more.length();
    slot.to = textLength;
  }

  private void refuse(
      ResponsesSlot slot, String key, String text, boolean whole, List<ModelEvent> out) {
    answer.say("", "", unsaid(slot, key, text, whole), out);
  }

  private void think(
      ResponsesSlot slot,
      String kind,
      int number,
      String text,
      boolean whole,
      List<ModelEvent> out) {
    if (text.isEmpty() || slot.thoughtKind != null && !slot.thoughtKind.equals(kind)) {
      return;
    }
    slot.thoughtKind = kind;
    boolean next = part(slot, kind + number).isEmpty() && answer.hasThought();
    String more = unsaid(slot, kind + number, text, whole);
    answer.say(next && !more.isEmpty() ? BETWEEN + more : more, "", "", out);
  }

  private void call(ResponsesSlot slot, String text, boolean whole, List<ModelEvent> out) {
    String more = unsaid(slot, "arguments", text, whole);
    if (slot.call < 0 && slot.name == null) {
      slot.early.append(more);
      waits(more.length());
      return;
    }
    String early = slot.early.toString();
    waiting -= early.length();
    slot.early = new StringBuilder(0);
    String id = slot.call < 0 ? slot.callId : null;
    String name = slot.call < 0 ? slot.name : null;
    slot.call = slot.call < 0 ? calls++ : slot.call;
    ToolCallDelta bit =
        new ToolCallDelta(slot.call, id, name, early + more, Map.of(), slot.isCustom());
    answer.calls(List.of(bit), false, out);
  }

  private void waits(long characters) {
    waiting += characters;
    if (waiting > answer.most()) {
      throw answer.tooLarge();
    }
  }

  // ---- items that are whole

  void done(ResponsesEvent event, ResponsesItem item, List<ModelEvent> out) {
    whole(slot(event.output(), item.id(), item.type()), item, out);
  }

  /** All items of the response, most of them told before. */
  void all(List<ResponsesItem> items, List<ModelEvent> out) {
    Map<String, Integer> ofType = new HashMap<>();
    List<ResponsesSlot> before = List.copyOf(slots);
    for (ResponsesItem item : items) {
      int number = ofType.merge(item.type(), 1, Integer::sum);
      ResponsesSlot slot = item.id() == null ? null : byId.get(item.id());
      if (slot == null || !slot.type.equals(item.type())) {
        slot = nth(before, item.type(), number);
      }
      whole(slot == null ? add(item.type()) : slot, item, out);
    }
  }

  private static @Nullable ResponsesSlot nth(List<ResponsesSlot> slots, String type, int number) {
    int seen = 0;
    for (ResponsesSlot slot : slots) {
      if (slot.type.equals(type) && ++seen == number) {
        return slot;
      }
    }
    return null;
  }

  private void whole(ResponsesSlot slot, ResponsesItem item, List<ModelEvent> out) {
    known(slot, item);
    place(slot, -1, item.id());
    if (slot.isMessage()) {
      for (int i = 0; i < item.content().size(); i++) {
        ResponsesItem.Part part = item.content().get(i);
        if (part.type().equals("refusal")) {
          refuse(slot, "refusal" + i, part.text(), true, out);
        } else {
          say(slot, "text" + i, part.text(), true, out);
        }
      }
    } else if (slot.isCall()) {
      call(slot, item.arguments() == null ? "" : item.arguments(), true, out);
    } else if (slot.isThought()) {
      think(slot, "content", item.content(), out);
      think(slot, "summary", item.summary(), out);
      keep(slot, item);
    }
  }

  private void think(
      ResponsesSlot slot, String kind, List<ResponsesItem.Part> all, List<ModelEvent> out) {
    for (int i = 0; i < all.size(); i++) {
      think(slot, kind, i, all.get(i).text(), true, out);
    }
  }

  /** The last word on a thought counts. */
  private void keep(ResponsesSlot slot, ResponsesItem item) {
    if (slot.thought != null && item.encrypted() == null && item.content().isEmpty()) {
      return;
    }
    waits(size(item) - (slot.thought == null ? 0 : size(slot.thought)));
    slot.thought = item;
  }

  private static long size(ResponsesItem thought) {
    long size = thought.encrypted() == null ? 0 : thought.encrypted().length();
    for (ResponsesItem.Part part : thought.content()) {
      size += part.text().length();
    }
    for (ResponsesItem.Part part : thought.summary()) {
      size += part.text().length();
    }
    return size + 64;
  }

  // ---- the end

  /** Whether all calls could be told. */
  boolean isWhole() {
    return slots.stream().noneMatch(slot -> slot.isCall() && slot.call < 0);
  }

  /** Keeps what the server wants back, if there is such. */
  void finish() {
    if (slots.stream().noneMatch(ResponsesSlot::isKept)) {
      return;
    }
    List<Object> items = new ArrayList<>();
    for (ResponsesSlot slot : slots) {
      Map<String, Object> item = slot.kept();
      if (item != null) {
        items.add(item);
      }
    }
    waiting = 0;
    Map<String, Object> all = new LinkedHashMap<>();
    all.put("upstream", new StringBuilder(answer.faults().upstream()));
    all.put("items", items);
    answer.keep(Map.of(KEPT, all), true);
  }
}
