package io.heddle.upstream;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.json.Json;
import io.heddle.turn.ModelCall;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** What servers are told that refuse, or skip, what others take. */
class DialectTest {

  private static final JsonMapper MAPPER = JsonMapper.builder().build();

  private static JsonNode told(
      Dialect dialect, @Nullable String system, String parameters, String messages) {
    List<Json> all = new ArrayList<>();
    MAPPER.readTree(quoted(messages)).forEach(message -> all.add(Json.of(message.toString())));
    ModelCall call = new ModelCall(null, system, all, Json.of(quoted(parameters)), "trn_1");
    return MAPPER.readTree(ChatRequest.body("m", call, "mine", dialect, null, true));
  }

  private static JsonNode messages(Dialect dialect, @Nullable String system, String messages) {
    return told(dialect, system, "{}", messages).path("messages");
  }

  private static String quoted(String json) {
    return json.replace('\'', '"');
  }

  private static JsonNode json(String json) {
    return MAPPER.readTree(quoted(json));
  }

  // ---- instructions

  private static final String MIXED =
      "[{'role':'system','content':'a'},{'role':'developer','content':[{'type':'input_text',"
          + "'text':'b'}]},{'role':'user','content':'q'},{'role':'system','content':'c'},"
          + "{'role':'user','content':'r'}]";

