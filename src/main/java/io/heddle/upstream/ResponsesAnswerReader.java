package io.heddle.upstream;

import io.heddle.turn.ModelEvent;
import io.heddle.upstream.CallFailure.Blame;
import io.heddle.upstream.ServerJson.UnexpectedJson;
import java.util.List;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;

/**
 * Reads events of Responses, or a whole response, in all forms that servers give them. Events come
 * in order, so their numbers say nothing new; what is not known is skipped.
 */
final class ResponsesAnswerReader extends AnswerReader {

  private final ResponsesOutput output;

  ResponsesAnswerReader(AnswerAssembler answer) {
    super(answer);
    output = new ResponsesOutput(answer);
  }

  @Override
  int kept() {
    return answer.kept() + output.kept();
  }

  @Override
  void event(String type, byte[] data, int length, List<ModelEvent> out) {
    if (answer.isFinished() || length == 0 || ServerJson.isDone(data, length)) {
      return;
    }
    Members members = parse(type, data, length, Members::read);
    if (members != null) {
      ResponsesEvent event = ResponsesEvent.of(members);
      take(event, event.type().isEmpty() ? type : event.type(), data, length, out);
    }
  }

  /** Takes an answer that is no event stream: a response, or its events one after the other. */
  @Override
  void whole(byte[] json, List<ModelEvent> out) {
    try {
      events(json, out);
    } catch (JacksonException | UnexpectedJson e) {
      whole(answer.mended(json), out);
      return;
    }
    end(out);
  }

  private void events(byte[] json, List<ModelEvent> out) {
    try (JsonParser in = ServerJson.parser(json, json.length)) {
      Members next = Members.next(in, json);
      if (next == null) {
        throw faults.brokeOff(answer.hasSaid());
      }
      while (next != null && !answer.isFinished()) {
        ResponsesEvent event = ResponsesEvent.of(next);
        if (event.type().isEmpty() && !event.isResponse() && event.error() == null) {
          throw answer.notA(json, "response");
        }
        take(event, event.type(), json, json.length, out);
        next = answer.isFinished() ? null : Members.next(in, json);
      }
    }
  }

  /** Only the server says that its answer is whole. */
  @Override
  void end(List<ModelEvent> out) {
    if (!answer.isFinished()) {
      throw faults.brokeOff(answer.hasSaid());
    }
  }

  @Override
  boolean isIgnored(String type, byte[] data) {
    return isEnding() && answer.isFinished();
  }

  private void take(
      ResponsesEvent event, String type, byte[] json, int length, List<ModelEvent> out) {
    answer.model(event.model());
    answer.usage(event.usage());
    switch (type) {
      case "response.output_text.delta" -> output.text(event, false, out);
      case "response.output_text.done" -> output.text(event, true, out);
      case "response.refusal.delta" -> output.refusal(event, false, out);
      case "response.refusal.done" -> output.refusal(event, true, out);
      case "response.reasoning_summary_text.delta" -> output.thought(event, "summary", false, out);
      case "response.reasoning_summary_text.done" -> output.thought(event, "summary", true, out);
      case "response.reasoning_text.delta", "response.reasoning.delta" ->
          output.thought(event, "content", false, out);
      case "response.reasoning_text.done", "response.reasoning.done" ->
          output.thought(event, "content", true, out);
      case "response.function_call_arguments.delta" ->
          output.arguments(event, "function_call", false, out);
      case "response.function_call_arguments.done" ->
          output.arguments(event, "function_call", true, out);
      case "response.custom_tool_call_input.delta" ->
          output.arguments(event, "custom_tool_call", false, out);
      case "response.custom_tool_call_input.done" ->
          output.arguments(event, "custom_tool_call", true, out);
      case "response.output_item.added", "response.output_item.done" -> {
        ResponsesItem item = event.item();
        if (item != null && type.endsWith("added")) {
          output.begin(event, item);
        } else if (item != null) {
          output.done(event, item, out);
        }
      }
      case "response.completed", "response.done" -> complete(event, "completed", out);
      case "response.incomplete" -> complete(event, "incomplete", out);
      case "response.failed", "response.cancelled" ->
          complete(event, type.substring("response.".length()), out);
      default -> other(event, type, json, length, out);
    }
  }

  private void other(
      ResponsesEvent event, String type, byte[] json, int length, List<ModelEvent> out) {
    ServerError error = event.error();
    if (error == null && type.equals("error")) {
      throw failure(error, json, length);
    }
    if (error != null) {
      throw failure(error);
    }
    if (event.isResponse()) {
      complete(event, event.status() == null ? "completed" : event.status(), out);
    }
  }

  /**
   * @param status that the event has by its name: of two, the worse one counts
   */
  private void complete(ResponsesEvent event, String status, List<ModelEvent> out) {
    String end = status.equals("completed") && event.status() != null ? event.status() : status;
    if (event.error() != null || end.equals("failed")) {
      ServerError none = new ServerError(null, null, null, null, 0, null);
      throw failure(event.error() == null ? none : event.error());
    }
    output.all(event.items(), out);
    switch (end) {
      case "completed" -> answer.reason(event.incomplete() == null ? "stop" : cut(event));
      case "incomplete" -> answer.reason(cut(event));
      default ->
          throw faults.failed(
              "ended its answer with the status " + faults.cleaned(end),
              answer.hasSaid() ? Blame.NOBODY : Blame.SERVER);
    }
    if (!output.isWhole() && !end.equals("incomplete")) {
      throw faults.failed("made a tool call without a name", Blame.NOBODY);
    }
    output.finish();
    answer.finish(out);
  }

  /** An incomplete answer is never a whole one, whatever word stands for the reason. */
  private static String cut(ResponsesEvent event) {
    String said = event.incomplete() == null ? "" : event.incomplete();
    return switch (FinishReason.of(said)) {
      case STOP, TOOL_CALLS -> "max_output_tokens";
      default -> said;
    };
  }

  private CallFailure failure(ServerError error) {
    String code = error.code() == null ? "" : error.code();
    boolean ofRequest = code.startsWith("invalid_") || code.contains("image");
    return faults.inStream(
        ofRequest && error.status() == 0
            ? new ServerError(
                error.message(), error.type(), code, error.param(), 400, error.pause())
            : error,
        answer.hasSaid());
  }
}
