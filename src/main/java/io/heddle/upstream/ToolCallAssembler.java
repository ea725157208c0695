package io.heddle.upstream;

import io.heddle.json.Utf8;
import io.heddle.turn.ModelEvent;
import io.heddle.turn.Opaque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Tells the tool calls of an answer apart, whatever servers make of indices, ids and names. A bit
 * begins a new call
 *
 * <ul>
 *   <li>if its index is new, or
 *   <li>if its id is new and it has a name, or
 *   <li>if it has a name and the arguments so far are a whole JSON text.
 * </ul>
 *
 * Else it continues the call of its index, else that of its id, else the last one.
 *
 * <p>Arguments that are whole are not gone on with: some servers say {@code {}} until the first of
 * them come, and some say all of them once more at the end.
 *
 * <p>Calls are numbered from 0 in the order in which they begin, and are told in that order: with
 * their whole name, because some servers send it in pieces, and with an id that no other call of
 * the answer has. For one thread.
 */
final class ToolCallAssembler {

  /** Of a name in pieces; tools are far shorter. */
  private static final int LONGEST_NAME = 1024;

  private static final int MOST_RETOLD = 64 << 10;

  private final Map<Integer, Call> byIndex = new HashMap<>();
  private final Map<String, Call> byId = new HashMap<>();
  private final Set<String> ids = new HashSet<>();
  private final List<Call> untold = new ArrayList<>();
  private @Nullable Call last;
  private int begun;
  private int told;
  private int waiting;
  private boolean nameTooLong;
  private int retold;
  private final Function<@Nullable UnknownMembers, @Nullable Opaque> kept;

  /** Custom tools that the server was told as functions. */
  private Set<String> wrapped = Set.of();

  /**
   * @param kept what of a call's unknown members is told on, also when it has none
   */
  ToolCallAssembler(Function<@Nullable UnknownMembers, @Nullable Opaque> kept) {
    this.kept = kept;
  }

  void wrapped(Set<String> customTools) {
    wrapped = customTools;
  }

  /** How many calls were begun. */
  int begun() {
    return begun;
  }

  /** Whether a name has become longer than any tool's: its pieces might never end. */
  boolean isNameTooLong() {
    return nameTooLong;
  }

  /** How many calls were told. */
  int told() {
    return told;
  }

  /** Characters that wait for a name. */
  int kept() {
    return waiting;
  }

  /**
   * Whether a call's arguments have begun and not come to their end.
   *
   * @param ended whether the server says that they are whole: only an open bracket says otherwise
   */
  boolean isCut(boolean ended) {
    for (Call call = last; call != null; call = call.before) {
      ArgumentScanner arguments = call.arguments;
      boolean isHalf = ended ? arguments.isOpen() : !arguments.isEmpty() && !arguments.isWhole();
      if (!call.custom && isHalf) {
        return true;
      }
    }
    return false;
  }

  /**
   * Takes a bit of a call, or a whole one.
   *
   * @param whole whether nothing of it comes later
   */
  void take(ToolCallDelta bit, boolean whole, List<ModelEvent> out) {
    if (bit.id() == null
        && bit.name() == null
        && bit.arguments().isEmpty()
        && (bit.unknown().isEmpty() || last == null)) {
      return;
    }
    Call call = whole ? null : continued(bit);
    if (call == null) {
      release(out);
      call = begin(bit);
      call.repeats &= !whole;
    }
    if (bit.index() >= 0) {
      byIndex.put(bit.index(), call);
      call.indexed = true;
    }
    if (bit.id() != null) {
      byId.putIfAbsent(bit.id(), call);
      call.id = call.id == null ? bit.id() : call.id;
    }
    call.custom |= bit.custom();
    call.name(bit.name());
    nameTooLong |= call.name != null && call.name.length() > LONGEST_NAME;
    String arguments = call.take(bit.arguments(), whole);
    boolean more = !bit.unknown().isEmpty();
    if (more) {
      call.unknown = call.unknown == null ? new UnknownMembers() : call.unknown;
      call.unknown.add(bit.unknown());
    }
    if (call.told) {
      call.changed |= more;
      arguments = unwrapped(call, arguments);
      if (!arguments.isEmpty() || more && retold < MOST_RETOLD) {
        out.add(new ModelEvent.ToolCall(call.number, null, null, arguments, changed(call)));
      }
    } else {
      call.early.append(arguments);
      waiting += arguments.length();
      boolean some = !arguments.isEmpty() || call.held != null;
      call.repeats &= !some;
      if (whole || some) {
        tell(call, out);
      }
    }
  }

