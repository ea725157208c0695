package io.heddle.upstream;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.json.Json;
import io.heddle.turn.ModelCall;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** JSON is written with ' for " here. */
class ResponsesRequestTest {

  private static final JsonMapper MAPPER = JsonMapper.builder().build();

  private static final String KEPT =
      "'upstream':{'name':'test','message':{'responses_items':{'upstream':'test','items':[%s]}}}";

  private static final String THOUGHT =
      "{'type':'reasoning','id':'rs_%s','summary':[],'encrypted_content':'sealed'}";

  private static JsonNode json(String json) {
    return MAPPER.readTree(json.replace('\'', '"'));
  }

  private static JsonNode body(String model, String system, String parameters, String... messages) {
    ModelCall call =
        new ModelCall(
            null,
            system,
            Arrays.stream(messages).map(message -> Json.of(message.replace('\'', '"'))).toList(),
            Json.of(parameters.replace('\'', '"')),
            "trn_1");
    return sent(model, call);
  }

  private static JsonNode sent(String model, ModelCall call, String... settings) {
    UpstreamProperties.Server server =
        Calls.properties(
                Stream.concat(
                        Stream.of("upstreams.test.base-url=http://127.0.0.1:1"),
                        Arrays.stream(settings))
                    .toArray(String[]::new))
            .upstreams()
            .get("test");
    byte[] body = new ResponsesProtocol("test", server).body(model, call);
    return MAPPER.readTree(new String(body, StandardCharsets.UTF_8));
  }

  private static JsonNode input(String... messages) {
    return body("gpt-5", null, "{}", messages).get("input");
  }

  @Test
  void theServerIsToldAllAndStoresNothing() {
    assertThat(body("gpt-5", "Be 'short'.", "{}", "{'role':'user','content':'hi','name':'ann'}"))
        .isEqualTo(
            ((ObjectNode)
                    json(
                        "{'model':'gpt-5','input':[{'type':'message','role':'user','content':'hi'}],"
                            + "'stream':true,'store':false,'include':['reasoning.encrypted_content']}"))
                .put("instructions", "Be 'short'."));
  }

  @ParameterizedTest
  @CsvSource({
    "gpt-5, true",
    "gpt-5.1-codex, true",
    "o3, true",
    "o4-mini, true",
    "openai/gpt-oss-20b, true",
    "my-deployment, true",
    "gpt-4o-mini, false",
    "gpt-4.1, false",
    "gpt-3.5-turbo, false",
    "chatgpt-4o-latest, false",
    "gpt-5-chat-latest, false",
    "gpt-5.2-chat-latest, false",
    "openai/gpt-4o, false"
  })
  void modelsThatDoNotThinkAreNotAskedForIt(String model, boolean asked) {
    assertThat(body(model, null, "{}").has("include")).isEqualTo(asked);
  }

  // ---- parameters

  private static Arguments same(String parameters) {
    return Arguments.of(parameters, parameters);
  }

