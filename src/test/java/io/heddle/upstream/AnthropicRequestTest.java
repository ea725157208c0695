package io.heddle.upstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.heddle.json.Json;
import io.heddle.turn.ModelCall;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** A call in the form of Chat Completions, and what Anthropic is told of it. */
class AnthropicRequestTest {

  private static final JsonMapper MAPPER = new JsonMapper();
  private static final String OLD = "claude-opus-4-5-20251101";
  private static final String MIDDLE = "claude-sonnet-4-6";
  private static final String NEW = "claude-opus-4-8";
  private static final String OTHER = "kimi-k2";

  private static JsonNode body(
      String model, @Nullable String system, String parameters, String messages) {
    List<Json> bodies = new ArrayList<>();
    MAPPER.readTree(quoted(messages)).forEach(each -> bodies.add(Json.of(each.toString())));
    ModelCall call = new ModelCall(model, system, bodies, Json.of(quoted(parameters)), "trn_1");
    UpstreamProperties.Server server =
        Calls.properties("upstreams.a.base-url=http://127.0.0.1:1", "upstreams.a.kind=anthropic")
            .upstreams()
            .get("a");
    return MAPPER.readTree(server.kind().protocol("a", server).body(model, call));
  }

  private static String quoted(String json) {
    return json.replace('\'', '"');
  }

  /** All but what each request has. */
  private static JsonNode parameters(String model, String parameters) {
    ObjectNode body = (ObjectNode) body(model, null, parameters, "[{'role':'user','content':'q'}]");
    assertThat(body.path("stream").asBoolean()).isTrue();
    assertThat(body.path("model").asString()).isEqualTo(model);
    return body.without(List.of("model", "messages", "stream"));
  }

  private static JsonNode messages(String model, String parameters, String messages) {
    return body(model, null, parameters, messages).path("messages");
  }

  private static JsonNode json(String json) {
    return MAPPER.readTree(quoted(json));
  }

