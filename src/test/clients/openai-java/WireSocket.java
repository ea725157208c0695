package io.heddle.clients;

import static io.heddle.clients.Cases.check;
import static io.heddle.clients.Cases.equal;
import static io.heddle.clients.Wire.CASES;

import com.openai.core.JsonValue;
import com.openai.core.http.ResponseConnection;
import com.openai.core.http.ResponseWebSocketException;
import com.openai.models.responses.FunctionTool;
import com.openai.models.responses.Response;
import com.openai.models.responses.ResponseInputItem;
import com.openai.models.responses.ResponseStatus;
import com.openai.models.responses.ResponsesClientEvent;
import java.util.List;
import java.util.function.Consumer;

/** Responses over a WebSocket: two lanes, a tool, a fork, an error. Nothing is stored. */
final class WireSocket {

  private static final String TOOL = "look";

  private WireSocket() {}

  static void run(Wire wire) {
    CASES.of(
        "wire: a socket with two lanes",
        () -> {
          try (ResponseConnection connection = CASES.call(() -> wire.client.responses().connect());
              ResponseConnection.Lane main = connection.lane("main");
              ResponseConnection.Lane fork = connection.lane("fork")) {
            lanes(main, fork);
          }
        });
  }

  private static void lanes(ResponseConnection.Lane main, ResponseConnection.Lane fork) {
    Response called = ask(main, request -> request.streamId("main").input("Look around"));
    String call = called.output().get(0).asFunctionCall().callId();
    ResponseInputItem output =
        ResponseInputItem.ofFunctionCallOutput(
            ResponseInputItem.FunctionCallOutput.builder().callId(call).output("java").build());
    Response answered =
        ask(
            main,
            request ->
                request
                    .streamId("main")
                    .previousResponseId(called.id())
                    .inputOfResponse(List.of(output)));
    equal("The tool shows: ", Wire.text(answered));
    Response forked =
        ask(
            fork,
            request ->
                request
                    .streamId("fork")
                    .previousResponseId(answered.id())
                    .input("What did I say?"));
    equal(ResponseStatus.COMPLETED, forked.status().orElseThrow());
    equal("You said: Look around. ", Wire.text(forked));
    CASES.refused(
        e -> {
          check(e instanceof ResponseWebSocketException, e);
          String event = ((ResponseWebSocketException) e).event().toString();
          check(event.contains("previous_response_not_found"), event);
        },
        () ->
            sent(
                main,
                request -> request.streamId("main").previousResponseId("resp_no").input("x")));
  }

  private static Response ask(
      ResponseConnection.Lane lane, Consumer<ResponsesClientEvent.ResponseCreate.Builder> asked) {
    return CASES.call(() -> sent(lane, asked));
  }

  private static Response sent(
      ResponseConnection.Lane lane, Consumer<ResponsesClientEvent.ResponseCreate.Builder> asked) {
    ResponsesClientEvent.ResponseCreate.Builder request =
        ResponsesClientEvent.ResponseCreate.builder().model(Cases.MODEL).store(false);
    request.addTool(
        FunctionTool.builder()
            .name(TOOL)
            .strict(false)
            .parameters(
                FunctionTool.Parameters.builder()
                    .putAdditionalProperty("type", JsonValue.from("object"))
                    .build())
            .build());
    asked.accept(request);
    lane.send(ResponsesClientEvent.ofResponseCreate(request.build()));
    return lane.finalResponse();
  }
}
