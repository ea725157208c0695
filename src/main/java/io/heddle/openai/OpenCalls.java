package io.heddle.openai;

import io.heddle.base.Json;
import io.heddle.session.Message;
import io.heddle.session.NewMessage;
import io.heddle.session.ThreadPage;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * The tool calls of a thread that nobody has answered. A model takes no thread in which one is left
 * open before the next message, nor an answer to none; a turn on it would only fail.
 */
final class OpenCalls {

  /** So much of the thread's end is looked at. */
  static final int WINDOW = 50;

  private final Set<String> open = new LinkedHashSet<>();
  private final boolean whole;

  private OpenCalls(boolean whole) {
    this.whole = whole;
  }

  /** Refuses input that leaves a call open, or answers one that is not there. */
  static void check(ThreadPage end, List<NewMessage> input) {
    // What a running turn will add is not known yet.
    if (end.session().head().activeTurn() != null) {
      return;
    }
    OpenCalls calls = new OpenCalls(!end.hasMore());
    for (Message message : end.messages()) {
      calls.seen(message.body(), false);
    }
    for (NewMessage message : input) {
      calls.seen(message.body(), true);
    }
    calls.open.stream().findFirst().ifPresent(OpenCalls::unanswered);
  }

  /** The same of a thread that begins with this input. */
  static void check(List<NewMessage> input) {
    OpenCalls calls = new OpenCalls(true);
    for (NewMessage message : input) {
      calls.seen(message.body(), true);
    }
    calls.open.stream().findFirst().ifPresent(OpenCalls::unanswered);
  }

  private void seen(Json body, boolean input) {
    Fields fields = Fields.of(body);
    switch (fields.word("role")) {
      case "assistant" -> {
        Value calls = fields.get("toolCalls");
        if (calls != null && calls.isArray()) {
          for (Value call : calls.elements()) {
            open.add(call.fields().word("id"));
          }
        }
      }
      case "tool" -> {
        String id = fields.word("toolCallId");
        if (!open.remove(id) && input && whole) {
          throw WireError.invalid(
                  "input", "No tool call found for function call output with call_id " + id + ".")
              .toException();
        }
      }
      default -> {
        if (input && !isUntold(fields)) {
          open.stream().findFirst().ifPresent(OpenCalls::unanswered);
        }
      }
    }
  }

  /** Whether no model is told of it. */
  private static boolean isUntold(Fields fields) {
    Value content = fields.get("content");
    return content != null
        && content.isArray()
        && content.elements().stream()
            .allMatch(part -> part.isObject() && part.fields().word("type").equals(ItemInput.PART));
  }

  private static void unanswered(String id) {
    throw WireError.invalid("input", "No tool output found for function call " + id + ".")
        .toException();
  }
}