  static Stream<Arguments> parameters() {
    return Stream.of(
        same("{'temperature':0.5,'top_p':0.1,'parallel_tool_calls':false}"),
        same("{'user':'u','metadata':{'a':'b'},'service_tier':'flex'}"),
        same("{'prompt_cache_key':'k','safety_identifier':'s','prompt_cache_retention':'24h'}"),
        same("{'truncation':'auto','max_tool_calls':3,'stop':['x'],'top_k':4}"),
        Arguments.of("{'temperature':null,'tools':null,'tool_choice':null}", "{}"),
        Arguments.of("{'max_tokens':99}", "{'max_output_tokens':99}"),
        Arguments.of("{'max_completion_tokens':99}", "{'max_output_tokens':99}"),
        Arguments.of("{'max_tokens':50,'max_completion_tokens':99}", "{'max_output_tokens':99}"),
        Arguments.of("{'max_tokens':1}", "{'max_output_tokens':16}"),
        Arguments.of(
            "{'n':1,'seed':1,'logprobs':false,'top_logprobs':0,'frequency_penalty':0,"
                + "'presence_penalty':0,'prediction':{'type':'content','content':'x'}}",
            "{}"),
        Arguments.of(
            "{'model':'x','messages':[],'stream':false,'stream_options':{},'store':true,"
                + "'include':['x'],'background':true,'previous_response_id':'r','conversation':'c'}",
            "{}"),
        Arguments.of("{'reasoning_effort':'high'}", "{'reasoning':{'effort':'high'}}"),
        Arguments.of(
            "{'reasoning_effort':'low','reasoning':{'effort':'high','summary':'auto','x':null}}",
            "{'reasoning':{'effort':'low','summary':'auto'}}"),
        // What a client of Responses says that Chat Completions has no word for.
        Arguments.of(
            "{'reasoning_effort':'low','stream_options':{'include_usage':true,'responses':"
                + "{'reasoning':{'summary':'detailed','mode':'pro'}}}}",
            "{'reasoning':{'summary':'detailed','mode':'pro','effort':'low'}}"),
        Arguments.of("{'stream_options':{'responses':{'reasoning':{'summary':'none'}}}}", "{}"),
        Arguments.of("{'verbosity':'low'}", "{'text':{'verbosity':'low'}}"),
        Arguments.of(
            "{'response_format':{'type':'json_object'},'verbosity':'low'}",
            "{'text':{'format':{'type':'json_object'},'verbosity':'low'}}"),
        Arguments.of(
            "{'response_format':{'type':'json_schema','json_schema':{'name':'n','strict':true,"
                + "'schema':{'type':'object'},'description':null}}}",
            "{'text':{'format':{'type':'json_schema','name':'n','strict':true,"
                + "'schema':{'type':'object'}}}}"),
        Arguments.of(
            "{'tools':[{'type':'function','function':{'name':'f','description':'d',"
                + "'parameters':{'type':'object'}}},"
                + "{'type':'function','function':{'name':'g','strict':true}}]}",
            "{'tools':[{'type':'function','name':'f','description':'d',"
                + "'parameters':{'type':'object'},'strict':false},"
                + "{'type':'function','name':'g','strict':true,"
                + "'parameters':{'type':'object','properties':{}}}]}"),
        Arguments.of(
            "{'tools':[{'type':'custom','custom':{'name':'p','description':'d',"
                + "'format':{'type':'grammar','grammar':{'syntax':'lark','definition':'x'}}}}],"
                + "'tool_choice':{'type':'custom','custom':{'name':'p'}}}",
            "{'tools':[{'type':'custom','name':'p','description':'d',"
                + "'format':{'type':'grammar','syntax':'lark','definition':'x'}}],"
                + "'tool_choice':{'type':'custom','name':'p'}}"),
        same(
            "{'tools':[{'type':'web_search'},{'type':'function','name':'f'}],'tool_choice':'auto'}"),
        Arguments.of(
            "{'functions':[{'name':'f'}],'function_call':{'name':'f'}}",
            "{'tools':[{'type':'function','name':'f','strict':false,"
                + "'parameters':{'type':'object','properties':{}}}],"
                + "'tool_choice':{'type':'function','name':'f'}}"),
        Arguments.of("{'tools':[]}", "{}"),
        same("{'tool_choice':'none'}"),
        same("{'tool_choice':{'type':'function','name':'f'}}"),
        Arguments.of("{'tool_choice':'any'}", "{'tool_choice':'required'}"),
        Arguments.of(
            "{'tool_choice':{'type':'function','function':{'name':'f'}}}",
            "{'tool_choice':{'type':'function','name':'f'}}"),
        Arguments.of(
            "{'tool_choice':{'type':'allowed_tools','allowed_tools':{'mode':'auto',"
                + "'tools':[{'type':'function','function':{'name':'f'}}]}}}",
            "{'tool_choice':{'type':'allowed_tools','mode':'auto',"
                + "'tools':[{'type':'function','name':'f'}]}}"));
  }

