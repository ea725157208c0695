package io.heddle.openai;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.testing.ModelScript;
import io.heddle.testing.RecordedStream;
import io.heddle.testing.ScriptedModel;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * What model servers send, through the whole of a replica: on every wire, plain and streamed, a
 * client is told the same answer, and that one is saved.
 */
@Execution(ExecutionMode.CONCURRENT)
class RecordedStreamsIT {

  private static final JsonMapper MAPPER = new JsonMapper();
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final HttpClient HTTP = HttpClient.newHttpClient();

  private static ScriptedModel server;
  private static Replica replica;

  /** What a client was told. */
  private static final class Told {
    private String text = "";
    private String reasoning = "";
    private String refusal = "";
    private final Map<Integer, RecordedStream.Call> calls = new TreeMap<>();
    private boolean complete;

    void call(int index, String id, String name, String arguments) {
      calls.merge(
          index,
          new RecordedStream.Call(id, name, arguments),
          (one, more) ->
              new RecordedStream.Call(one.id(), one.name(), one.arguments() + more.arguments()));
    }
  }

  @BeforeAll
  static void open() {
    server = ScriptedModel.start();
    Map<String, ModelScript> scripts =
        RecordedStream.all().stream()
            .collect(Collectors.toMap(RecordedStream::name, RecordedStreamsIT::script));
    server.answer(request -> {
      JsonNode body = MAPPER.readTree(request.body());
      JsonNode messages = body.path(body.has("messages") ? "messages" : "input");
      JsonNode content = messages.get(messages.size() - 1).get("content");
      return scripts.get(content.isArray() ? content.at("/0/text").asString() : content.asString());
    });
    List<String> settings = new ArrayList<>();
    for (String kind : kinds()) {
      String upstream = "--heddle.upstreams." + kind + ".";
      settings.add(upstream + "kind=" + kind);
      settings.add(upstream + "base-url=" + server.baseUrl());
      settings.add(upstream + "models=" + kind);
      // Many of them fail, and the server is well.
      settings.add(upstream + "breaker.minimum-calls=10000");
    }
    replica = Replica.embedded(settings.toArray(String[]::new));
  }

  private static Set<String> kinds() {
    return RecordedStream.all().stream().map(RecordedStream::kind).collect(Collectors.toSet());
  }

  private static ModelScript script(RecordedStream stream) {
    ModelScript script =
        ModelScript.status(stream.status())
            .header("Content-Type", stream.contentType())
            .bytes(stream.body());
    return stream.isCut() ? script.cut() : script;
  }

  @AfterAll
  static void close() {
    replica.close();
    server.close();
  }

  static Stream<RecordedStream> streams() {
    return RecordedStream.all().stream();
  }

  // ---- native

  @ParameterizedTest
  @MethodSource("streams")
  void isToldAndSavedByTurns(RecordedStream stream) throws Exception {
    for (boolean streamed : new boolean[] {false, true}) {
      String session = stream.name() + (streamed ? "-s" : "-p");
      String path = "/v1/sessions/" + session;
      HttpResponse<String> answer =
          post(
              path + "/turns?create=true",
              "{'content':'%s','model':'%s','parameters':{'temperature':1},'stream':%s}"
                  .formatted(stream.name(), stream.kind(), streamed));
      assertThat(answer.statusCode()).as(answer.body()).isBetween(200, 299);
      JsonNode end = streamed ? null : MAPPER.readTree(answer.body());
      if (streamed) {
        Told told = new Told();
        for (JsonNode event : events(answer.body())) {
          switch (event.path("type").asString()) {
            case "turn.delta" -> told.text += event.path("text").asString();
            case "turn.text" -> {
              told.text = event.path("text").asString("");
              told.reasoning = event.path("reasoning").asString("");
            }
            case "turn.reasoning" -> told.reasoning += event.path("text").asString();
            case "turn.refusal" -> told.refusal += event.path("text").asString();
            case "turn.toolCall" ->
                told.call(
                    event.path("index").asInt(),
                    event.path("id").asString(null),
                    event.path("name").asString(null),
                    event.path("arguments").asString());
            case "turn.completed", "turn.incomplete", "turn.failed" -> end = event;
            default -> {
              // It has started.
            }
          }
        }
        told.complete = end.path("type").asString().equals("turn.completed");
        check(stream, told);
      } else {
        assertThat(end.path("status").asString().equals("completed"))
            .isEqualTo(stream.isComplete());
      }
      if (stream.finish() == null) {
        assertThat(end.at("/error/code").asString())
            .isEqualTo(stream.problem().path("code").asString());
        assertThat(end.at("/error/detail").asString())
            .contains(stream.problem().path("detail").asString());
        assertThat(end.at("/error/upstreamCode").asString(null))
            .isEqualTo(stream.problem().path("upstreamCode").asString(null));
        assertThat(end.at("/error/upstreamParam").asString(null)).isEqualTo(parameter(stream));
      } else {
        assertThat(end.path("finishReason").asString()).isEqualTo(stream.finish());
      }
      JsonNode saved = MAPPER.readTree(get(path + "/messages").body()).get("data");
      checkSaved(stream, saved);
    }
  }

