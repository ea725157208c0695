package io.heddle.turn;

import io.heddle.json.Json;
import io.heddle.json.JsonWriter;
import io.heddle.session.Message;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.ToIntFunction;

/**
 * What of a thread a model is told: the newest messages, beginning with a user's, and never a tool
 * call apart from its outputs. A thread may be cut anywhere, and other clients may write to it at
 * any time, but every model refuses a call without an output, an output without a call, and
 * anything between the two, and some refuse a thread that begins with a call. So calls and outputs
 * are one unit: outputs are moved behind their call, a call that nobody answered gets an output
 * that says so, and an output without a call is left out. The calls of one answer are one message
 * with its text and thoughts, also where a client stored them one by one. The last {@link Summary}
 * of the thread is told in the place of what it stands for.
 */
public final class PromptWindow {

  /** Stands for the question of a tool loop which began before all that can be told. */
  private static final Json LEFT_OUT =
      Json.of("{\"role\":\"user\",\"content\":\"(Earlier messages were left out.)\"}");

  private static final int LEFT_OUT_TOKENS = 16;

  private PromptWindow() {}

  /** A message, or those that one answer was stored as, with the outputs of its tool calls. */
  private static final class Unit {
    final List<Message> messages = new ArrayList<>(1);
    final MessageShape shape;
    final Set<String> calls;
    final Map<String, Message> outputs = new HashMap<>();
    boolean ofTurn;
    boolean ofInput;

    Unit(MessageShape shape) {
      this.shape = shape;
      this.calls = new LinkedHashSet<>(shape.calls());
      this.ofTurn = shape.ofTurn();
    }

    /** Whether this message goes on with the answer that the unit is. */
    boolean goesOn(MessageShape next) {
      return !next.calls().isEmpty()
          && !(ofTurn && next.ofTurn())
          // Some models number their calls from 0 in each answer.
          && Collections.disjoint(calls, next.calls());
    }

    void add(Message message, MessageShape more) {
      messages.add(message);
      ofTurn |= more.ofTurn();
      calls.addAll(more.calls());
    }

    int count() {
      return 1 + calls.size();
    }

    boolean isOf(String role) {
      return shape.role().equals(role);
    }

    Json body() {
      if (messages.size() > 1) {
        return JoinedAnswer.of(messages);
      }
      return shape.refusalAsContent() == null
          ? messages.getFirst().body()
          : shape.refusalAsContent();
    }

    void writeTo(List<Json> out) {
      out.add(body());
      for (String call : calls) {
        Message output = outputs.get(call);
        out.add(output == null ? unanswered(call) : output.body());
      }
    }

    long tokens(ToIntFunction<Message> count) {
      long tokens = 0;
      for (Message message : messages) {
        tokens += count.applyAsInt(message);
      }
      for (Message output : outputs.values()) {
        tokens += count.applyAsInt(output);
      }
      return tokens + 16L * (calls.size() - outputs.size());
    }

    long bytes() {
      long bytes = 0;
      for (Message message : messages) {
        bytes += message.body().length();
      }
      for (Message output : outputs.values()) {
        bytes += output.body().length();
      }
      return bytes;
    }
  }

  /**
   * What is told.
   *
   * @param cut whether something is left out that no summary stands for
   */
  record Told(List<Json> messages, boolean cut) {}

  /**
   * @param input ids of those that are told in any case
   * @param maxMessages how many, and
   * @param maxTokens how many tokens of them, as far as that case allows
   * @param count a message's tokens; not asked when all of it fits anyway, a token having a byte or
   *     more
   */
  static Told of(
      StandIn thread,
      Set<String> input,
      int maxMessages,
      long maxTokens,
      ToIntFunction<Message> count) {
    List<Unit> units = units(thread.rest(), input);
    Message summary = thread.summary();
    long left = summary == null ? maxTokens : maxTokens - count.applyAsInt(summary);
    return new Cut(units, maxMessages, left, count).told(thread);
  }

  /**
   * Messages that are no thread's, all of them, with the calls of one answer put together and their
   * outputs behind them.
   *
   * @param cut whether they are the end of something longer
   */
  public static List<Json> arranged(List<Json> bodies, boolean cut) {
    List<Message> messages = new ArrayList<>(bodies.size());
    for (Json body : bodies) {
      messages.add(new Message("", 0, Instant.EPOCH, body));
    }
    StandIn thread = StandIn.of(messages, null, cut, Set.of());
    List<Unit> units = units(thread.rest(), Set.of());
    if (cut) {
      return new Cut(units, Integer.MAX_VALUE, Long.MAX_VALUE, _ -> 0).told(thread).messages();
    }
    List<Json> told = new ArrayList<>(thread.lead());
    units.forEach(unit -> unit.writeTo(told));
    return told;
  }

  /** Where a window begins, and with what. */
  private static final class Cut {
    private final List<Unit> units;
    private final int maxMessages;
    private final long maxTokens;
    private final ToIntFunction<Message> count;
    private final boolean small;
    private int must;
    private long messages;
    private long tokens;

    Cut(List<Unit> units, int maxMessages, long maxTokens, ToIntFunction<Message> count) {
      this.units = units;
      this.maxMessages = maxMessages;
      this.maxTokens = maxTokens;
      this.count = count;
      small = units.stream().mapToLong(Unit::bytes).sum() <= maxTokens;
      must = units.size() - 1;
      for (int i = units.size() - 1; i >= 0; i--) {
        must = units.get(i).ofInput ? i : must;
      }
    }