  /** A client's words for what it wants in an answer were dropped. */
  @Test
  void whatAnAnswerIsToIncludeIsAskedFor() {
    String asked =
        "{'stream_options':{'responses':{'include':['web_search_call.results',"
            + "'reasoning.encrypted_content'],'reasoning':{'summary':'auto'}}}}";
    assertThat(body("gpt-5", null, asked).get("include"))
        .isEqualTo(json("['web_search_call.results','reasoning.encrypted_content']"));
    JsonNode thoughtless = body("gpt-4o", null, asked);
    assertThat(thoughtless.get("include")).isEqualTo(json("['web_search_call.results']"));
    assertThat(thoughtless.has("reasoning")).isFalse();
  }

  @ParameterizedTest
  @MethodSource
  void parameters(String chat, String responses) {
    ObjectNode body = (ObjectNode) body("gpt-5", null, chat);
    body.remove(Arrays.asList("model", "input", "stream", "store", "include"));
    assertThat(body).isEqualTo(json(responses));
  }

  @Test
  void summariesAreAskedForAsTheSettingsSay() {
    ModelCall call = new ModelCall(null, null, List.of(), Json.EMPTY_OBJECT, "trn_1");
    String setting = "upstreams.test.reasoning-summary=auto";
    assertThat(sent("gpt-5", call, setting).get("reasoning")).isEqualTo(json("{'summary':'auto'}"));
    assertThat(sent("gpt-4o", call, setting).has("reasoning")).isFalse();
  }

  // ---- messages

