package io.heddle.turn;

import io.heddle.base.Json;
import io.heddle.base.JsonBuffer;
import io.heddle.session.Message;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/**
 * What of a thread a model is told: the newest messages, and never a tool call apart from its
 * outputs. A thread may be cut anywhere, and other clients may write to it at any time, but every
 * model refuses a call without an output, an output without a call, and anything between the two.
 * So calls and outputs are one unit: outputs are moved behind their call, a call that nobody
 * answered gets an output that says so, and an output without a call is left out.
 */
final class Window {

  private Window() {}

  /** A message, with the outputs of its tool calls. */
  private static final class Unit {
    final Message message;
    final Shape shape;
    final Map<String, Message> outputs = new HashMap<>();
    boolean ofInput;

    Unit(Message message, Shape shape) {
      this.message = message;
      this.shape = shape;
    }

    int messages() {
      return 1 + shape.calls.size();
    }

    void writeTo(List<Json> out) {
      Json body = message.body();
      out.add(shape.refusalAsContent == null ? body : shape.refusalAsContent);
      for (String call : shape.calls) {
        Message output = outputs.get(call);
        out.add(output == null ? unanswered(call) : output.body());
      }
    }

    long tokens(ToIntFunction<Message> count) {
      long tokens = count.applyAsInt(message);
      for (Message output : outputs.values()) {
        tokens += count.applyAsInt(output);
      }
      return tokens + 16L * (shape.calls.size() - outputs.size());
    }
  }

  /**
   * @param thread its newest messages, oldest first
   * @param input ids of those that are told in any case
   * @param maxMessages how many, and
   * @param maxTokens how many tokens of them, as far as that case allows
   * @param count a message's tokens; not asked when all of it fits anyway, a token having a byte or
   *     more
   */
  static List<Json> of(
      List<Message> thread,
      Set<String> input,
      int maxMessages,
      long maxTokens,
      ToIntFunction<Message> count) {
    List<Unit> units = units(thread, input);
    int first = firstOf(units, maxMessages, maxTokens, count);
    List<Json> told = new ArrayList<>();
    for (Unit unit : units.subList(first, units.size())) {
      unit.writeTo(told);
    }
    return told;
  }

  private static int firstOf(
      List<Unit> units, int maxMessages, long maxTokens, ToIntFunction<Message> count) {
    int must = units.size() - 1;
    for (int i = units.size() - 1; i >= 0; i--) {
      must = units.get(i).ofInput ? i : must;
    }
    boolean small = bytes(units) <= maxTokens;
    long messages = 0;
    long tokens = 0;
    int first = units.size();
    while (first > 0) {
      Unit unit = units.get(first - 1);
      messages += unit.messages();
      boolean inAnyCase = first - 1 >= must;
      if (!inAnyCase && messages > maxMessages) {
        break;
      }
      tokens += small ? 0 : unit.tokens(count);
      if (!inAnyCase && tokens > maxTokens) {
        break;
      }
      first--;
    }
    return first;
  }

  private static long bytes(List<Unit> units) {
    long bytes = 0;
    for (Unit unit : units) {
      bytes += unit.message.body().length();
      for (Message output : unit.outputs.values()) {
        bytes += output.body().length();
      }
    }
    return bytes;
  }

  private static List<Unit> units(List<Message> thread, Set<String> input) {
    List<Unit> units = new ArrayList<>(thread.size());
    Map<String, Unit> byCall = new HashMap<>();
    for (Message message : thread) {
      Shape shape = Shape.of(message.body());
      Unit unit;
      if (shape.answers != null) {
        unit = byCall.get(shape.answers);
        if (unit == null) {
          continue;
        }
        // The later one: what closed the call of an aborted turn gives way to a real output.
        unit.outputs.put(shape.answers, message);
      } else if (shape.empty) {
        continue;
      } else {
        unit = new Unit(message, shape);
        units.add(unit);
        for (String call : shape.calls) {
          byCall.put(call, unit);
        }
      }
      unit.ofInput |= input.contains(message.id());
    }
    return units;
  }

  private static Json unanswered(String call) {
    JsonBuffer out = new JsonBuffer(96).ascii("{\"role\":\"tool\",\"content\":\"No output.\"");
    return out.ascii(",\"toolCallId\":").string(call).ascii("}").toJson();
  }

  /**
   * What matters here of a message.
   *
   * @param calls ids of its tool calls
   * @param answers the call whose output it is, or null
   * @param empty whether it says nothing at all
   * @param refusalAsContent the same message with its refusal as its content, which is the only
   *     form of it that every model takes; null when it needs none
   */
  private record Shape(
      List<String> calls,
      @Nullable String answers,
      boolean empty,
      @Nullable Json refusalAsContent) {

    private static final Shape ODD = new Shape(List.of(), null, false, null);

    static Shape of(Json body) {
      String role = "";
      String answers = null;
      String refusal = null;
      boolean content = false;
      List<String> calls = new ArrayList<>();
      try (JsonParser in = Pieces.parser(body.utf8())) {
        in.nextToken();
        while (in.nextToken() == JsonToken.PROPERTY_NAME) {
          String name = in.currentName();
          JsonToken value = in.nextToken();
          switch (name) {
            case "role" -> role = in.getValueAsString("");
            case "toolCallId" -> answers = in.getValueAsString();
            case "refusal" -> refusal = in.getValueAsString();
            case "content" -> {
              content = hasSome(in, value);
            }
            case "toolCalls" -> readCalls(in, value, calls);
            default -> in.skipChildren();
          }
        }
      } catch (JacksonException _) {
        return ODD;
      }
      if (role.equals("tool")) {
        return new Shape(List.of(), answers == null ? "" : answers, false, null);
      }
      if (!role.equals("assistant")) {
        return ODD;
      }
      boolean bare = !content && calls.isEmpty();
      Json refused = bare && refusal != null && !refusal.isEmpty() ? asContent(refusal) : null;
      boolean empty = bare && refused == null;
      return new Shape(Collections.unmodifiableList(calls), null, empty, refused);
    }

    private static boolean hasSome(JsonParser in, JsonToken value) {
      return switch (value) {
        case VALUE_STRING -> !in.getString().isEmpty();
        case START_ARRAY -> {
          boolean some = in.nextToken() != JsonToken.END_ARRAY;
          if (some) {
            in.skipChildren();
            while (in.nextToken() != JsonToken.END_ARRAY) {
              in.skipChildren();
            }
          }
          yield some;
        }
        case VALUE_NULL -> false;
        default -> {
          in.skipChildren();
          yield true;
        }
      };
    }

    private static void readCalls(JsonParser in, JsonToken value, List<String> calls) {
      if (value != JsonToken.START_ARRAY) {
        in.skipChildren();
        return;
      }
      while (in.nextToken() == JsonToken.START_OBJECT) {
        while (in.nextToken() == JsonToken.PROPERTY_NAME) {
          String name = in.currentName();
          in.nextToken();
          String id = name.equals("id") ? in.getValueAsString() : null;
          if (id != null && !calls.contains(id)) {
            calls.add(id);
          }
          in.skipChildren();
        }
      }
    }

    private static Json asContent(String refusal) {
      JsonBuffer out = new JsonBuffer(64 + refusal.length());
      out.ascii("{\"role\":\"assistant\",\"content\":").string(refusal);
      return out.ascii("}").toJson();
    }
  }
}