  /**
   * Chat templates of Qwen's refuse instructions behind the first message: a session's own before
   * those of its thread were refused, and so was each turn of a thread with some in its middle.
   */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '!',
      value = {
        "OPENAI|[S,'system a','developer b','user q','system c','user r']",
        "COMPATIBLE|['system s\\n\\na\\n\\nb','user q','system c','user r']",
        "OLLAMA|['system s\\n\\na\\n\\nb','user q','system c','user r']",
        "VLLM|['system s\\n\\na\\n\\nb\\n\\nc','user q','user r']",
        "MISTRAL|['system s\\n\\na\\n\\nb\\n\\nc','user q','user r']"
      })
  void instructionsStandWhereTheServerTakesThem(Dialect dialect, String expected) {
    List<String> told = new ArrayList<>();
    messages(dialect, "s", MIXED)
        .forEach(message ->
            told.add(message.path("role").asString() + " " + message.path("content").asString()));
    List<String> wanted = new ArrayList<>();
    json(expected.replace("S,", "'system s',")).forEach(text -> wanted.add(text.asString()));
    assertThat(told).isEqualTo(wanted);
  }

  @Test
  void marksOfInstructionsStayWhenTheyBecomeOne() {
    String marked = "{'type':'text','text':'a','cache_control':{'type':'ephemeral'}}";
    String thread = "[{'role':'system','content':[" + marked + "]},{'role':'user','content':'q'}]";
    assertThat(messages(Dialect.VLLM, "s", thread))
        .isEqualTo(
            json(
                "[{'role':'system','content':[{'type':'text','text':'s'},"
                    + marked
                    + "]},{'role':'user','content':'q'}]"));
    assertThat(messages(Dialect.VLLM, null, thread)).isEqualTo(json(thread));
    assertThat(messages(Dialect.MISTRAL, null, thread).at("/0/content/0"))
        .isEqualTo(json("{'type':'text','text':'a'}"));
  }

  // ---- thoughts

  private static final String LOOP =
      "[{'role':'user','content':'q'},{'role':'assistant','content':'so','reasoning':'hm',"
          + "'toolCalls':[{'id':'a','type':'function','function':{'name':'f','arguments':'{}'}}]%s},"
          + "{'role':'tool','content':'1','toolCallId':'a'}]";

  private static String kept(String name, String member) {
    return ",'turn':'trn_0','upstream':{'name':'%s','reasoning':'%s','message':{'metadata':{'a':1}}}"
        .formatted(name, member);
  }

  /** Clients send thoughts back as {@code reasoning_content}, which these servers skip. */
  @ParameterizedTest
  @CsvSource({"OLLAMA", "VLLM"})
  void thoughtsHaveTheOnlyNameThatTheServerKnows(Dialect dialect) {
    for (String by :
        List.of("", ",'upstream':{'reasoning':'reasoning_content'}", kept("mine", "reasoning"))) {
      JsonNode answer = messages(dialect, null, LOOP.formatted(by)).path(1);
      assertThat(answer.path("reasoning").asString("")).as(by).isEqualTo("hm");
      assertThat(answer.has("reasoning_content")).isFalse();
    }
    JsonNode other = messages(dialect, null, LOOP.formatted(kept("other", "reasoning"))).path(1);
    assertThat(other.has("reasoning")).isFalse();
  }

  @Test
  void thoughtsAreAPartOfTheContentForMistral() {
    String content =
        "[{'type':'thinking','thinking':[{'type':'text','text':'hm'}],'closed':true},"
            + "{'type':'text','text':'so'}]";
    for (String by :
        List.of("", ",'upstream':{'reasoning':'reasoning_content'}", kept("mine", "content"))) {
      JsonNode answer = messages(Dialect.MISTRAL, null, LOOP.formatted(by)).path(1);
      assertThat(answer.path("content")).as(by).isEqualTo(json(content));
      assertThat(answer.size()).isEqualTo(3);
    }
    JsonNode other =
        messages(Dialect.MISTRAL, null, LOOP.formatted(kept("other", "content"))).path(1);
    assertThat(other.path("content").asString()).isEqualTo("so");
    // Models that do not think refuse thoughts, and where no tool was called they are no use.
    JsonNode past =
        messages(
            Dialect.MISTRAL,
            null,
            "[{'role':'user','content':'q'},{'role':'assistant','content':'so','reasoning':'hm'},"
                + "{'role':'user','content':'r'}]");
    assertThat(past.at("/1/content").asString()).isEqualTo("so");
  }

  // ---- tool calls

  /** Half an object, or none, was refused by these servers with each turn of the thread. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '!',
      value = {
        "OLLAMA||{}",
        "COMPATIBLE| |{}",
        "VLLM|{'a': 1}|{'a': 1}",
        "OLLAMA|{'a':|{'input':'{\\'a\\':'}",
        "VLLM|5|{'input':'5'}",
        "COMPATIBLE|{}{}|{'input':'{}{}'}",
        "OPENAI|{'a':|{'a':",
        "MISTRAL|5|5"
      })
  void argumentsAreAnObjectWhereTheyMustBe(Dialect dialect, String given, String expected) {
    String arguments = MAPPER.writeValueAsString(given == null ? "" : quoted(given));
    JsonNode call =
        told(
                dialect,
                null,
                "{}",
                "[{'role':'assistant','content':null,'toolCalls':[{'id':'a','type':'function',"
                    + "'function':{'name':'f','arguments':"
                    + arguments
                    + "}}]}]")
            .at("/messages/0/tool_calls/0");
    assertThat(call.at("/function/arguments").asString()).isEqualTo(quoted(expected));
    assertThat(call.at("/function/name").asString()).isEqualTo("f");
  }

  @Test
  void whatAServerSaidOfAFunctionIsGivenBackToTheOneThatStandsForACustomTool() {
    JsonNode told =
        messages(
            Dialect.COMPATIBLE,
            null,
            "[{'role':'assistant','content':null,'toolCalls':[{'id':'a','type':'custom',"
                + "'custom':{'name':'patch','input':'x'}}],'turn':'t','upstream':{'name':'mine',"
                + "'toolCalls':{'a':{'function':{'seal':'s'},'more':1}}}}]");
    JsonNode call = told.at("/0/tool_calls/0");
    assertThat(call.propertyNames()).containsExactlyInAnyOrder("id", "type", "function", "more");
    assertThat(call.at("/type").asString()).isEqualTo("function");
    assertThat(call.at("/function/name").asString()).isEqualTo("patch");
    assertThat(call.at("/function/arguments").asString()).isEqualTo("{\"input\":\"x\"}");
    assertThat(call.at("/function/seal").asString()).isEqualTo("s");
  }

  @Test
  void idsOfCallsHaveNineLettersAndDigits() {
    JsonNode told =
        messages(
            Dialect.MISTRAL,
            null,
            "[{'role':'user','content':'q'},{'role':'assistant','content':null,'toolCalls':["
                + "{'id':'call_1','type':'function','function':{'name':'f','arguments':'{}',"
                + "'seal':'x'},'extra_content':{'s':'t'}},{'id':'D681PevKs','type':'function',"
                + "'function':{'name':'f','arguments':'{}'}}]},{'role':'tool','content':'1',"
                + "'toolCallId':'call_1'},{'role':'tool','content':'2','toolCallId':'D681PevKs'}]");
    String id = told.at("/1/tool_calls/0/id").asString();
    assertThat(id).matches("[a-zA-Z0-9]{9}");
    assertThat(told.at("/1/tool_calls/0"))
        .isEqualTo(
            json("{'id':'" + id + "','type':'function','function':{'name':'f','arguments':'{}'}}"));
    assertThat(told.at("/1/tool_calls/1/id").asString()).isEqualTo("D681PevKs");
    assertThat(told.at("/2/tool_call_id").asString()).isEqualTo(id);
    assertThat(told.at("/3/tool_call_id").asString()).isEqualTo("D681PevKs");
    assertThat(ChatCallIds.ofNine("call_2")).isNotEqualTo(id).matches("[a-zA-Z0-9]{9}");
  }

  // ---- what Mistral refuses

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '!',
      value = {
        "{'seed':7,'user':'u','store':false,'service_tier':'auto','temperature':0.5}"
            + "|{'random_seed':7,'temperature':0.5}",
        "{'seed':7,'random_seed':8}|{'random_seed':8}",
        "{'max_completion_tokens':9,'safe_prompt':true,'top_k':4}"
            + "|{'max_tokens':9,'safe_prompt':true,'top_k':4}",
        "{'tools':[{'type':'function','function':{'name':'f'}},{'type':'web_search'}]}"
            + "|{'tools':[{'type':'function','function':{'name':'f',"
            + "'parameters':{'type':'object','properties':{}}}},{'type':'web_search'}]}"
      })
  void parametersAreThoseThatMistralKnows(String given, String expected) {
    JsonNode body = told(Dialect.MISTRAL, null, given, "[]");
    assertThat(((ObjectNode) body).remove(List.of("model", "messages", "stream")))
        .isEqualTo(json(expected));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '!',
      value = {
        "[{'role':'user','content':'q','name':'ann'}]|[{'role':'user','content':'q'}]",
        "[{'role':'tool','content':'1','toolCallId':'D681PevKs','name':'f'},"
            + "{'role':'user','content':'q'}]"
            + "|[{'role':'tool','content':'1','name':'f','tool_call_id':'D681PevKs'},"
            + "{'role':'assistant','content':'Understood.'},{'role':'user','content':'q'}]",
        "[{'role':'user','content':'q'},{'role':'assistant','content':''},"
            + "{'role':'user','content':'r'}]"
            + "|[{'role':'user','content':'q'},{'role':'user','content':'r'}]",
        "[{'role':'user','content':'q'},{'role':'assistant','content':'a'}]"
            + "|[{'role':'user','content':'q'},{'role':'assistant','content':'a'},"
            + "{'role':'user','content':'Continue.'}]",
        "[{'role':'user','content':'q'},{'role':'assistant','content':'a',"
            + "'upstream':{'message':{'prefix':true,'refusal_reason':1}}}]"
            + "|[{'role':'user','content':'q'},{'role':'assistant','content':'a','prefix':true}]",
        "[{'role':'user','content':[{'type':'input_file','file_data':'data:application/pdf;base64,"
            + "AA==','filename':'a.pdf'},{'type':'file','file':{'file_id':'f1'}}]}]"
            + "|[{'role':'user','content':[{'type':'document_url','document_url':"
            + "'data:application/pdf;base64,AA==','document_name':'a.pdf'},"
            + "{'type':'file','file_id':'f1'}]}]"
      })
  void messagesAreThoseThatMistralTakes(String given, String expected) {
    assertThat(messages(Dialect.MISTRAL, null, given)).isEqualTo(json(expected));
  }
}
