package io.heddle.openai;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.json.Json;
import io.heddle.live.Frame;
import io.heddle.turn.ModelEvent;
import io.heddle.turn.Usage;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class ResponseEventsTest {

  private static final JsonMapper MAPPER = new JsonMapper();
  private static final Usage USAGE = new Usage(36, 87, 0, 0);

  @Test
  void aTextHasTheEventsThatStrictClientsCount() {
    List<JsonNode> events = events(-1, false, List.of(text("Hi"), text(" you")), finish("stop"));
    assertThat(types(events))
        .containsExactly(
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.content_part.added",
            "response.output_text.delta",
            "response.output_text.delta",
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.completed");
    assertThat(events.get(2).toString())
        .isEqualTo(
            json(
                "{'type':'response.output_item.added','sequence_number':2,'output_index':0,'item':"
                    + "{'id':'msg_r','type':'message','status':'in_progress','role':'assistant','content':[]}}"));
    assertThat(events.get(3).toString())
        .isEqualTo(
            json(
                "{'type':'response.content_part.added','sequence_number':3,'item_id':'msg_r',"
                    + "'output_index':0,'content_index':0,'part':{'type':'output_text','text':'',"
                    + "'annotations':[],'logprobs':[]}}"));
    assertThat(events.get(4).toString())
        .isEqualTo(
            json(
                "{'type':'response.output_text.delta','sequence_number':4,'item_id':'msg_r',"
                    + "'output_index':0,'content_index':0,'delta':'Hi','logprobs':[]}"));
    assertThat(events.get(6).get("text").asString()).isEqualTo("Hi you");
    assertThat(events.get(8).at("/item/status").asString()).isEqualTo("completed");
    JsonNode response = events.getLast().get("response");
    assertThat(response.at("/output/0/content/0/text").asString()).isEqualTo("Hi you");
    assertThat(response.at("/usage/total_tokens").asInt()).isEqualTo(123);
    assertThat(response.get("status").asString()).isEqualTo("completed");
    assertThat(response.get("completed_at").asInt()).isEqualTo(7);
  }

  @Test
  void requiredMembersOfAResponseAreAlwaysThere() {
    for (JsonNode event : events(-1, true, List.of(text("x")), finish("stop"))) {
      if (event.has("response")) {
        for (String name :
            List.of(
                "id",
                "object",
                "created_at",
                "status",
                "error",
                "incomplete_details",
                "instructions",
                "model",
                "tools",
                "output",
                "parallel_tool_calls",
                "metadata",
                "tool_choice",
                "temperature",
                "top_p",
                "previous_response_id",
                "conversation",
                "store",
                "text",
                "truncation",
                "reasoning",
                "max_output_tokens",
                "usage")) {
          assertThat(event.get("response").has(name)).as(name).isTrue();
        }
      }
      assertThat(event.has("error")).isFalse();
    }
  }

  @Test
  void aCallHasItsNameAndItsArgumentsInBits() {
    List<JsonNode> events =
        events(
            -1,
            false,
            List.of(
                new ModelEvent.ToolCall(0, "call_1", "f", ""),
                new ModelEvent.ToolCall(0, null, null, "{\"a\""),
                new ModelEvent.ToolCall(1, "call_2", "g", "{}"),
                new ModelEvent.ToolCall(0, null, null, ":1}")),
            finish("tool_calls"));
    assertThat(types(events))
        .containsExactly(
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.function_call_arguments.delta",
            "response.output_item.added",
            "response.function_call_arguments.delta",
            "response.function_call_arguments.delta",
            "response.function_call_arguments.done",
            "response.output_item.done",
            "response.function_call_arguments.done",
            "response.output_item.done",
            "response.completed");
    assertThat(events.get(2).get("item").toString())
        .isEqualTo(
            json(
                "{'id':'fc_0_r','type':'function_call','status':'in_progress','arguments':'',"
                    + "'call_id':'call_1','name':'f'}"));
    assertThat(events.get(7).get("name").asString()).isEqualTo("f");
    assertThat(events.get(7).get("arguments").asString()).isEqualTo("{\"a\":1}");
    assertThat(events.getLast().at("/response/output/1/arguments").asString()).isEqualTo("{}");
  }

  @Test
  void aThoughtEndsWithTheFirstWordAndATextWithTheFirstCall() {
    List<JsonNode> events =
        events(
            -1,
            false,
            List.of(
                new ModelEvent.Reasoning("hm"),
                text("a"),
                new ModelEvent.Refusal("no"),
                new ModelEvent.ToolCall(0, "c", "f", "{}")),
            finish("tool_calls"));
    assertThat(types(events))
        .containsExactly(
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.content_part.added",
            "response.reasoning_text.delta",
            "response.reasoning_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.output_item.added",
            "response.content_part.added",
            "response.output_text.delta",
            "response.output_text.done",
            "response.content_part.done",
            "response.content_part.added",
            "response.refusal.delta",
            "response.refusal.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.output_item.added",
            "response.function_call_arguments.delta",
            "response.function_call_arguments.done",
            "response.output_item.done",
            "response.completed");
    assertThat(events.getLast().at("/response/output").findValuesAsString("type"))
        .contains("reasoning", "message", "function_call");
  }

  @Test
  void theBackgroundIsQueuedFirst() {
    assertThat(types(events(-1, true, List.of(), finish("stop"))))
        .startsWith("response.created", "response.queued", "response.in_progress");
  }

  @Test
  void anAnswerWithoutAWordIsAMessageAllTheSame() {
    List<JsonNode> events = events(-1, false, List.of(), finish("stop"));
    assertThat(events.getLast().at("/response/output/0/content/0/text").asString()).isEmpty();
    assertThat(events.getLast().at("/response/output/0/type").asString()).isEqualTo("message");
  }

  @Test
  void endsAreTold() {
    JsonNode length = events(-1, false, List.of(text("a")), finish("length")).getLast();
    assertThat(length.get("type").asString()).isEqualTo("response.incomplete");
    assertThat(length.at("/response/incomplete_details/reason").asString())
        .isEqualTo("max_output_tokens");
    assertThat(length.at("/response/output/0/status").asString()).isEqualTo("incomplete");
    JsonNode failed =
        events(-1, false, List.of(text("a")), ResponseEnd.failed(WireError.locked())).getLast();
    assertThat(failed.get("type").asString()).isEqualTo("response.failed");
    assertThat(failed.at("/response/error/code").asString()).isEqualTo("server_error");
  }

  /**
   * Whatever a model says: the numbers have no hole, and who comes back after any event is told
   * exactly the rest, to the byte.
   */
  @Test
  void everyEndOfAStreamIsTheSameAsThatOfTheWhole() {
    Random random = new Random(11);
    for (int round = 0; round < 300; round++) {
      List<ModelEvent> pieces = new ArrayList<>();
      for (int i = random.nextInt(12); i > 0; i--) {
        pieces.add(
            switch (random.nextInt(5)) {
              case 0 -> new ModelEvent.Reasoning(words(random));
              case 1 -> new ModelEvent.Refusal(words(random));
              case 2 -> new ModelEvent.ToolCall(random.nextInt(3), "c" + i, "f", words(random));
              default -> text(words(random));
            });
      }
      ResponseEnd end =
          random.nextBoolean() ? finish("stop") : ResponseEnd.failed(WireError.locked());
      boolean background = random.nextBoolean();
      List<JsonNode> whole = events(-1, background, pieces, end);
      for (int i = 0; i < whole.size(); i++) {
        assertThat(whole.get(i).get("sequence_number").asInt()).isEqualTo(i);
        assertThat(events(i, background, pieces, end))
            .isEqualTo(whole.subList(i + 1, whole.size()));
      }
      assertSoundOrder(whole);
    }
  }

  /** Items and parts begin before they are added to, are added to before they end, and all end. */
  private static void assertSoundOrder(List<JsonNode> events) {
    List<String> open = new ArrayList<>();
    int items = 0;
    StringBuilder[] said = new StringBuilder[64];
    for (JsonNode event : events) {
      String type = event.get("type").asString();
      String at =
          event.path("output_index").asString("") + "/" + event.path("content_index").asString("");
      switch (type) {
        case "response.output_item.added" -> {
          assertThat(event.get("output_index").asInt()).isEqualTo(items);
          said[items++] = new StringBuilder();
          open.add(at);
        }
        case "response.content_part.added" -> open.add(at);
        case "response.output_item.done", "response.content_part.done" ->
            assertThat(open.remove(at)).as(type + " " + at).isTrue();
        default -> {
          if (type.endsWith(".delta")) {
            boolean call = type.contains("arguments");
            assertThat(open).contains(call ? event.get("output_index").asString() + "/" : at);
            said[event.get("output_index").asInt()].append(event.get("delta").asString());
          }
        }
      }
    }
    assertThat(open).isEmpty();
    JsonNode output = events.getLast().at("/response/output");
    assertThat(output.size()).isEqualTo(items);
    for (int i = 0; i < items; i++) {
      StringBuilder all = new StringBuilder(output.get(i).path("arguments").asString(""));
      for (JsonNode part : output.get(i).path("content")) {
        all.append(part.path("text").asString("")).append(part.path("refusal").asString(""));
      }
      assertThat(all).hasToString(said[i].toString());
    }
  }

  /** Clients that ask for summaries read nothing else. */
  @Test
  void thoughtsAreToldAsASummaryWhenOneIsAskedFor() {
    List<ModelEvent> pieces =
        List.of(new ModelEvent.Reasoning("hm"), new ModelEvent.Reasoning(" ok"), text("yes"));
    List<JsonNode> plain = events(-1, "{}", pieces, finish("stop"));
    List<JsonNode> asked =
        events(-1, json("{'reasoning':{'summary':'auto'}}"), pieces, finish("stop"));
    assertThat(types(asked).subList(2, 9))
        .containsExactly(
            "response.output_item.added",
            "response.reasoning_summary_part.added",
            "response.reasoning_summary_text.delta",
            "response.reasoning_summary_text.delta",
            "response.reasoning_summary_text.done",
            "response.reasoning_summary_part.done",
            "response.output_item.done");
    assertThat(asked.get(3).at("/part/type").asString()).isEqualTo("summary_text");
    assertThat(asked.get(3).get("summary_index").asInt()).isZero();
    assertThat(asked.get(6).get("text").asString()).isEqualTo("hm ok");
    assertThat(asked.get(7).at("/part/text").asString()).isEqualTo("hm ok");
    // A version that did not know summaries numbers its events the same.
    assertThat(asked).hasSameSizeAs(plain);
    for (List<JsonNode> events : List.of(plain, asked)) {
      JsonNode item = events.getLast().at("/response/output/0");
      assertThat(item.at("/summary/0/type").asString()).isEqualTo("summary_text");
      assertThat(item.at("/summary/0/text").asString()).isEqualTo("hm ok");
      assertThat(item.at("/content/0/text").asString()).isEqualTo("hm ok");
    }
  }

  /** The older name was not known, and none was taken for a wish. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'summary':'concise'}|true",
        "{'summary':'detailed','effort':'low'}|true",
        "{'generate_summary':'auto'}|true",
        "{'summary':null,'generate_summary':'concise'}|true",
        "{'summary':'none'}|false",
        "{'generate_summary':'none'}|false",
        "{'effort':'high'}|false",
        "{}|false",
        "null|false"
      })
  void aWishForSummariesHasTwoNames(String reasoning, boolean told) {
    String request = json("{'reasoning':" + reasoning + "}");
    assertThat(types(events(-1, request, List.of(new ModelEvent.Reasoning("hm")), finish("stop"))))
        .contains(told ? "response.reasoning_summary_text.done" : "response.reasoning_text.done")
        .doesNotContain(
            told ? "response.reasoning_text.done" : "response.reasoning_summary_text.done");
  }

  private static String words(Random random) {
    return List.of("", "a", "é ", "😀", "\"}\n", " b c ").get(random.nextInt(6));
  }

  private static ModelEvent text(String text) {
    return new ModelEvent.Text(text);
  }

  private static ResponseEnd finish(String reason) {
    return ResponseEnd.of(new ModelEvent.Finish(reason, USAGE, "m-1"), Instant.ofEpochSecond(7));
  }

  private static List<JsonNode> events(
      long after, boolean background, List<ModelEvent> pieces, ResponseEnd end) {
    return events(after, "{\"background\":" + background + "}", pieces, end);
  }

  private static List<JsonNode> events(
      long after, String request, List<ModelEvent> pieces, ResponseEnd end) {
    ResponseNotes notes = ResponseRequest.read(OpenAiJson.object(Json.of(request))).notes("m");
    ResponseEvents events =
        new ResponseEvents(new ResponseForm("resp_r_s", "r", "", 5, null, notes), after);
    List<Frame> frames = new ArrayList<>(events.begin());
    for (ModelEvent piece : pieces) {
      frames.addAll(events.piece(piece));
    }
    frames.addAll(events.end(end));
    List<JsonNode> told = new ArrayList<>();
    for (Frame frame : frames) {
      JsonNode event = MAPPER.readTree(new String(frame.utf8(), StandardCharsets.UTF_8));
      assertThat(event.get("type").asString()).isEqualTo(frame.type());
      told.add(event);
    }
    return told;
  }

  private static List<String> types(List<JsonNode> events) {
    return events.stream().map(event -> event.get("type").asString()).toList();
  }

  private static String json(String text) {
    return text.replace('\'', '"');
  }
}