  /** Each change is told with all of it: once that was much, the last one is told at the end. */
  private @Nullable Opaque changed(Call call) {
    if (!call.changed || retold >= MOST_RETOLD) {
      return null;
    }
    call.changed = false;
    Opaque opaque = kept.apply(call.unknown);
    retold += opaque == null ? 0 : opaque.members().length();
    return opaque;
  }

  /** Tells all calls that have a name: something else is said next. */
  void tellAll(List<ModelEvent> out) {
    release(out);
    if (!untold.isEmpty()) {
      tell(null, out);
    }
  }

  /** Something else comes: the last call has no more arguments than it had so far. */
  private void release(List<ModelEvent> out) {
    Call call = last;
    if (call == null || !call.told || call.held == null) {
      return;
    }
    String all = unwrapped(call, call.heldBack());
    if (!out.isEmpty()
        && out.getLast() instanceof ModelEvent.ToolCall begun
        && begun.index() == call.number
        && begun.arguments().isEmpty()) {
      out.set(
          out.size() - 1,
          new ModelEvent.ToolCall(
              call.number, begun.id(), begun.name(), all, begun.opaque(), begun.custom()));
    } else if (!all.isEmpty()) {
      out.add(new ModelEvent.ToolCall(call.number, null, null, all));
    }
  }

  /**
   * The end: tells what can be told. A whole call without arguments gets an object without members,
   * as OpenAI's have: many clients read nothing else.
   *
   * @param isCut whether more was to come
   * @return whether all that was begun has a name
   */
  boolean finish(boolean isCut, List<ModelEvent> out) {
    release(out);
    boolean named = true;
    for (Call call = last; call != null && !isCut; call = call.before) {
      if (!call.custom && call.name != null && !wrapped.contains(call.name)) {
        call.endWithoutArguments();
      }
    }
    for (Call call : untold) {
      if (call.name == null) {
        named = false;
      } else if (!call.repeats) {
        String held = call.heldBack();
        call.early.append(held);
        waiting += held.length();
        tellOne(call, out);
      }
    }
    untold.clear();
    for (Call call = last; call != null; call = call.before) {
      String rest = unwrapped(call, call.heldBack() + call.arguments.rest());
      rest += call.input == null ? "" : call.input.rest();
      if (call.told && (!rest.isEmpty() || call.changed)) {
        Opaque opaque = call.changed ? kept.apply(call.unknown) : null;
        out.add(new ModelEvent.ToolCall(call.number, null, null, rest, opaque));
      }
    }
    return named;
  }

  private @Nullable Call continued(ToolCallDelta bit) {
    Call ofIndex = bit.index() < 0 ? null : byIndex.get(bit.index());
    Call ofId = bit.id() == null ? null : byId.get(bit.id());
    if (bit.index() >= 0 && ofIndex == null) {
      if (bit.name() != null) {
        return null;
      }
      // Without a name it can hardly begin one: some servers number bits, or only the later ones.
      return ofId != null ? ofId : bit.id() == null && last != null && !last.indexed ? last : null;
    }
    if (bit.name() != null && bit.id() != null && ofId == null) {
      return null;
    }
    Call call = ofIndex != null ? ofIndex : ofId != null ? ofId : last;
    boolean isNext =
        call != null && bit.name() != null && call.arguments.isWhole() && !call.isSaidBy(bit);
    return isNext ? null : call;
  }