  // ---- parameters

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '!',
      value = {
        "{}|{'max_tokens':16384}",
        "{'max_tokens':9}|{'max_tokens':9}",
        "{'max_completion_tokens':8,'max_tokens':9}|{'max_tokens':8}",
        "{'stop':'a'}|{'max_tokens':16384,'stop_sequences':['a']}",
        "{'stop':['a',' ','b']}|{'max_tokens':16384,'stop_sequences':['a','b']}",
        "{'stop':[' ']}|{'max_tokens':16384}",
        "{'stop_sequences':['a']}|{'max_tokens':16384,'stop_sequences':['a']}",
        "{'temperature':0.5,'top_p':0.9}|{'max_tokens':16384,'temperature':0.5}",
        "{'temperature':1.5}|{'max_tokens':16384,'temperature':1}",
        "{'top_p':0.9,'top_k':4}|{'max_tokens':16384,'top_p':0.9,'top_k':4}",
        "{'user':'u'}|{'max_tokens':16384,'metadata':{'user_id':'u'}}",
        "{'user':'u','safety_identifier':'s'}|{'max_tokens':16384,'metadata':{'user_id':'s'}}",
        "{'metadata':{'user_id':'m','x':1},'user':'u'}"
            + "|{'max_tokens':16384,'metadata':{'user_id':'m'}}",
        "{'metadata':{'x':'1'}}|{'max_tokens':16384}",
        "{'service_tier':'default'}|{'max_tokens':16384,'service_tier':'standard_only'}",
        "{'service_tier':'flex'}|{'max_tokens':16384}",
        "{'n':1,'seed':4,'logit_bias':{},'presence_penalty':1,'frequency_penalty':1,"
            + "'verbosity':'low','prompt_cache_key':'k','stream':false,'model':'x',"
            + "'logprobs':false,'store':false,'prediction':{'type':'content','content':'x'}}"
            + "|{'max_tokens':16384}",
        "{'cache_control':{'type':'ephemeral'}}"
            + "|{'max_tokens':16384,'cache_control':{'type':'ephemeral'}}",
        "{'response_format':{'type':'text'}}|{'max_tokens':16384}",
        "{'response_format':{'type':'json_object'}}|{'max_tokens':16384,"
            + "'system':[{'type':'text','text':'Answer with one JSON object and nothing else.'}]}",
        "{'response_format':{'type':'json_schema','json_schema':{'name':'n','strict':true,"
            + "'schema':{'$schema':'s','type':'object','properties':{'a':{'type':'integer',"
            + "'minimum':1,'description':'An a.'},'b':{'oneOf':[{'type':'string','format':'date'},"
            + "{'type':'null'}]}},'required':['a']}}}}"
            + "|{'max_tokens':16384,'output_config':{'format':{'type':'json_schema','schema':"
            + "{'type':'object','properties':{'a':{'type':'integer','description':"
            + "'An a.\\n\\n{minimum: 1}'},'b':{'anyOf':[{'type':'string','format':'date'},"
            + "{'type':'null'}]}},'required':['a'],'additionalProperties':false}}}}",
        "{'output_config':{'task_budget':1},'response_format':{'type':'json_schema','json_schema':"
            + "{'name':'n','schema':{'type':'object'}}}}|{'max_tokens':16384,'output_config':"
            + "{'task_budget':1,'format':{'type':'json_schema','schema':{'type':'object',"
            + "'additionalProperties':false}}}}"
      })
  void parametersAreAnthropics(String given, String told) {
    assertThat(parameters(OLD, given)).isEqualTo(json(told));
  }

  /** What one generation of models asks for, the next one refuses. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '!',
      value = {
        OLD
            + "|{'reasoning_effort':'high','temperature':0.5,'top_p':0.9,'top_k':3}|"
            + "{'max_tokens':16384,'thinking':{'type':'enabled','budget_tokens':13107}}",
        OLD
            + "|{'reasoning_effort':'low','max_tokens':2000}|"
            + "{'max_tokens':2000,'thinking':{'type':'enabled','budget_tokens':1024}}",
        OLD
            + "|{'reasoning_effort':'max','max_tokens':1025}|"
            + "{'max_tokens':1025,'thinking':{'type':'enabled','budget_tokens':1024}}",
        OLD
            + "|{'reasoning_effort':'high','max_tokens':1024,'temperature':0}|"
            + "{'max_tokens':1024,'temperature':0}",
        OLD + "|{'reasoning_effort':'none'}|{'max_tokens':16384}",
        OLD + "|{'reasoning_effort':'default'}|{'max_tokens':16384}",
        OLD
            + "|{'thinking':{'type':'enabled','budget_tokens':2000},'reasoning_effort':'low',"
            + "'temperature':0}|{'max_tokens':16384,'thinking':{'type':'enabled',"
            + "'budget_tokens':2000}}",
        MIDDLE
            + "|{'reasoning_effort':'xhigh'}|{'max_tokens':16384,'thinking':{'type':'adaptive',"
            + "'display':'summarized'},'output_config':{'effort':'high'}}",
        MIDDLE + "|{'temperature':0.5}|{'max_tokens':16384,'temperature':0.5}",
        MIDDLE + "|{'reasoning_effort':'none'}|{'max_tokens':16384,'thinking':{'type':'disabled'}}",
        NEW
            + "|{'reasoning_effort':'xhigh','max_tokens':100}|{'max_tokens':100,'thinking':"
            + "{'type':'adaptive','display':'summarized'},'output_config':{'effort':'xhigh'}}",
        NEW
            + "|{'reasoning_effort':'minimal','response_format':{'type':'json_schema',"
            + "'json_schema':{'name':'n','schema':{'type':'string'}}}}|{'max_tokens':16384,"
            + "'thinking':{'type':'adaptive','display':'summarized'},'output_config':"
            + "{'effort':'low','format':{'type':'json_schema','schema':{'type':'string'}}}}",
        NEW + "|{'temperature':0.5,'top_p':0.9,'top_k':3}|{'max_tokens':16384}",
        "claude-fable-5|{'reasoning_effort':'none'}"
            + "|{'max_tokens':16384,'output_config':{'effort':'low'}}",
        OTHER
            + "|{'reasoning_effort':'medium'}"
            + "|{'max_tokens':16384,'thinking':{'type':'enabled','budget_tokens':8192}}",
        OTHER
            + "|{'reasoning_effort':'none','temperature':0.5,'top_p':0.9}"
            + "|{'max_tokens':16384,'thinking':{'type':'disabled'},'temperature':0.5,'top_p':0.9}"
      })
  void thinkingIsWhatTheModelTakes(String model, String given, String told) {
    assertThat(parameters(model, given)).isEqualTo(json(told));
  }

  @ParameterizedTest
  @CsvSource({
    "claude-3-7-sonnet-20250219, BUDGET",
    "claude-sonnet-4-20250514, BUDGET",
    "claude-opus-4-1, BUDGET",
    "anthropic/claude-sonnet-4.5, BUDGET",
    "claude-haiku-4-5@20251001, BUDGET",
    "claude-instant-1.2, BUDGET",
    "us.anthropic.claude-opus-4-6-v1:0, BOTH",
    "claude-opus-4-7, ADAPTIVE",
    "claude-sonnet-5, ADAPTIVE",
    "claude-opus-12-1, ADAPTIVE",
    "claude-mythos-preview, ADAPTIVE",
    "minimax-m2, BUDGET"
  })
  void aModelsNameTellsHowItThinks(String name, String how) {
    AnthropicModel model = AnthropicModel.of(name, Thinking.AUTO);
    assertThat(model.hasBudget()).isEqualTo(how.equals("BUDGET"));
    assertThat(model.takesSampling()).isEqualTo(!how.equals("ADAPTIVE"));
    assertThat(AnthropicModel.of(name, Thinking.ADAPTIVE).hasBudget()).isFalse();
    assertThat(AnthropicModel.of(name, Thinking.BUDGET).hasBudget()).isTrue();
  }

  // ---- tools

  private static final String TOOL =
      "{'type':'function','function':{'name':'f','description':'d','parameters':"
          + "{'type':'object','properties':{'x':{'type':'integer','minimum':1}}}}}";

  private static final String TOLD =
      "{'name':'f','description':'d','input_schema':"
          + "{'type':'object','properties':{'x':{'type':'integer','minimum':1}}}}";

  private static final String BARE = "{'type':'function','function':{'name':'g'}}";

  private static final String BARE_TOLD =
      "{'name':'g','input_schema':{'type':'object','properties':{}}}";

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '!',
      value = {
        "|",
        "'tool_choice':'auto'|'tool_choice':{'type':'auto'}",
        "'tool_choice':'none'|'tool_choice':{'type':'none'}",
        "'tool_choice':'none','parallel_tool_calls':false|'tool_choice':{'type':'none'}",
        "'tool_choice':'required'|'tool_choice':{'type':'any'}",
        "'tool_choice':{'type':'function','function':{'name':'f'}}"
            + "|'tool_choice':{'type':'tool','name':'f'}",
        "'tool_choice':{'type':'any'}|'tool_choice':{'type':'any'}",
        "'parallel_tool_calls':false"
            + "|'tool_choice':{'type':'auto','disable_parallel_tool_use':true}",
        "'parallel_tool_calls':true|",
        "'tool_choice':'required','parallel_tool_calls':false"
            + "|'tool_choice':{'type':'any','disable_parallel_tool_use':true}",
        "'tool_choice':'required','reasoning_effort':'high'|'tool_choice':{'type':'any'}"
      })
  void choicesAreAnthropics(@Nullable String given, @Nullable String told) {
    JsonNode expected =
        json(
            "{'max_tokens':16384,'tools':[%s,%s]%s}"
                .formatted(TOLD, BARE_TOLD, told == null ? "" : "," + told));
    assertThat(
            parameters(
                OLD, "{'tools':[%s,%s]%s}".formatted(TOOL, BARE, given == null ? "" : "," + given)))
        .isEqualTo(expected);
  }

  @Test
  void aForcedToolLeavesNoRoomForThoughts() {
    String forced = "{'tools':[" + BARE + "],'tool_choice':'required','reasoning_effort':'high'}";
    assertThat(parameters(NEW, forced))
        .isEqualTo(
            json(
                "{'max_tokens':16384,'tools':["
                    + BARE_TOLD
                    + "],'tool_choice':{'type':'any'},'thinking':{'type':'disabled'}}"));
  }

  @Test
  void someOfTheToolsMayBeUsed() {
    String allowed =
        "{'tools':[%s,%s],'tool_choice':{'type':'allowed_tools','allowed_tools':{'mode':'required',"
            + "'tools':[{'type':'function','function':{'name':'g'}}]}}}";
    assertThat(parameters(OLD, allowed.formatted(TOOL, BARE)))
        .isEqualTo(
            json("{'max_tokens':16384,'tools':[" + BARE_TOLD + "],'tool_choice':{'type':'any'}}"));
  }

  @ParameterizedTest
  @CsvSource({OLD + ", true", "claude-sonnet-4-0, false", OTHER + ", false"})
  void argumentsAreHeldToASchemaWhereThatIsKnown(String model, boolean known) {
    String strict = TOOL.replace("'name'", "'strict':true,'name'");
    JsonNode tool = parameters(model, "{'tools':[" + strict + "]}").at("/tools/0");
    assertThat(tool.has("strict")).isEqualTo(known);
    assertThat(tool.at("/input_schema/properties/x").has("minimum")).isEqualTo(!known);
  }

  @Test
  void toolsInAnthropicsFormAreToldAsTheyAre() {
    String own = "{'type':'web_search_20250305','name':'web_search','max_uses':5}";
    assertThat(parameters(OLD, "{'tools':[" + own + "]}").path("tools"))
        .isEqualTo(json("[" + own + "]"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'web_search_options':{}}",
        "{'audio':{}}",
        "{'functions':[]}",
        "{'response_format':{'type':'grammar'}}",
        "{'tools':[{'type':'function','function':{'name':'g'}}],'tool_choice':{'type':'custom'}}"
      })
  void whatHasNoFormIsRefused(String given) {
    assertThatThrownBy(() -> parameters(OLD, given))
        .isInstanceOf(CallFailure.class)
        .hasMessageContaining("The upstream a has no ");
  }

  /** OpenAI's names are of the same characters; other servers and MCP have more. */
  @Test
  void namesAreToldInAnthropicsCharacters() {
    String name = "files.read/now";
    JsonNode body =
        body(
            OLD,
            null,
            "{'tools':[{'type':'function','function':{'name':'"
                + name
                + "'}}],'tool_choice':"
                + "{'type':'function','function':{'name':'"
                + name
                + "'}}}",
            "[{'role':'user','content':'q'},{'role':'assistant','content':null,'toolCalls':[{'id':"
                + "'functions.read:0','type':'function','function':{'name':'"
                + name
                + "','arguments':'{}'}}]},{'role':'tool','toolCallId':'functions.read:0',"
                + "'content':'x'}]");
    String told = body.at("/tools/0/name").asString();
    assertThat(told).matches("files_read_now_[0-9a-f]{8}");
    assertThat(body.at("/tool_choice/name").asString()).isEqualTo(told);
    assertThat(body.at("/messages/1/content/0/name").asString()).isEqualTo(told);
    String id = body.at("/messages/1/content/0/id").asString();
    assertThat(id).matches("[A-Za-z0-9_-]{1,64}");
    assertThat(body.at("/messages/2/content/0/tool_use_id").asString()).isEqualTo(id);
    AnthropicNames names = new AnthropicNames();
    assertThat(names.given(names.told(name))).isEqualTo(name);
    assertThat(names.told("x".repeat(500))).hasSize(64);
    assertThat(names.told("a.b")).isNotEqualTo(names.told("a/b"));
  }

  // ---- messages

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '!',
      value = {
        "[]|[{'role':'user','content':'(The conversation begins.)'}]",
        "[{'role':'assistant','content':'Hi'},{'role':'user','content':'q'}]|[{'role':'user',"
            + "'content':'(The conversation begins.)'},{'role':'assistant','content':[{'type':"
            + "'text','text':'Hi'}]},{'role':'user','content':[{'type':'text','text':'q'}]}]",
        "[{'role':'user','content':'a'},{'role':'user','content':[{'type':'input_text','text':'b'}"
            + ",{'type':'text','text':'c','cache_control':{'type':'ephemeral'}}]}]|[{'role':'user',"
            + "'content':[{'type':'text','text':'a'},{'type':'text','text':'b'},{'type':'text',"
            + "'text':'c','cache_control':{'type':'ephemeral'}}]}]",
        // Nothing, in all its forms, is left out, and its neighbours are one message.
        "[{'role':'user','content':'a'},{'role':'assistant','content':' \\n'},{'role':'assistant',"
            + "'content':[]},{'role':'user','content':''},{'role':'user','content':'b'}]|[{'role':"
            + "'user','content':[{'type':'text','text':'a'},{'type':'text','text':'b'}]}]",
        // An answer at the end is not gone on with.
        "[{'role':'user','content':'a'},{'role':'assistant','content':'b '}]|[{'role':'user',"
            + "'content':[{'type':'text','text':'a'}]},{'role':'assistant','content':[{'type':"
            + "'text','text':'b '}]},{'role':'user','content':[{'type':'text','text':"
            + "'Continue.'}]}]",
        "[{'role':'user','content':'a'},{'role':'assistant','content':null,'refusal':'No.'},"
            + "{'role':'user','content':'b'}]|[{'role':'user','content':[{'type':'text','text':"
            + "'a'}]},{'role':'assistant','content':[{'type':'text','text':'No.'}]},{'role':"
            + "'user','content':[{'type':'text','text':'b'}]}]",
        "[{'role':'user','content':[{'type':'image_url','image_url':{'url':"
            + "'https://h/a.png','detail':'low'}},{'type':'input_image','image_url':"
            + "'data:image/jpg;base64,AA=='},{'type':'input_image','file_id':'file_1'},"
            + "{'type':'input_image','file_id':'file-1'}]}]|[{'role':'user','content':[{'type':"
            + "'image','source':{'type':'url','url':'https://h/a.png'}},{'type':'image','source':"
            + "{'type':'base64','media_type':'image/jpeg','data':'AA=='}},{'type':'image',"
            + "'source':{'type':'file','file_id':'file_1'}},{'type':'text','text':"
            + "'[The image file-1 cannot be shown.]'}]}]",
        "[{'role':'user','content':[{'type':'file','file':{'file_data':"
            + "'data:application/pdf;base64,JVBE','filename':'a.pdf'}},{'type':'input_file',"
            + "'file_url':'https://h/b.pdf'},{'type':'input_file','file_data':"
            + "'data:text/csv;base64,YSxi','filename':'c.csv'},{'type':'input_file','file_data':"
            + "'data:application/zip;base64,AA==','filename':'d.zip'}]}]|[{'role':'user',"
            + "'content':[{'type':'document','source':{'type':'base64','media_type':"
            + "'application/pdf','data':'JVBE'},'title':'a.pdf'},{'type':'document','source':"
            + "{'type':'url','url':'https://h/b.pdf'}},{'type':'document','source':{'type':'text',"
            + "'media_type':'text/plain','data':'a,b'},'title':'c.csv'},{'type':'text','text':"
            + "'[The file d.zip of the type application/zip cannot be read.]'}]}]",
        "[{'role':'user','content':[{'type':'input_audio','input_audio':{'data':'AA==','format':"
            + "'wav'}},{'type':'search_result','source':'s','title':'t','content':[]}]}]|[{'role':"
            + "'user','content':[{'type':'text','text':'[The recording cannot be heard.]'},"
            + "{'type':'search_result','source':'s','title':'t','content':[]}]}]"
      })
  void messagesAreInTurns(String given, String told) {
    assertThat(messages(OLD, "{}", given)).isEqualTo(json(told));
  }

  @Test
  void instructionsAreApart() {
    JsonNode body =
        body(
            OLD,
            "Be short.",
            "{}",
            "[{'role':'system','content':[{'type':'text','text':'Rules','cache_control':{'type':"
                + "'ephemeral'}}]},{'role':'user','content':'q'},{'role':'developer','content':"
                + "'More'}]");
    assertThat(body.path("system"))
        .isEqualTo(
            json(
                "[{'type':'text','text':'Be short.'},{'type':'text','text':'Rules',"
                    + "'cache_control':{'type':'ephemeral'}},{'type':'text','text':'More'}]"));
    assertThat(body.path("messages")).hasSize(1);
  }

  private static String calls(String... ids) {
    List<String> all = new ArrayList<>();
    for (String id : ids) {
      all.add(
          "{\"id\":\"%s\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}"
              .formatted(id));
    }
    return "{'role':'assistant','content':'See:','toolCalls':" + all + "}";
  }

  private static String output(String id, String content) {
    return "{'role':'tool','toolCallId':'" + id + "','content':" + content + "}";
  }

  @Test
  void outputsOfParallelCallsAreOneMessageBeforeAllElse() {
    JsonNode told =
        messages(
            OLD,
            "{}",
            "[{'role':'user','content':'q'},%s,%s,{'role':'user','content':'And?'},%s]"
                .formatted(
                    calls("a", "b", "c"),
                    output("b", "'two'"),
                    output(
                        "a",
                        "[{'type':'text','text':'one'},{'type':'image_url','image_url':{'url':"
                            + "'data:image/png;base64,AA=='}}]")));
    assertThat(told.at("/1/content"))
        .isEqualTo(
            json(
                "[{'type':'text','text':'See:'},{'type':'tool_use','id':'a','name':'f','input':{}},"
                    + "{'type':'tool_use','id':'b','name':'f','input':{}},"
                    + "{'type':'tool_use','id':'c','name':'f','input':{}}]"));
    assertThat(told.at("/2"))
        .isEqualTo(
            json(
                "{'role':'user','content':[{'type':'tool_result','tool_use_id':'b','content':"
                    + "[{'type':'text','text':'two'}]},{'type':'tool_result','tool_use_id':'a',"
                    + "'content':[{'type':'text','text':'one'},{'type':'image','source':{'type':"
                    + "'base64','media_type':'image/png','data':'AA=='}}]},{'type':'tool_result',"
                    + "'tool_use_id':'c','content':'No output.'},{'type':'text','text':'And?'}]}"));
    assertThat(told).hasSize(3);
  }

  @Test
  void idsAreOfTheirOwnAndFailuresAreTold() {
    JsonNode body =
        body(
            OLD,
            null,
            "{}",
            "[{'role':'user','content':'q'},%s,%s,%s,{'role':'tool','toolCallId':'0','content':"
                    .formatted(calls("0"), output("0", "''"), calls("0"))
                + "'This call was not carried out: x.','status':'incomplete'},"
                + output("9", "'late'")
                + "]");
    JsonNode told = body.path("messages");
    String second = told.at("/3/content/1/id").asString();
    assertThat(told.at("/1/content/1/id").asString()).isEqualTo("0");
    assertThat(second).isNotEqualTo("0").matches("[A-Za-z0-9_-]+");
    assertThat(told.at("/2/content")).isEqualTo(json("[{'type':'tool_result','tool_use_id':'0'}]"));
    assertThat(told.at("/4/content/0/tool_use_id").asString()).isEqualTo(second);
    assertThat(told.at("/4/content/0/is_error").asBoolean()).isTrue();
    assertThat(told.at("/4/content/1/text").asString()).isEqualTo("Output of the tool call 9:");
    // Calls without any tools are refused.
    assertThat(body.path("tools"))
        .isEqualTo(json("[{'name':'f','input_schema':{'type':'object','properties':{}}}]"));
    assertThat(body.path("tool_choice")).isEqualTo(json("{'type':'none'}"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '!',
      value = {
        "{\\'a\\':1.0}|{'a':1.0}",
        "|{}",
        "half {|{'input':'half {'}",
        "[1]|{'input':'[1]'}"
      })
  void argumentsAreAnObject(@Nullable String arguments, String told) {
    String given = arguments == null ? "" : arguments.replace("\\'", "\\\"");
    JsonNode messages =
        messages(
            OLD,
            "{}",
            "[{'role':'user','content':'q'},{'role':'assistant','content':null,'toolCalls':[{'id':"
                + "'a','type':'function','function':{'name':'f','arguments':'"
                + given
                + "'}}]}]");
    assertThat(messages.at("/1/content/0/input").toString()).isEqualTo(json(told).toString());
    assertThat(messages.at("/2/content/0/type").asString()).isEqualTo("tool_result");
  }

  // ---- thoughts

  private static final String BLOCKS =
      "'thinking_blocks':[{'type':'thinking','thinking':'hm','signature':'s1','index':0},"
          + "{'type':'redacted_thinking','data':'d2','index':1},"
          + "{'type':'thinking','thinking':'','signature':'s3','index':2,'after_text':4}]";

  private static String thought(String upstream, String turn) {
    return calls("a")
        .replace(
            "'role'",
            "'reasoning':'hm','upstream':{"
                + upstream
                + "'message':{"
                + BLOCKS
                + "}},"
                + turn
                + "'role'");
  }

  private static final String TOLD_BLOCKS =
      "[{'type':'thinking','thinking':'hm','signature':'s1'},{'type':'redacted_thinking','data':"
          + "'d2'},{'type':'text','text':'See:'},{'type':'thinking','thinking':'','signature':'s3'},"
          + "{'type':'tool_use','id':'a','name':'f','input':{}}]";

  /** Signatures are of one model with one server; what a client sends is for whom it asks. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '!',
      value = {
        "'name':'a',|'turn':'trn_1',|true",
        "'name':'b',|'turn':'trn_1',|false",
        "'name':'a','by':1,|'turn':'trn_1',|true",
        "|'turn':'trn_1',|false",
        "||true"
      })
  void thoughtsAreGivenBackToWhomTheyAre(
      @Nullable String upstream, @Nullable String turn, boolean told) {
    String given =
        "[{'role':'user','content':'q'},%s,%s]"
            .formatted(
                thought(upstream == null ? "" : upstream, turn == null ? "" : turn),
                output("a", "'x'"));
    JsonNode content = messages(OLD, "{'reasoning_effort':'low'}", given).at("/1/content");
    if (told) {
      assertThat(content).isEqualTo(json(TOLD_BLOCKS));
    } else {
      assertThat(content.toString()).doesNotContain("thinking");
    }
  }

  @ParameterizedTest
  @CsvSource({"a/" + OLD + ", true", "a/" + NEW + ", false", "b/" + OLD + ", false"})
  void thoughtsOfAnotherModelAreNotTold(String thinker, boolean told) {
    String given =
        "[{'role':'user','content':'q'},%s,%s]"
            .formatted(
                thought("'name':'a',", "'turn':'trn_1',")
                    .replace(BLOCKS, "'thinking_by':'" + thinker + "'," + BLOCKS),
                output("a", "'x'"));
    JsonNode body = body(OLD, null, "{'reasoning_effort':'low'}", given);
    assertThat(body.toString().contains("redacted_thinking")).isEqualTo(told);
    // Who has not begun the loop with thoughts may not have any in it.
    assertThat(body.has("thinking")).isEqualTo(told);
  }

  @Test
  void thoughtsAreToldOnlyWhereTheModelThinks() {
    String given =
        "[{'role':'user','content':'q'},%s,%s]"
            .formatted(thought("'name':'a',", "'turn':'trn_1',"), output("a", "'x'"));
    assertThat(body(OLD, null, "{}", given).toString()).doesNotContain("thinking");
    assertThat(messages(NEW, "{}", given).at("/1/content")).isEqualTo(json(TOLD_BLOCKS));
    assertThat(messages(NEW, "{'reasoning_effort':'none'}", given).toString())
        .doesNotContain("thinking");
    assertThat(messages(OTHER, "{}", given).at("/1/content")).isEqualTo(json(TOLD_BLOCKS));
    // A newer model decides for itself, whoever began the loop.
    String foreign = given.replace("'name':'a'", "'name':'b'");
    assertThat(body(NEW, null, "{'reasoning_effort':'low'}", foreign).has("thinking")).isTrue();
  }
}