  static Stream<Arguments> messages() {
    return Stream.of(
        Arguments.of(
            "{'role':'developer','content':'Rules'}",
            "{'type':'message','role':'developer','content':'Rules'}"),
        Arguments.of(
            "{'role':'system','content':[{'type':'text','text':'R','cache_control':{'type':'x'}}]}",
            "{'type':'message','role':'system','content':'R'}"),
        Arguments.of("{'role':'user','content':''}", ""),
        Arguments.of("{'role':'user','content':null}", ""),
        Arguments.of(
            "{'role':'user','content':[{'type':'openai.item','item':{'type':'web_search_call'}}]}",
            ""),
        Arguments.of("{'role':'assistant','content':null}", ""),
        Arguments.of("{'role':'assistant','content':'','refusal':''}", ""),
        Arguments.of(
            "{'role':'assistant','content':'Hi','reasoning':'Hm.','status':'completed','turn':'t'}",
            "{'type':'message','role':'assistant','content':'Hi'}"),
        Arguments.of(
            "{'role':'assistant','content':[{'type':'output_text','text':'a'},"
                + "{'type':'refusal','refusal':'b'}]}",
            "{'type':'message','role':'assistant','content':["
                + "{'type':'output_text','text':'a','annotations':[]},"
                + "{'type':'refusal','refusal':'b'}]}"),
        Arguments.of(
            "{'role':'assistant','content':null,'refusal':'No.'}",
            "{'type':'message','role':'assistant','content':[{'type':'refusal','refusal':'No.'}]}"),
        Arguments.of(
            "{'role':'user','content':[{'type':'text','text':'a'},"
                + "{'type':'image_url','image_url':{'url':'data:image/png;base64,AA=='}},"
                + "{'type':'input_image','file_id':'file-1','detail':'low'},{'type':'input_image'},"
                + "{'type':'file','file':{'file_data':'data:application/pdf;base64,AA=='}},"
                + "{'type':'input_file','file_url':'http://a/b'},"
                + "{'type':'file','file':{'file_id':'file-2','filename':'x'}},"
                + "{'type':'input_audio','input_audio':{'data':'AA==','format':'wav'}},"
                + "{'type':'new','x':1}]}",
            "{'type':'message','role':'user','content':[{'type':'input_text','text':'a'},"
                + "{'type':'input_image','image_url':'data:image/png;base64,AA==','detail':'auto'},"
                + "{'type':'input_image','file_id':'file-1','detail':'low'},"
                + "{'type':'input_text','text':'[The image cannot be shown.]'},"
                + "{'type':'input_file','file_data':'data:application/pdf;base64,AA==',"
                + "'filename':'file.pdf'},{'type':'input_file','file_url':'http://a/b'},"
                + "{'type':'input_file','file_id':'file-2'},"
                + "{'type':'input_audio','input_audio':{'data':'AA==','format':'wav'}},"
                + "{'type':'new','x':1}]}"),
        // Another server's thoughts.
        Arguments.of(
            "{'role':'assistant','content':'Hi','turn':'t','upstream':{'name':'other','message':"
                + "{'responses_items':{'upstream':'other','items':["
                + THOUGHT.formatted(1)
                + ",{'type':'message','from':0,'to':2}]}}}}",
            "{'type':'message','role':'assistant','content':'Hi'}"),
        // The client says they are this one's, and they are not.
        Arguments.of(
            "{'role':'assistant','content':'Hi','upstream':{'message':{'responses_items':"
                + "{'upstream':'other','items':["
                + THOUGHT.formatted(1)
                + ",{'type':'message','from':0,'to':2}]}}}}",
            "{'type':'message','role':'assistant','content':'Hi'}"),
        Arguments.of(
            "{'role':'assistant','content':'Hi','upstream':{'message':{'responses_items':"
                + "{'upstream':'test','items':["
                + THOUGHT.formatted(1)
                + ",{'type':'message','from':0,'to':2}]}}}}",
            THOUGHT.formatted(1) + ",{'type':'message','role':'assistant','content':'Hi'}"),
        // In order, each with what it was said for.
        Arguments.of(
            "{'role':'assistant','content':'Look.\\n\\nDone.','turn':'t',"
                + KEPT.formatted(
                    THOUGHT.formatted(1)
                        + ",{'type':'message','phase':'commentary','from':0,'to':5},"
                        + THOUGHT.formatted(2)
                        + ",{'type':'message','from':7,'to':12}")
                + "}",
            THOUGHT.formatted(1)
                + ",{'type':'message','role':'assistant','content':'Look.','phase':'commentary'},"
                + THOUGHT.formatted(2)
                + ",{'type':'message','role':'assistant','content':'Done.'}"),
        // What follows a thought is not there any more, or it is another text.
        Arguments.of(
            "{'role':'assistant','content':'Hi','turn':'t',"
                + KEPT.formatted("{'type':'message','from':0,'to':2}," + THOUGHT.formatted(1))
                + "}",
            "{'type':'message','role':'assistant','content':'Hi'}"),
        Arguments.of(
            "{'role':'assistant','content':'Hi there','turn':'t',"
                + KEPT.formatted(THOUGHT.formatted(1) + ",{'type':'message','from':0,'to':2}")
                + "}",
            "{'type':'message','role':'assistant','content':'Hi there'}"),
        Arguments.of(
            "{'role':'assistant','content':'Hi','turn':'t',"
                + KEPT.formatted(
                    THOUGHT.formatted(1)
                        + ",{'type':'function_call','call_id':'gone'},"
                        + "{'type':'message','from':0,'to':2}")
                + "}",
            "{'type':'message','role':'assistant','content':'Hi'}"),
        Arguments.of(
            "{'role':'assistant','content':'Hi','turn':'t',"
                + KEPT.formatted(
                    THOUGHT.formatted(1)
                        + ",{'type':'web_search_call'},{'type':'message','from':0,'to':2}")
                + "}",
            "{'type':'message','role':'assistant','content':'Hi'}"),
        Arguments.of(
            "{'role':'assistant','content':null,'refusal':'No.','turn':'t',"
                + KEPT.formatted(THOUGHT.formatted(1) + ",{'type':'message','from':0,'to':0}")
                + "}",
            THOUGHT.formatted(1)
                + ",{'type':'message','role':'assistant',"
                + "'content':[{'type':'refusal','refusal':'No.'}]}"),
        // Another Heddle's seal stands behind its answer.
        Arguments.of(
            "{'role':'assistant','content':'Hi','turn':'t',"
                + KEPT.formatted(
                    "{'type':'message','from':0,'to':2},"
                        + THOUGHT.formatted(1).replace("sealed", "heddle1.e30"))
                + "}",
            "{'type':'message','role':'assistant','content':'Hi'},"
                + THOUGHT.formatted(1).replace("sealed", "heddle1.e30")));
  }