  private static void checkSaved(RecordedStream stream, JsonNode messages) {
    Told saved = new Told();
    boolean isKept = messages.size() > 1;
    if (isKept) {
      JsonNode message = messages.get(1);
      assertThat(message.path("status").asString())
          .isEqualTo(stream.isComplete() ? "completed" : "incomplete");
      saved.text = message.path("content").asString("");
      saved.reasoning = message.path("reasoning").asString("");
      saved.refusal = message.path("refusal").asString("");
      for (JsonNode call : message.path("toolCalls")) {
        saved.call(
            saved.calls.size(),
            call.path("id").asString(),
            called(call).path("name").asString(),
            said(called(call)));
      }
      saved.complete = stream.isComplete();
    }
    if (stream.isComplete()) {
      check(stream, saved);
    } else {
      // A half call is not kept, and thoughts alone are nothing to keep.
      assertThat(saved.text).isEqualTo(stream.text());
      assertThat(saved.refusal).isEqualTo(stream.refusal());
    }
  }

  // ---- Chat Completions

  @ParameterizedTest
  @MethodSource("streams")
  void isToldByChat(RecordedStream stream) throws Exception {
    String body =
        "{'model':'%s','temperature':1,'messages':[{'role':'user','content':'%s'}],'stream':"
            .formatted(stream.kind(), stream.name());
    HttpResponse<String> plain = post("/openai/v1/chat/completions", body + "false}");
    HttpResponse<String> streamed =
        post("/openai/v1/chat/completions", body + "true,'stream_options':{'include_usage':true}}");
    if (stream.finish() == null) {
      assertThat(plain.statusCode()).isGreaterThanOrEqualTo(400);
      JsonNode error = MAPPER.readTree(plain.body()).get("error");
      checkRefused(stream, error);
      assertThat(error.path("param").asString(null)).isEqualTo(parameter(stream));
      assertThat(streamed.body()).contains("\"error\"").doesNotContain("[DONE]");
      return;
    }
    assertThat(plain.statusCode()).as(plain.body()).isEqualTo(200);
    JsonNode completion = MAPPER.readTree(plain.body());
    Told told = new Told();
    take(completion.at("/choices/0/message"), told);
    told.complete = isComplete(completion.at("/choices/0"));
    assertThat(completion.at("/choices/0/message/annotations")).isEqualTo(stream.annotations());
    check(stream, told);
    assertThat(completion.at("/choices/0/finish_reason").asString()).isEqualTo(stream.finish());
    checkUsage(stream, completion.get("usage"));

    assertThat(streamed.body()).endsWith("data: [DONE]\n\n");
    Told bits = new Told();
    List<JsonNode> sources = new ArrayList<>();
    List<JsonNode> chunks = events(streamed.body());
    for (JsonNode chunk : chunks) {
      chunk.at("/choices/0/delta/annotations").forEach(sources::add);
      take(chunk.at("/choices/0/delta"), bits);
      bits.complete |= isComplete(chunk.at("/choices/0"));
    }
    check(stream, bits);
    assertThat(sources).containsExactlyElementsOf(stream.annotations());
    checkUsage(stream, chunks.getLast().get("usage"));
  }