    Told told(StandIn thread) {
      int first = first();
      List<Json> told = new ArrayList<>(thread.lead());
      int lead = first;
      while (lead < units.size() && isInstruction(units.get(lead))) {
        units.get(lead++).writeTo(told);
      }
      boolean cut = first > 0 || thread.more();
      // A summary is the user's, and may stand before an answer.
      if (thread.summary() == null
          && lead < units.size()
          && lacksItsQuestion(units.get(lead), cut)) {
        int user = nextUser(lead);
        if (user > lead && 2 * answersBefore(lead, user) <= messages) {
          for (Unit unit : units.subList(lead, user)) {
            if (isInstruction(unit)) {
              unit.writeTo(told);
            }
          }
          lead = user;
        } else {
          lead = question(first, lead, told);
        }
      }
      for (Unit unit : units.subList(lead, units.size())) {
        unit.writeTo(told);
      }
      return new Told(told, cut);
    }

    private int first() {
      int first = units.size();
      while (first > 0) {
        Unit unit = units.get(first - 1);
        boolean inAnyCase = first - 1 >= must;
        long withIt = messages + unit.count();
        if (!inAnyCase && withIt > maxMessages) {
          break;
        }
        long tokensWithIt = tokens + tokens(unit);
        if (!inAnyCase && tokensWithIt > maxTokens) {
          break;
        }
        messages = withIt;
        tokens = tokensWithIt;
        first--;
      }
      return first;
    }

    private long tokens(Unit unit) {
      return small ? 0 : unit.tokens(count);
    }

    /** A greeting at a thread's beginning answers nothing; everything else of a model does. */
    private static boolean lacksItsQuestion(Unit unit, boolean cut) {
      return unit.isOf("assistant") && (cut || !unit.calls.isEmpty());
    }

    private static boolean isInstruction(Unit unit) {
      return unit.isOf("system") || unit.isOf("developer");
    }

    /** The first message of a user that may be the first of all; -1 for none. */
    private int nextUser(int from) {
      for (int i = from; i <= must; i++) {
        if (units.get(i).isOf("user")) {
          return i;
        }
      }
      return -1;
    }

    private long answersBefore(int from, int to) {
      return units.subList(from, to).stream()
          .filter(unit -> !isInstruction(unit))
          .mapToLong(Unit::count)
          .sum();
    }

    /**
     * Puts the question of a tool loop before what is told of the loop.
     *
     * @return where the rest begins: as much of it as was put there is left out
     */
    private int question(int first, int lead, List<Json> told) {
      int from = lead;
      long room = messages + 1;
      while (room > maxMessages && from < must) {
        room -= units.get(from).count();
        tokens -= tokens(units.get(from));
        from++;
        if (!units.get(from).isOf("assistant")) {
          return from;
        }
      }
      Unit question = null;
      for (int i = first - 1; i >= 0 && question == null; i--) {
        question = units.get(i).isOf("user") ? units.get(i) : null;
      }
      long size = question == null ? LEFT_OUT_TOKENS : tokens(question);
      if (2 * size > maxTokens) {
        question = null;
        size = LEFT_OUT_TOKENS;
      }
      while (!small && tokens + size > maxTokens && from < must) {
        tokens -= tokens(units.get(from++));
      }
      if (units.get(from).isOf("assistant")) {
        if (question == null) {
          told.add(LEFT_OUT);
        } else {
          question.writeTo(told);
        }
      }
      return from;
    }
  }

  private static List<Unit> units(List<Message> thread, Set<String> input) {
    List<Unit> units = new ArrayList<>(thread.size());
    Map<String, Unit> byCall = new HashMap<>();
    // What may go on with the next message.
    Unit answer = null;
    List<Message> thoughts = new ArrayList<>(0);
    for (Message message : thread) {
      MessageShape shape = MessageShape.of(message.body());
      Unit unit;
      if (shape.answers() != null) {
        unit = byCall.get(shape.answers());
        if (unit == null) {
          continue;
        }
        // The later one: what closed the call of an aborted turn gives way to a real output.
        unit.outputs.put(shape.answers(), message);
        answer = null;
        thoughts.clear();
      } else if (shape.thought()) {
        // What a server sealed stands behind its answer.
        (shape.sealed() && answer != null ? answer.messages : thoughts).add(message);
        continue;
      } else if (shape.empty()) {
        continue;
      } else {
        if (answer != null && answer.goesOn(shape)) {
          unit = answer;
        } else {
          unit = new Unit(shape);
          units.add(unit);
        }
        boolean assistant = shape.role().equals("assistant");
        if (assistant) {
          unit.messages.addAll(thoughts);
        }
        thoughts.clear();
        unit.add(message, shape);
        answer = assistant ? unit : null;
        for (String call : shape.calls()) {
          byCall.put(call, unit);
        }
      }
      unit.ofInput |= input.contains(message.id());
    }
    return units;
  }

  private static Json unanswered(String call) {
    JsonWriter out = new JsonWriter(96).ascii("{\"role\":\"tool\",\"content\":\"No output.\"");
    return out.ascii(",\"toolCallId\":").string(call).ascii("}").toJson();
  }
}
