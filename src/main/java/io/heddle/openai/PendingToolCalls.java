package io.heddle.openai;

import io.heddle.json.Json;
import io.heddle.json.JsonValue;
import io.heddle.session.Message;
import io.heddle.session.NewMessage;
import io.heddle.session.ThreadPage;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The tool calls of a thread and what answers them. A model takes no thread in which a call is left
 * open, nor an answer to none; a turn on it would only fail. Where an answer stands does not
 * matter: what a model is told puts it behind its call, and clients send the user's message before
 * it.
 */
final class PendingToolCalls {

  /** So much of the thread's end is looked at. */
  static final int WINDOW = 50;

  private final Set<String> calls = new LinkedHashSet<>();

  /** What the thread's messages of users say. */
  private final Set<Json> asked = new HashSet<>();

  /** What its assistant says in words. */
  private final Set<String> said = new HashSet<>();

  /** Its calls whole: what is called, and with what. */
  private final Set<Made> made = new HashSet<>();

  /** What answered them, the last one of each. */
  private final Map<String, Json> outputs = new HashMap<>();

  private PendingToolCalls() {}

  private record Made(String id, String name, String arguments) {}

  /**
   * Refuses input that leaves a call open, or answers one that is not there.
   *
   * @return the input without what the thread has already word for word: with each step of a loop
   *     clients send the questions again, and what the model and their tools said in all steps
   */
  static List<NewMessage> check(ThreadPage end, List<NewMessage> input) {
    // What a running turn will add is not known yet.
    if (end.session().head().activeTurn() != null) {
      return input;
    }
    PendingToolCalls calls = new PendingToolCalls();
    for (Message message : end.messages()) {
      JsonValue fields = OpenAiJson.object(message.body());
      calls.addCalls(fields);
      calls.addOutput(fields);
      if (fields.word("role").equals("user")) {
        calls.asked.add(content(fields));
      } else if (fields.word("role").equals("assistant")) {
        calls.said.add(words(fields));
        calls.made.addAll(made(fields));
      }
    }
    return calls.with(input, !end.hasMore());
  }

  /** The same of a thread that begins with this input. */
  static List<NewMessage> check(List<NewMessage> input) {
    return new PendingToolCalls().with(input, true);
  }

  private List<NewMessage> with(List<NewMessage> input, boolean whole) {
    List<NewMessage> added = new ArrayList<>(input.size());
    // An output before its call waits for it: nobody looks for it there later.
    Map<String, NewMessage> early = new HashMap<>();
    // Calls of the input that wait for their output, by their ids.
    Map<String, Made> waiting = new HashMap<>();
    Set<String> ofInput = new LinkedHashSet<>();
    for (NewMessage message : input) {
      ofInput.addAll(calls(OpenAiJson.object(message.body())));
    }
    Set<String> open = new HashSet<>(calls);
    open.removeAll(outputs.keySet());
    boolean step = !open.isEmpty();
    for (NewMessage message : input) {
      JsonValue fields = OpenAiJson.object(message.body());
      String answers = answers(fields);
      if (answers == null) {
        if (step && isThere(fields)) {
          // Told after the output a question would be asked anew, and the model would call again.
          continue;
        }
        List<Made> made = made(fields);
        if (isMade(made, waiting) && !fields.has("content")) {
          // Sent twice. Told so it would be a call without an output, and another of the same id.
          continue;
        }
        made.forEach(call -> waiting.put(call.id(), call));
        added.add(message);
        for (String call : addCalls(fields)) {
          NewMessage output = early.remove(call);
          if (output != null) {
            waiting.remove(call);
            outputs.put(call, content(OpenAiJson.object(output.body())));
            added.add(output);
          }
        }
        continue;
      }
      step &= !open.contains(answers);
      waiting.remove(answers);
      boolean known = calls.contains(answers);
      if (!known && !ofInput.contains(answers) && whole) {
        throw WireError.invalid(
                "input",
                "No tool call found for function call output with call_id " + answers + ".")
            .toException();
      }
      Json output = content(fields);
      if (output.equals(outputs.put(answers, output)) && known) {
        continue;
      }
      if (known || !ofInput.contains(answers)) {
        added.add(message);
      } else {
        early.put(answers, message);
      }
    }
    for (String call : calls) {
      if (!outputs.containsKey(call)) {
        throw WireError.invalid("input", "No tool output found for function call " + call + ".")
            .toException();
      }
    }
    return added;
  }

  /** Whether there are calls, and all of them are among those. */
  private static boolean isMade(List<Made> calls, Map<String, Made> among) {
    return !calls.isEmpty() && calls.stream().allMatch(call -> call.equals(among.get(call.id())));
  }

  private boolean isThere(JsonValue message) {
    return switch (message.word("role")) {
      case "user" -> asked.contains(content(message));
      case "assistant" -> {
        List<Made> calls = made(message);
        String words = words(message);
        yield (words.isEmpty() || said.contains(words))
            && (!words.isEmpty() || !calls.isEmpty())
            && made.containsAll(calls);
      }
      default -> false;
    };
  }

  /** Of text alone, in whichever form; empty for what has more than that. */
  private static String words(JsonValue message) {
    JsonValue content = message.get("content");
    if (content == null || content.isString()) {
      return message.word("content");
    }
    StringBuilder words = new StringBuilder();
    for (JsonValue part : content.isArray() ? content.array() : List.<JsonValue>of()) {
      JsonValue fields = part.isObject() ? part.object() : OpenAiJson.object(Json.EMPTY_OBJECT);
      if (!fields.word("type").equals("text")) {
        return "";
      }
      words.append(fields.word("text"));
    }
    return words.toString();
  }

  private static List<Made> made(JsonValue message) {
    return StoredCall.of(message).stream()
        .map(call -> new Made(call.id(), call.name(), call.arguments()))
        .toList();
  }

  private Set<String> addCalls(JsonValue body) {
    Set<String> made = calls(body);
    for (String call : made) {
      calls.add(call);
      // Some models number their calls from 0 in each answer: an older output is none of this one.
      outputs.remove(call);
    }
    return made;
  }

  /**
   * To be compared: a text has one form, whichever one it was sent or stored in. Releases differ in
   * how they escape control characters.
   */
  static Json content(JsonValue message) {
    JsonValue content = message.get("content");
    return content == null
        ? Json.NULL
        : content.isString() ? Json.text(content.text()) : content.json();
  }

  private void addOutput(JsonValue body) {
    String answers = answers(body);
    if (answers != null) {
      outputs.put(answers, content(body));
    }
  }

  private static Set<String> calls(JsonValue body) {
    if (!body.word("role").equals("assistant")) {
      return Set.of();
    }
    Set<String> ids = new LinkedHashSet<>();
    for (StoredCall call : StoredCall.of(body)) {
      ids.add(call.id());
    }
    return ids;
  }

  private static @Nullable String answers(JsonValue body) {
    return body.word("role").equals("tool") ? body.word("toolCallId") : null;
  }
}