  private static boolean isComplete(JsonNode choice) {
    String reason = choice.path("finish_reason").asString("");
    return reason.equals("stop") || reason.equals("tool_calls");
  }

  private static void take(JsonNode said, Told told) {
    told.text += said.path("content").asString("");
    told.reasoning += said.path("reasoning_content").asString("");
    told.refusal += said.path("refusal").asString("");
    for (JsonNode call : said.path("tool_calls")) {
      int index = call.path("index").asInt(told.calls.size());
      assertThat(index).isBetween(0, told.calls.size());
      told.call(
          index,
          call.path("id").asString(null),
          called(call).path("name").asString(null),
          said(called(call)));
    }
  }

  /** What a call names, be it of a function or of a custom tool. */
  private static JsonNode called(JsonNode call) {
    return call.path(call.has("custom") ? "custom" : "function");
  }

  /** What it is called with: arguments, or the input of a custom tool. */
  private static String said(JsonNode called) {
    return called.path(called.has("input") ? "input" : "arguments").asString();
  }

  /** A client that asked is told numbers: those of the server, or those that Heddle counted. */
  private static void checkUsage(RecordedStream stream, JsonNode usage) {
    long input = usage.path("prompt_tokens").asLong();
    long output = usage.path("completion_tokens").asLong();
    assertThat(usage.path("total_tokens").asLong()).isEqualTo(input + output);
    List<Long> said = stream.usage();
    if (said == null) {
      assertThat(input).isPositive();
    } else {
      assertThat(List.of(input, output)).isEqualTo(said.subList(0, 2));
    }
  }

  /** What the server found wrong, as a native caller calls it. */
  private static @Nullable String parameter(RecordedStream stream) {
    return stream.problem().path("upstreamParam").asString(null);
  }

  private static void checkRefused(RecordedStream stream, JsonNode error) {
    assertThat(error.path("message").asString())
        .contains(stream.problem().path("detail").asString());
    if ("context_length_exceeded".equals(stream.problem().path("upstreamCode").asString(""))) {
      assertThat(error.path("code").asString()).isEqualTo("context_length_exceeded");
    }
  }

  // ---- Responses

  @ParameterizedTest
  @MethodSource("streams")
  void isToldAndSavedByResponses(RecordedStream stream) throws Exception {
    String body =
        "{'model':'%s','temperature':1,'input':'%s','stream':"
            .formatted(stream.kind(), stream.name());
    HttpResponse<String> plain = post("/openai/v1/responses", body + "false}");
    HttpResponse<String> streamed = post("/openai/v1/responses", body + "true}");
    HttpResponse<String> alone = post("/openai/v1/responses", body + "true,'store':false}");
    JsonNode end = events(streamed.body()).getLast().get("response");
    if (stream.finish() == null) {
      assertThat(plain.statusCode()).isGreaterThanOrEqualTo(400);
      JsonNode error = MAPPER.readTree(plain.body()).get("error");
      checkRefused(stream, error);
      String param = "messages".equals(parameter(stream)) ? "input" : parameter(stream);
      assertThat(error.path("param").asString(null)).isEqualTo(param);
      if (alone.statusCode() == 400) {
        assertThat(MAPPER.readTree(alone.body()).at("/error/param").asString(null))
            .isEqualTo(param);
      }
      assertThat(end.path("status").asString()).isEqualTo("failed");
      checkRefused(stream, end.get("error"));
      assertThat(alone.body()).doesNotContain("response.completed");
      return;
    }
    String status = stream.isComplete() ? "completed" : "incomplete";
    List<JsonNode> told =
        List.of(
            MAPPER.readTree(plain.body()),
            end,
            events(alone.body()).getLast().get("response"),
            MAPPER.readTree(get("/openai/v1/responses/" + end.get("id").asString()).body()));
    for (JsonNode response : told) {
      assertThat(response.path("status").asString()).isEqualTo(status);
      boolean saved = response == told.getLast();
      if (stream.isComplete() || !saved) {
        check(stream, output(response));
      }
      assertThat(response.at("/usage/total_tokens").asLong()).isPositive();
    }
    check(stream, deltas(events(streamed.body()), stream.isComplete()));
    check(stream, deltas(events(alone.body()), stream.isComplete()));
  }