  private Call begin(ToolCallDelta bit) {
    Call call = new Call(last);
    // The same name once more behind whole arguments is a call when it gets some of its own.
    Call same =
        bit.index() >= 0 && byIndex.containsKey(bit.index())
            ? byIndex.get(bit.index())
            : bit.id() == null ? null : byId.get(bit.id());
    call.repeats =
        same != null
            && bit.name() != null
            && bit.name().equals(same.name)
            && (bit.id() == null || bit.id().equals(same.id));
    begun++;
    last = call;
    untold.add(call);
    return call;
  }

  private void tell(@Nullable Call upTo, List<ModelEvent> out) {
    Iterator<Call> each = untold.iterator();
    while (each.hasNext()) {
      Call call = each.next();
      if (call.name == null) {
        return;
      }
      if (!call.repeats) {
        tellOne(call, out);
        each.remove();
      }
      if (call == upTo) {
        return;
      }
    }
  }

  private void tellOne(Call call, List<ModelEvent> out) {
    call.told = true;
    call.number = told++;
    String id = call.id == null ? newId() : Utf8.mended(call.id);
    while (!ids.add(id)) {
      // A tool's output could not say which of the two calls it is for.
      id = newId();
    }
    String name = call.name == null ? "" : Utf8.mended(call.name);
    if (!call.custom && wrapped.contains(name)) {
      call.input = new WrappedInput();
    }
    boolean isCustom = call.custom || call.input != null;
    String early = unwrapped(call, call.early.toString());
    out.add(
        new ModelEvent.ToolCall(call.number, id, name, early, kept.apply(call.unknown), isCustom));
    waiting -= call.early.length();
    call.early = new StringBuilder(0);
  }

  private String unwrapped(Call call, String arguments) {
    WrappedInput input = call.input;
    if (input == null || arguments.isEmpty()) {
      return arguments;
    }
    int before = input.kept();
    String bit = input.take(arguments);
    waiting += input.kept() - before;
    return bit;
  }

  private static String newId() {
    ThreadLocalRandom random = ThreadLocalRandom.current();
    return "call_%016x%08x".formatted(random.nextLong(), random.nextInt());
  }

  private static final class Call {
    private final @Nullable Call before;
    private ArgumentScanner arguments = new ArgumentScanner();
    private StringBuilder early = new StringBuilder();
    private @Nullable String held;
    private @Nullable String id;
    private @Nullable String name;
    private @Nullable UnknownMembers unknown;
    private @Nullable WrappedInput input;
    private boolean custom;
    private boolean indexed;
    private boolean repeats;
    private boolean told;
    private boolean changed;
    private int number;

    Call(@Nullable Call before) {
      this.before = before;
    }

    /**
     * Takes the next bit of the arguments.
     *
     * @return what of them can be told
     */
    String take(String more, boolean whole) {
      if (custom) {
        return arguments.take(more);
      }
      if (more.isEmpty() || arguments.isRepeatedBy(more)) {
        return "";
      }
      if (held != null) {
        if (more.isBlank()) {
          return "";
        }
        held = null;
        arguments = new ArgumentScanner();
      }
      boolean first = arguments.isEmpty();
      String text = arguments.take(more);
      if (first && !whole && arguments.hasNoMembers()) {
        held = text;
        return "";
      }
      return text;
    }

    void endWithoutArguments() {
      if (arguments.isEmpty() && held == null) {
        held = "{}";
      }
    }

    /** No members, which may stand for arguments that come later. */
    String heldBack() {
      String text = held == null ? "" : held;
      held = null;
      return text;
    }

    /** Whether a bit is nothing but this call, whole, once more. */
    boolean isSaidBy(ToolCallDelta bit) {
      return bit.id() != null
          && bit.id().equals(id)
          && Objects.equals(bit.name(), name)
          && arguments.isRepeatedBy(bit.arguments());
    }

    /** The first, the next piece of it, or the same once more, alone or with more behind it. */
    void name(@Nullable String more) {
      if (more == null || told) {
        return;
      }
      if (name == null || more.startsWith(name)) {
        name = more;
      } else if (early.isEmpty()) {
        name += more;
      }
    }
  }
}