  @ParameterizedTest
  @MethodSource
  void messages(String stored, String items) {
    assertThat(input(stored)).isEqualTo(json("[" + items + "]"));
  }

  @Test
  void aThoughtIsToldOnce() {
    String answer =
        "{'role':'assistant','content':'Hi','turn':'t',"
            + KEPT.formatted(THOUGHT.formatted(1) + ",{'type':'message','from':0,'to':2}")
            + "}";
    assertThat(input(answer, answer).findValuesAsString("id")).containsExactly("rs_1");
  }

  @Test
  void aModelThatDoesNotThinkIsNotToldThoughts() {
    String answer =
        "{'role':'assistant','content':'Hi','turn':'t',"
            + KEPT.formatted(THOUGHT.formatted(1) + ",{'type':'message','from':0,'to':2}")
            + "}";
    assertThat(body("gpt-4o", null, "{}", answer).get("input"))
        .isEqualTo(json("[{'type':'message','role':'assistant','content':'Hi'}]"));
  }

  // ---- tools

  @Test
  void callsAndOutputsAreItems() {
    assertThat(
            input(
                "{'role':'assistant','content':'Now','turn':'t','toolCalls':[{'id':'a','type':"
                    + "'function','function':{'name':'f.x','arguments':'{}'}},{'id':'b','type':"
                    + "'function','function':{'name':'p','arguments':'text'}}],"
                    + KEPT.formatted(
                        "{'type':'message','from':0,'to':3},"
                            + THOUGHT.formatted(1)
                            + ",{'type':'function_call','call_id':'a'},"
                            + "{'type':'custom_tool_call','call_id':'b'}")
                    + "}",
                "{'role':'tool','toolCallId':'a','content':[{'type':'text','text':'1'},"
                    + "{'type':'input_text','text':'2'}]}",
                "{'role':'tool','toolCallId':'b','content':[{'type':'text','text':'see'},"
                    + "{'type':'input_image','image_url':'data:x'}]}",
                "{'role':'tool','toolCallId':'nobody','content':'x'}"))
        .isEqualTo(
            json(
                "[{'type':'message','role':'assistant','content':'Now'},"
                    + THOUGHT.formatted(1)
                    + ",{'type':'function_call','call_id':'a','name':'f_x','arguments':'{}'},"
                    + "{'type':'custom_tool_call','call_id':'b','name':'p','input':'text'},"
                    + "{'type':'function_call_output','call_id':'a','output':'1\\n2'},"
                    + "{'type':'custom_tool_call_output','call_id':'b','output':["
                    + "{'type':'input_text','text':'see'},"
                    + "{'type':'input_image','image_url':'data:x','detail':'auto'}]}]"));
  }

  @Test
  void customCallsOfChatAreItems() {
    assertThat(
            input(
                "{'role':'assistant','toolCalls':[{'id':'a','type':'custom',"
                    + "'custom':{'name':'p','input':'x'}}]}",
                "{'role':'tool','toolCallId':'a','content':null}"))
        .isEqualTo(
            json(
                "[{'type':'custom_tool_call','call_id':'a','name':'p','input':'x'},"
                    + "{'type':'custom_tool_call_output','call_id':'a','output':''}]"));
  }

  @Test
  void idsOfOtherServersThatAreTooLongAreShort() {
    String id = "toolu_" + "x".repeat(80);
    JsonNode input =
        input(
            "{'role':'assistant','toolCalls':[{'id':'%s','type':'function','function':{'name':'f'}}]}"
                .formatted(id),
            "{'role':'tool','toolCallId':'%s','content':'1'}".formatted(id));
    String told = input.at("/0/call_id").asString();
    assertThat(told).matches("call_[0-9a-f]{40}").isEqualTo(input.at("/1/call_id").asString());
    assertThat(input.at("/0/arguments").asString()).isEqualTo("{}");
  }
}