  private static Told output(JsonNode response) {
    Told told = new Told();
    told.complete = response.path("status").asString().equals("completed");
    for (JsonNode item : response.path("output")) {
      switch (item.path("type").asString()) {
        case "reasoning" -> told.reasoning += item.at("/content/0/text").asString("");
        case "function_call", "custom_tool_call" ->
            told.call(
                told.calls.size(),
                item.path("call_id").asString(),
                item.path("name").asString(),
                said(item));
        default -> {
          for (JsonNode part : item.path("content")) {
            told.text += part.path("text").asString("");
            told.refusal += part.path("refusal").asString("");
          }
        }
      }
    }
    return told;
  }

  private static Told deltas(List<JsonNode> events, boolean complete) {
    Told told = new Told();
    told.complete = complete;
    Map<Integer, Integer> calls = new TreeMap<>();
    for (JsonNode event : events) {
      String delta = event.path("delta").asString("");
      int index = event.path("output_index").asInt(-1);
      switch (event.path("type").asString()) {
        case "response.output_text.delta" -> told.text += delta;
        case "response.reasoning_text.delta" -> told.reasoning += delta;
        case "response.refusal.delta" -> told.refusal += delta;
        case "response.output_item.added" -> {
          JsonNode item = event.get("item");
          if (item.has("call_id")) {
            calls.put(index, calls.size());
            told.call(
                calls.get(index),
                item.path("call_id").asString(),
                item.path("name").asString(),
                "");
          }
        }
        case "response.function_call_arguments.delta", "response.custom_tool_call_input.delta" ->
            told.call(calls.get(index), null, null, delta);
        default -> {
          // Of the frame around it.
        }
      }
    }
    return told;
  }

  // ----

  private static void check(RecordedStream stream, Told told) {
    assertThat(told.text).isEqualTo(stream.text());
    assertThat(told.reasoning).isEqualTo(stream.reasoning());
    assertThat(told.refusal).isEqualTo(stream.refusal());
    List<RecordedStream.Call> calls = new ArrayList<>();
    List<RecordedStream.Call> expected = stream.calls();
    for (RecordedStream.Call call : told.calls.values()) {
      boolean made = calls.size() < expected.size() && expected.get(calls.size()).id().equals("*");
      assertThat(call.id()).isNotBlank();
      calls.add(new RecordedStream.Call(made ? "*" : call.id(), call.name(), call.arguments()));
    }
    assertThat(calls).isEqualTo(expected);
    assertThat(told.calls.values().stream().map(RecordedStream.Call::id).distinct())
        .hasSize(calls.size());
    assertThat(told.complete).isEqualTo(stream.isComplete());
  }

  private static List<JsonNode> events(String body) {
    Function<String, Stream<JsonNode>> data =
        line ->
            line.startsWith("data: {")
                ? Stream.of(MAPPER.readTree(line.substring(6)))
                : Stream.empty();
    return body.lines().flatMap(data).toList();
  }

  private static HttpResponse<String> post(String path, String body)
      throws IOException, InterruptedException {
    return send(
        HttpRequest.newBuilder(uri(path))
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body.replace('\'', '"'))));
  }

  private static HttpResponse<String> get(String path) throws IOException, InterruptedException {
    return send(HttpRequest.newBuilder(uri(path)));
  }

  private static URI uri(String path) {
    return URI.create("http://127.0.0.1:" + replica.port() + path);
  }

  private static HttpResponse<String> send(HttpRequest.Builder request)
      throws IOException, InterruptedException {
    return HTTP.send(request.timeout(PATIENCE).build(), HttpResponse.BodyHandlers.ofString());
  }
}
