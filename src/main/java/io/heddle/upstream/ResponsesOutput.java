package io.heddle.upstream;

import io.heddle.base.Json;
import io.heddle.base.Surrogates;
import io.heddle.turn.Piece;
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
   * The member of an answer under which its items are kept: {@code upstream}, the server's name, and
   * {@code items}, those that are thoughts whole, of the others what tells them apart.
   */
  static final String KEPT = "responses_items";

  private static final int MOST_ITEMS = 1024;
  private static final int MOST_PARTS = 16 << 10;
  private static final String BETWEEN = "\n\n";

  /** An item. */
  private static final class Slot {
    final String type;
    final Map<String, Part> parts = new LinkedHashMap<>(2);
    @Nullable String id;
    @Nullable String callId;
    @Nullable String name;
    @Nullable String phase;
    @Nullable String thoughtKind;
    @Nullable ResponsesItem thought;
    StringBuilder early = new StringBuilder(0);
    int call = -1;
    int from = -1;
    int to;

    Slot(String type) {
      this.type = type;
    }

    boolean isMessage() {
      return type.equals("message");
    }

    boolean isCall() {
      return type.equals("function_call") || isCustom();
    }

    boolean isCustom() {
      return type.equals("custom_tool_call");
    }
  }

  /** What was told of a part: as much as it takes to see what of a whole text is still to tell. */
  private static final class Part {
    int length;
    int hash;

    String add(String text) {
      for (int i = 0; i < text.length(); i++) {
        hash = 31 * hash + text.charAt(i);
      }
      length += text.length();
      return text;
    }

    /** What is left of the whole text; nothing when it is not the one that was told. */
    String rest(String whole) {
      if (whole.length() <= length) {
        return "";
      }
      boolean goesOn = whole.substring(0, length).hashCode() == hash;
      return goesOn ? whole.substring(length) : "";
    }
  }

  private final AnswerAssembler answer;
  private final List<Slot> slots = new ArrayList<>();
  private final Map<String, Slot> byId = new HashMap<>();
  private final Map<Integer, Slot> byIndex = new HashMap<>();
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
    Slot known = item.id() == null ? null : byId.get(item.id());
    Slot slot = known != null && known.type.equals(item.type()) ? known : add(item.type());
    known(slot, item);
    place(slot, event.output(), item.id());
  }

  private Slot add(String type) {
    if (slots.size() >= MOST_ITEMS) {
      throw answer.faults().failed("made too many items", Blame.NOBODY);
    }
    Slot slot = new Slot(type);
    slots.add(slot);
    return slot;
  }

  private void place(Slot slot, int index, @Nullable String id) {
    if (index >= 0) {
      byIndex.put(index, slot);
    }
    if (id != null) {
      slot.id = slot.id == null ? id : slot.id;
      byId.putIfAbsent(id, slot);
    }
  }

  private void known(Slot slot, ResponsesItem item) {
    slot.callId = slot.callId == null ? item.callId() : slot.callId;
    slot.name = slot.name == null ? item.name() : slot.name;
    slot.phase = item.phase() == null ? slot.phase : item.phase();
  }

  /** The item that an event is about; its number, when some server's ids are new in each event. */
  private Slot slot(int index, @Nullable String id, String type) {
    Slot slot = id == null ? null : byId.get(id);
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

  private @Nullable Slot last(String type) {
    for (int i = slots.size() - 1; i >= 0; i--) {
      if (slots.get(i).type.equals(type)) {
        return slots.get(i);
      }
    }
    return null;
  }

  // ---- what it says

  void text(ResponsesEvent event, boolean whole, List<Piece> out) {
    Slot slot = slot(event.output(), event.itemId(), "message");
    say(slot, "text" + event.part(), event.text(), whole, out);
  }

  void refusal(ResponsesEvent event, boolean whole, List<Piece> out) {
    Slot slot = slot(event.output(), event.itemId(), "message");
    refuse(slot, "refusal" + event.part(), event.text(), whole, out);
  }

  /**
   * @param kind of the two that a server may have of one thought; the first one is told
   */
  void thought(ResponsesEvent event, String kind, boolean whole, List<Piece> out) {
    Slot slot = slot(event.output(), event.itemId(), "reasoning");
    think(slot, kind, event.part(), event.text(), whole, out);
  }

  void arguments(ResponsesEvent event, String type, boolean whole, List<Piece> out) {
    call(slot(event.output(), event.itemId(), type), event.text(), whole, out);
  }

  private Part part(Slot slot, String key) {
    Part part = slot.parts.get(key);
    if (part == null) {
      if (++parts > MOST_PARTS) {
        throw answer.tooLarge();
      }
      part = new Part();
      slot.parts.put(key, part);
    }
    return part;
  }

  private void say(Slot slot, String key, String text, boolean whole, List<Piece> out) {
    Part part = part(slot, key);
    String more = whole ? part.rest(text) : text;
    if (more.isEmpty()) {
      return;
    }
    part.add(more);
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

  private void refuse(Slot slot, String key, String text, boolean whole, List<Piece> out) {
    Part part = part(slot, key);
    String more = whole ? part.rest(text) : text;
    if (!more.isEmpty()) {
      answer.say("", "", part.add(more), out);
    }
  }

  private void think(
      Slot slot, String kind, int number, String text, boolean whole, List<Piece> out) {
    if (text.isEmpty() || slot.thoughtKind != null && !slot.thoughtKind.equals(kind)) {
      return;
    }
    slot.thoughtKind = kind;
    Part part = part(slot, kind + number);
    String more = whole ? part.rest(text) : text;
    if (more.isEmpty()) {
      return;
    }
    boolean next = part.length == 0 && answer.hasThought();
    part.add(more);
    answer.say(next ? BETWEEN + more : more, "", "", out);
  }

  private void call(Slot slot, String text, boolean whole, List<Piece> out) {
    Part part = part(slot, "arguments");
    String more = whole ? part.rest(text) : text;
    part.add(more);
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
    answer.calls(List.of(new ToolCallDelta(slot.call, id, name, early + more)), false, out);
  }

  private void waits(long characters) {
    waiting += characters;
    if (waiting > answer.most()) {
      throw answer.tooLarge();
    }
  }

  // ---- items that are whole

  void done(ResponsesEvent event, ResponsesItem item, List<Piece> out) {
    whole(slot(event.output(), item.id(), item.type()), item, out);
  }

  /** All items of the response, most of them told before. */
  void all(List<ResponsesItem> items, List<Piece> out) {
    Map<String, Integer> ofType = new HashMap<>();
    List<Slot> before = List.copyOf(slots);
    for (ResponsesItem item : items) {
      int number = ofType.merge(item.type(), 1, Integer::sum);
      Slot slot = item.id() == null ? null : byId.get(item.id());
      if (slot == null || !slot.type.equals(item.type())) {
        slot = nth(before, item.type(), number);
      }
      whole(slot == null ? add(item.type()) : slot, item, out);
    }
  }

  private static @Nullable Slot nth(List<Slot> slots, String type, int number) {
    int seen = 0;
    for (Slot slot : slots) {
      if (slot.type.equals(type) && ++seen == number) {
        return slot;
      }
    }
    return null;
  }

  private void whole(Slot slot, ResponsesItem item, List<Piece> out) {
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
    } else if (slot.type.equals("reasoning")) {
      think(slot, "content", item.content(), out);
      think(slot, "summary", item.summary(), out);
      keep(slot, item);
    }
  }

  private void think(Slot slot, String kind, List<ResponsesItem.Part> all, List<Piece> out) {
    for (int i = 0; i < all.size(); i++) {
      think(slot, kind, i, all.get(i).text(), true, out);
    }
  }

  /** The last word on a thought counts. */
  private void keep(Slot slot, ResponsesItem item) {
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
    if (slots.stream().noneMatch(ResponsesOutput::isKept)) {
      return;
    }
    List<Object> items = new ArrayList<>();
    for (Slot slot : slots) {
      Map<String, Object> item = item(slot);
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

  private static boolean isKept(Slot slot) {
    return slot.phase != null || slot.isCustom() || thought(slot.thought) != null;
  }

  /** Null for what another item may follow without it. */
  private static @Nullable Map<String, Object> item(Slot slot) {
    Map<String, Object> item = new LinkedHashMap<>();
    item.put("type", new StringBuilder(slot.type));
    if (slot.isMessage()) {
      put(item, "phase", slot.phase);
      item.put("from", Json.of(String.valueOf(Math.max(0, slot.from))));
      item.put("to", Json.of(String.valueOf(slot.to)));
    } else if (slot.isCall()) {
      put(item, "call_id", slot.callId == null ? null : Surrogates.mended(slot.callId));
    } else if (slot.type.equals("reasoning")) {
      return slot.thought == null ? null : thought(slot.thought);
    }
    return item;
  }

  /**
   * A thought as the server takes it back; null for one that it would not: of its words nothing is
   * left, and it stores nothing. Where they are encrypted, the words themselves are refused.
   */
  private static @Nullable Map<String, Object> thought(@Nullable ResponsesItem thought) {
    if (thought == null || thought.encrypted() == null && thought.content().isEmpty()) {
      return null;
    }
    Map<String, Object> item = new LinkedHashMap<>();
    item.put("type", new StringBuilder("reasoning"));
    put(item, "id", thought.id());
    item.put("summary", parts(thought.summary(), "summary_text"));
    if (thought.encrypted() == null) {
      item.put("content", parts(thought.content(), "reasoning_text"));
    }
    put(item, "encrypted_content", thought.encrypted());
    return item;
  }

  private static List<Object> parts(List<ResponsesItem.Part> parts, String type) {
    List<Object> all = new ArrayList<>(parts.size());
    for (ResponsesItem.Part part : parts) {
      Map<String, Object> one = new LinkedHashMap<>();
      one.put("type", new StringBuilder(part.type().isEmpty() ? type : part.type()));
      one.put("text", new StringBuilder(part.text()));
      all.add(one);
    }
    return all;
  }

  private static void put(Map<String, Object> item, String name, @Nullable String value) {
    if (value != null) {
      item.put(name, new StringBuilder(value));
    }
  }
}
