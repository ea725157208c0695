package io.heddle.openai;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.heddle.base.ProblemException;
import io.heddle.json.Json;
import io.heddle.json.JsonParsers;
import io.heddle.json.JsonValue;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.core.json.JsonFactory;

/** What requests for responses and completions ask of a model, and what they are refused for. */
class AsksTest {

  private final JsonFactory factory = JsonParsers.factory(64);

  // ---- responses

  @Test
  void parametersAreSaidInTheWordsOfChatCompletions() {
    assertThat(
            response(
                    "{'model':'m','input':'x','temperature':0.5,'top_p':0.9,'max_output_tokens':64,"
                        + "'parallel_tool_calls':false,'reasoning':{'effort':'low','summary':'auto'},"
                        + "'text':{'format':{'type':'json_schema','name':'n','schema':{'type':'object'},"
                        + "'strict':true},'verbosity':'low'},'metadata':{'a':'b'},'top_k':40,"
                        + "'tools':[{'type':'function','name':'f','parameters':{'type':'object'},"
                        + "'strict':null,'description':'d'}],'tool_choice':{'type':'function','name':'f'},"
                        + "'stream':true,'stream_options':{'include_obfuscation':false},'include':['x']}")
                .parameters()
                .toString())
        .isEqualTo(
            json(
                "{'temperature':0.5,'top_p':0.9,'parallel_tool_calls':false,'top_k':40,"
                    + "'max_tokens':64,'tools':[{'type':'function','function':{'name':'f',"
                    + "'parameters':{'type':'object'},'description':'d'}}],"
                    + "'tool_choice':{'type':'function','function':{'name':'f'}},'verbosity':'low',"
                    + "'response_format':{'type':'json_schema','json_schema':{'name':'n',"
                    + "'schema':{'type':'object'},'strict':true}},'reasoning_effort':'low',"
                    + "'stream_options':{'responses':{'reasoning':{'summary':'auto'},"
                    + "'include':['x']}}}"));
  }

  @Test
  void nothingIsAskedThatWasNotAskedFor() {
    ResponseRequest ask = response("{'input':'x','temperature':null,'tools':[],'text':{}}");
    assertThat(ask.parameters()).isEqualTo(Json.EMPTY_OBJECT);
    assertThat(ask.store()).isTrue();
    assertThat(ask.stream()).isFalse();
    assertThat(ask.background()).isFalse();
  }

  @Test
  void theResponseRepeatsTheRequestToTheByte() {
    String shown =
        response(
                "{'input':'x','instructions':'be','metadata':{'k':'v'},'temperature':0.70,"
                    + "'tools':[{'type':'function','name':'f','x':12345678901234567890}]}")
            .shown()
            .toString();
    assertThat(shown)
        .contains(json("'instructions':'be'"), json("'metadata':{'k':'v'}"), "0.70")
        .contains(
            json(
                "'tools':[{'type':'function','name':'f','x':12345678901234567890,"
                    + "'description':null,'parameters':null,'strict':null}]"))
        .contains(json("'text':{'format':{'type':'text'}}"))
        .contains(json("'reasoning':{'effort':null,'summary':null}"))
        .contains(json("'truncation':'disabled'"));
  }

  /** Every member that the Open Responses schema requires, given or not. */
  @Test
  void theResponseHasEveryMemberThatTheSchemaRequires() {
    for (String given :
        List.of(
            "{}",
            "{'temperature':null,'top_p':null,'tools':null,'text':null,'reasoning':null,'tool_choice':null,"
                + "'presence_penalty':null,'metadata':null,'service_tier':null,'safety_identifier':null}")) {
      JsonValue shown = OpenAiJson.object(response(given).shown());
      assertThat(shown.members().keySet())
          .as(given)
          .contains(
              "previous_response_id",
              "instructions",
              "tools",
              "tool_choice",
              "truncation",
              "parallel_tool_calls",
              "text",
              "top_p",
              "presence_penalty",
              "frequency_penalty",
              "top_logprobs",
              "temperature",
              "reasoning",
              "max_output_tokens",
              "max_tool_calls",
              "store",
              "service_tier",
              "metadata",
              "safety_identifier",
              "prompt_cache_key");
      assertThat(
              Map.of(
                  "presence_penalty", "0",
                  "frequency_penalty", "0",
                  "temperature", "1.0",
                  "top_p", "1.0",
                  "safety_identifier", "null",
                  "prompt_cache_key", "null"))
          .allSatisfy((name, value) ->
              assertThat(shown.members().get(name).json().toString()).isEqualTo(value));
    }
    assertThat(
            response(
                    "{'presence_penalty':0.5,'frequency_penalty':-1.25,'safety_identifier':'s',"
                        + "'prompt_cache_key':'k','tools':[{'type':'function','name':'f','strict':true}],"
                        + "'tool_choice':{'type':'allowed_tools','tools':[{'type':'function','name':'f'}]},"
                        + "'text':{'format':{'type':'json_schema','name':'n','schema':{}},'verbosity':'low'}}")
                .shown()
                .toString())
        .contains(
            json("'presence_penalty':0.5,'frequency_penalty':-1.25"),
            json("'safety_identifier':'s','prompt_cache_key':'k'"),
            json(
                "{'type':'function','name':'f','strict':true,'description':null,'parameters':null}"),
            json("'mode':'auto'"),
            json(
                "{'type':'json_schema','name':'n','schema':{},'description':null,'strict':false},'verbosity':'low'"));
  }

  /** What a version before this one kept of a request. */
  @Test
  void anOlderResponseHasThemToo() {
    Json kept =
        Json.of(
            json(
                "{'instructions':'be','tools':[{'type':'function','name':'f'}],'text':{'format':"
                    + "{'type':'text'}},'temperature':0.70,'top_logprobs':0}"));
    Json whole = ResponseRequest.shownWhole(kept);
    assertThat(whole.toString())
        .contains(json("'instructions':'be'"), "0.70", json("'strict':null"))
        .contains(json("'presence_penalty':0,'frequency_penalty':0"))
        .contains(json("'safety_identifier':null,'prompt_cache_key':null"));
    assertThat(ResponseRequest.shownWhole(whole)).isSameAs(whole);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'temperature':3}|temperature|decimal_above_max_value",
        "{'temperature':-0.1}|temperature|decimal_below_min_value",
        "{'temperature':'1'}|temperature|invalid_type",
        "{'temperature':1e400}|temperature|decimal_above_max_value",
        "{'top_p':1.01}|top_p|decimal_above_max_value",
        "{'presence_penalty':-2.5}|presence_penalty|decimal_below_min_value",
        "{'frequency_penalty':2.5}|frequency_penalty|decimal_above_max_value",
        "{'parallel_tool_calls':'yes'}|parallel_tool_calls|invalid_type",
        "{'user':7}|user|invalid_type",
        "{'prompt_cache_key':{}}|prompt_cache_key|invalid_type",
        "{'safety_identifier':'0123456789012345678901234567890123456789012345678901234567890123X'}|safety_identifier|string_above_max_length",
        "{'prompt_cache_key':'0123456789012345678901234567890123456789012345678901234567890123X'}|prompt_cache_key|string_above_max_length",
        "{'prompt_cache_retention':24}|prompt_cache_retention|invalid_type",
        "{'tool_choice':'banana'}|tool_choice|invalid_value",
        "{'tool_choice':7}|tool_choice|invalid_type",
        "{'tool_choice':'required'}|tool_choice|invalid_value",
        "{'tool_choice':{}}|tool_choice.type|missing_required_parameter",
        "{'tools':{}}|tools|invalid_type",
        "{'stream_options':7}|stream_options|invalid_type",
        "{'stream_options':{'include_usage':'x'}}|stream_options.include_usage|invalid_type"
      })
  void whatOpenAiChecksIsChecked(String body, String param, String code) {
    for (String more : List.of("'input':'x'", "'messages':[{'role':'user','content':'x'}]")) {
      String whole = json("{" + more + "," + body.substring(1));
      ProblemException refused =
          catchThrowableOfType(
              ProblemException.class,
              () -> {
                JsonValue fields = OpenAiJson.object(Json.of(whole));
                if (more.startsWith("'input")) {
                  ResponseRequest.read(fields);
                } else {
                  ChatRequest.read(fields);
                }
              });
      WireError error = WireError.of(refused.problem());
      assertThat(error.status()).as(whole).isEqualTo(400);
      assertThat(error.param()).as(whole).isEqualTo(param);
      assertThat(error.code()).as(whole).isEqualTo(code);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'max_tokens':0}|max_tokens|integer_below_min_value",
        "{'max_completion_tokens':'5'}|max_completion_tokens|invalid_type",
        "{'logit_bias':{'7':101}}|logit_bias.7|decimal_above_max_value",
        "{'logit_bias':[]}|logit_bias|invalid_type",
        "{'tool_choice':{'type':'banana'}}|tool_choice.type|invalid_value",
        "{'tool_choice':{'type':'allowed_tools','allowed_tools':{'mode':'auto','tools':[]}}}|tool_choice.allowed_tools.tools|array_below_min_length",
        "{'tools':[{'type':'function','function':{'name':'my"
            + " tool'}}]}|tools[0].function.name|invalid_value",
        "{'tools':[{'type':'custom','custom':{'name':'my"
            + "\ttool'}}]}|tools[0].custom.name|invalid_value",
        "{'response_format':{'type':'json_schema','json_schema':{'name':'my"
            + " answer'}}}|response_format.json_schema.name|invalid_value",
        "{'response_format':{'type':'json_schema','json_schema':{'name':''}}}|response_format.json_schema.name|invalid_value",
        "{'response_format':{'type':'json_schema','json_schema':{'name':'n','schema':'{}'}}}|response_format.json_schema.schema|invalid_type",
        "{'response_format':{'type':'json_schema','json_schema':{'name':'n','strict':'yes'}}}|response_format.json_schema.strict|invalid_type"
      })
  void whatOpenAiChecksOfCompletionsIsChecked(String body, String param, String code) {
    String whole = json("{'messages':[{'role':'user','content':'x'}]," + body.substring(1));
    isRefused(() -> ChatRequest.read(OpenAiJson.object(Json.of(whole))), param, code);
  }

  /** They went up as they were: the model's server refused them, or the model never saw them. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'type':'text'}|text|missing_required_parameter",
        "{'type':'input_text','text':7}|text|invalid_type",
        "{'type':'output_text','text':null}|text|missing_required_parameter",
        "{'type':'refusal'}|refusal|missing_required_parameter",
        "{'type':'image_url'}|image_url|missing_required_parameter",
        "{'type':'image_url','image_url':{}}|image_url.url|missing_required_parameter",
        "{'type':'input_image'}|image_url|missing_required_parameter",
        "{'type':'input_image','image_url':{'url':'http://x'}}|image_url|invalid_type",
        "{'type':'input_file','filename':'f'}|file_id|missing_required_parameter",
        "{}|type|missing_required_parameter"
      })
  void aPartSaysWhatItsTypeHasToSay(String part, String member, String code) {
    String content = json("[{'type':'text','text':'x'}," + part + "]");
    isRefused(
        () -> Parts.stored(OpenAiJson.value(Json.of(content), "input[0].content")),
        "input[0].content[1]." + member,
        code);
    String output = json("{'type':'function_call_output','call_id':'c','output':") + content + "}";
    isRefused(
        () -> ItemInput.message(OpenAiJson.value(Json.of(output))), "output[1]." + member, code);
  }

  /** A message of a role that nobody knows was taken, and the model never saw it. */
  @Test
  void aRoleThatNoItemHasIsRefused() {
    Json item = Json.of(json("{'role':'bogus','content':'x'}"));
    isRefused(() -> ItemInput.message(OpenAiJson.value(item)), "role", "invalid_value");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'max_output_tokens':15}|max_output_tokens|integer_below_min_value",
        "{'max_output_tokens':1.5}|max_output_tokens|invalid_type",
        "{'max_tool_calls':0}|max_tool_calls|integer_below_min_value",
        "{'top_logprobs':21}|top_logprobs|integer_above_max_value",
        "{'truncation':'some'}|truncation|invalid_value",
        "{'reasoning':{'effort':'banana'}}|reasoning.effort|invalid_value",
        "{'reasoning':{'summary':1}}|reasoning.summary|invalid_type",
        "{'reasoning':'high'}|reasoning|invalid_type",
        "{'text':{'verbosity':'loud'}}|text.verbosity|invalid_value",
        "{'text':{'format':{}}}|text.format.type|missing_required_parameter",
        "{'text':{'format':{'type':'json_schema','schema':{}}}}|text.format.name|missing_required_parameter",
        "{'text':{'format':{'type':'json_schema','name':'n'}}}|text.format.schema|missing_required_parameter",
        "{'reasoning':{'generate_summary':'long'}}|reasoning.generate_summary|invalid_value",
        "{'text':{'format':{'type':'json_schema','name':'my"
            + " answer','schema':{}}}}|text.format.name|invalid_value",
        "{'text':{'format':{'type':'json_schema','name':'n','schema':'{}'}}}|text.format.schema|invalid_type",
        "{'text':{'format':{'type':'json_schema','name':'n','schema':{},'strict':'yes'}}}|text.format.strict|invalid_type",
        "{'tools':[{'type':'function','name':'my tool'}]}|tools[0].name|invalid_value",
        "{'tools':[{'type':'custom','name':' '}]}|tools[0].name|invalid_value",
        "{'tools':[{'type':'namespace','name':'n','tools':[{'type':'function','name':'my"
            + " tool'}]}]}|tools[0].tools[0].name|invalid_value",
        "{'tools':[{'type':'function','name':'f'}],'tool_choice':{'type':'allowed_tools','tools':[]}}|tool_choice.tools|array_below_min_length",
        "{'tools':[{'type':'function','name':'f'}],'tool_choice':{'type':'namespace','name':'n'}}|tool_choice.name|invalid_value",
        "{'input':[{'type':'additional_tools','role':'developer'}]}|input[0].tools|missing_required_parameter",
        "{'input':[{'type':'additional_tools','tools':[{'type':'function'}]}]}|input[0].tools[0].name|missing_required_parameter",
        "{'input':'x','include':'x'}|include|invalid_type",
        "{'metadata':{'a':1}}|metadata.a|invalid_type",
        "{'tools':[{'type':'function'}]}|tools[0].name|missing_required_parameter",
        "{'tools':[{'type':'function','name':'f','parameters':[]}]}|tools[0].parameters|invalid_type",
        "{'tools':[{'type':'function','name':'f'}],'tool_choice':{'type':'function','name':'g'}}|tool_choice.name|invalid_value",
        "{'tools':[{'type':'function','name':'f'}],'tool_choice':{'type':'allowed_tools','tools':[{'type':'function','name':'g'}]}}|tool_choice.tools[0].name|invalid_value",
        "{'conversation':'c','previous_response_id':'r'}|previous_response_id|mutually_exclusive_parameters"
      })
  void whatOpenAiChecksOfResponsesIsChecked(String body, String param, String code) {
    isRefused(() -> response(body), param, code);
  }

  private static void isRefused(ThrowingCallable read, String param, String code) {
    ProblemException refused = catchThrowableOfType(ProblemException.class, read);
    WireError error = WireError.of(refused.problem());
    assertThat(error.param()).isEqualTo(param);
    assertThat(error.code()).isEqualTo(code);
  }

  /** A name of any length went up, and the server refused the whole request. */
  @Test
  void namesOfToolsAreBounded() {
    String longest = "n".repeat(128);
    assertThat(response("{'tools':[{'type':'function','name':'" + longest + "'}]}").parameters())
        .asString()
        .contains(longest);
    isRefused(
        () -> response("{'tools':[{'type':'function','name':'" + longest + "n'}]}"),
        "tools[0].name",
        "string_above_max_length");
    // Periods and colons, and letters of any language, are for servers that know them.
    for (String name : List.of("a.b", "mcp:get", "wörter", "天気")) {
      assertThat(
              response("{'tools':[{'type':'function','name':'" + name + "'}]}")
                  .parameters()
                  .toString())
          .contains(name);
    }
  }

  /** They were taken, and no model saw them: the answer read as if nothing had been called. */
  @Test
  void whatAMessageOfAnotherTimeHasIsRefused() {
    for (String member :
        List.of("'function_call':{'name':'f','arguments':'{}'}", "'audio':{'id':'a'}")) {
      String body =
          "{'messages':[{'role':'user','content':'x'},{'role':'assistant','content':null,%s}]}"
              .formatted(member);
      String name = member.substring(1, member.indexOf(':') - 1);
      WireException refused =
          catchThrowableOfType(
              WireException.class, () -> ChatRequest.read(OpenAiJson.object(Json.of(json(body)))));
      assertThat(refused.error().param()).isEqualTo("messages[1]." + name);
      assertThat(refused.error().code()).isEqualTo("unsupported_parameter");
    }
  }

  /**
   * The newest Codex sends its tools in an item and nowhere else, and those that a client has found
   * come in an item too: its model was told of none.
   */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'input':[{'type':'additional_tools','role':'developer','tools':[F]},M]}|f",
        "{'input':[M,{'type':'tool_search_output','call_id':'c','execution':'client','tools':[F,G]}]}|f,g",
        "{'tools':[F],'input':[{'type':'additional_tools','tools':[G]},M]}|f,g",
        "{'tools':[F],'input':[{'type':'additional_tools','tools':[F,F]},M,{'type':'additional_tools','tools':[F]}]}|f",
        "{'tools':[F],'input':[{'type':'additional_tools','tools':[{'type':'function','name':'f','description':'newer'}]},M]}|f",
        "{'tools':[F],'input':[{'type':'additional_tools','tools':[{'type':'custom','name':'f'}]},M]}|f",
        "{'input':[{'type':'additional_tools','tools':[N]},M,{'type':'additional_tools','tools':[N]}]}|n-_-f",
        "{'tools':[N,N],'input':[M]}|n-_-f",
        "{'input':[M,{'type':'tool_search_output','tools':null},{'type':'additional_tools','tools':[]}]}|",
        "{'input':[{'role':'user','content':'additional_tools'}]}|"
      })
  void itemsBringTools(String request, String names) {
    String body =
        json(request)
            .replace("[M", "[{\"role\":\"user\",\"content\":\"x\"}")
            .replace(",M", ",{\"role\":\"user\",\"content\":\"x\"}")
            .replace("N", "{\"type\":\"namespace\",\"name\":\"n\",\"tools\":[F]}")
            .replace("F", "{\"type\":\"function\",\"name\":\"f\"}")
            .replace("G", "{\"type\":\"function\",\"name\":\"g\"}");
    ResponseRequest ask = ResponseRequest.read(OpenAiJson.object(Json.of(body)));
    JsonValue tools = OpenAiJson.object(ask.parameters()).get("tools");
    List<String> told =
        tools == null
            ? List.of()
            : tools.array().stream()
                .map(JsonValue::object)
                .map(tool -> tool.required(tool.word("type")).object().word("name"))
                .toList();
    assertThat(told).isEqualTo(names == null ? List.of() : List.of(names.split(",")));
    if (request.contains("newer")) {
      assertThat(ask.parameters().toString()).contains("newer");
    }
  }

  /** With drop, a choice that no tool of the request has was left out without a word. */
  @ParameterizedTest
  @CsvSource({
    "web_search,web_search,true",
    "web_search_preview_2025_03_11,web_search_preview,true",
    "web_search,web_search_2025_08_26,true",
    "web_search,banana,false",
    "web_search,mcp,false"
  })
  void whatIsChosenWasThere(String tool, String chosen, boolean taken) {
    JsonValue body =
        OpenAiJson.object(
            Json.of(
                json(
                    "{'tools':[{'type':'function','name':'f'},{'type':'%s'}],'tool_choice':{'type':'%s'}}"
                        .formatted(tool, chosen))));
    Throwable refused = catchThrowable(() -> ResponseRequest.read(body, HostedTools.DROP));
    if (taken) {
      assertThat(refused).isNull();
    } else {
      assertThat(((WireException) refused).error().param()).isEqualTo("tool_choice.type");
    }
  }

  /** It went up as it was. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{}|function|missing_required_parameter",
        "{'id':'c'}|function|missing_required_parameter",
        "{'id':'c','type':'function','function':{}}|function.name|missing_required_parameter",
        "{'id':'c','type':'function','function':'f'}|function|invalid_type",
        "{'id':'c','type':'function','function':{'name':7}}|function.name|invalid_type",
        "{'id':'c','type':'custom','custom':{}}|custom.name|missing_required_parameter"
      })
  void aCallOfAMessageSaysWhatIsCalled(String call, String member, String code) {
    String body =
        "{'messages':[{'role':'user','content':'x'},{'role':'assistant','tool_calls':[%s]}]}"
            .formatted(call);
    isRefused(
        () -> ChatRequest.read(OpenAiJson.object(Json.of(json(body)))),
        "messages[1].tool_calls[0]." + member,
        code);
  }

  /** A choice of a namespace was named as possible by its own refusal, and left out with drop. */
  @Test
  void aNamespaceMayBeChosen() {
    String body =
        "{'tools':[{'type':'function','name':'f'},{'type':'namespace','name':'n','tools':["
            + "{'type':'function','name':'g'},{'type':'custom','name':'h'}]}],"
            + "'tool_choice':{'type':'namespace','name':'n'}}";
    assertThat(
            OpenAiJson.object(response(body).parameters())
                .required("tool_choice")
                .json()
                .toString())
        .isEqualTo(
            json(
                "{'type':'allowed_tools','allowed_tools':{'mode':'required','tools':["
                    + "{'type':'function','function':{'name':'n-_-g'}},"
                    + "{'type':'custom','custom':{'name':'n-_-h'}}]}}"));
  }

  /** Servers refuse parameters by the names of Chat Completions. */
  @ParameterizedTest
  @CsvSource({
    "messages,input",
    "max_completion_tokens,max_output_tokens",
    "response_format.json_schema.name,text.format",
    "reasoning_effort,reasoning.effort",
    "tools[0].function.parameters,tools",
    "tool_choice.function.name,tool_choice",
    "tool_choice.allowed_tools.tools[0].function.name,tool_choice",
    "metadata.a,metadata.a",
    "top_p,top_p"
  })
  void parametersHaveTheNamesOfTheRequest(String chat, String name) {
    assertThat(ResponseParameters.nameOf(chat)).isEqualTo(name);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'tools':[{'type':'web_search'}]}|tools[0].type|unsupported_parameter",
        "{'tools':[{'type':'namespace','name':'n','tools':[{'type':'mcp'}]}]}|tools[0].tools[0].type|unsupported_parameter",
        "{'tools':[{'type':'namespace','name':'n'}]}|tools[0].tools|missing_required_parameter",
        "{'tools':[{'type':'namespace','tools':[]}]}|tools[0].name|missing_required_parameter",
        "{'tools':[{'type':'namespace','name':'n','tools':[{'type':'function'}]}]}|tools[0].tools[0].name|missing_required_parameter",
        "{'tools':[{'type':'namespace','name':'n','tools':[{'type':'function','name':'f'}]},{'type':'function','name':'n-_-f'}]}|tools[1].name|invalid_value",
        "{'tools':[{'type':'function','name':'f'}],'tool_choice':{'type':'web_search'}}|tool_choice.type|unsupported_parameter",
        "{'input':[{'role':'user','content':'x'},{'type':'additional_tools','tools':[{'type':'web_search'}]}]}|input[1].tools[0].type|unsupported_parameter"
      })
  void toolsThatHeddleHasNotAreRefusedByName(String body, String param, String code) {
    Throwable refused = catchThrowable(() -> response(body));
    WireError error =
        refused instanceof WireException wire
            ? wire.error()
            : WireError.of(((ProblemException) refused).problem());
    assertThat(error.param()).isEqualTo(param);
    assertThat(error.code()).isEqualTo(code);
  }

  @ParameterizedTest
  @CsvSource({
    "agents, close, true",
    "mcp__x__, y, true",
    "a-, b, true",
    "a_, _b, true",
    "a-_, b, false",
    "a, b-_-c, false",
    "a.b, c, false",
    "a, ü, false",
    "n, 0123456789012345678901234567890123456789012345678901234567890123, false"
  })
  void aNameOfTwoPartsIsLegalAndTakenApartAgain(String namespace, String name, boolean apart) {
    String flat = Namespaces.flat(namespace, name);
    assertThat(flat).matches("[A-Za-z0-9_-]{1,64}").isEqualTo(Namespaces.flat(namespace, name));
    assertThat(Namespaces.apart(flat).equals(new Namespaces.Name(namespace, name)))
        .isEqualTo(apart);
    assertThat(flat).isNotEqualTo(Namespaces.flat(namespace + "x", name));
  }

  @Test
  void aConversationIsNamedInTwoWays() {
    assertThat(response("{'conversation':'conv_1'}").conversation()).isEqualTo("conv_1");
    assertThat(response("{'conversation':{'id':'conv_1'}}").conversation()).isEqualTo("conv_1");
    assertThat(response("{'conversation':null}").conversation()).isNull();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'prompt':{'id':'p'}}|prompt",
        "{'context_management':[{'type':'other'}]}|context_management[0].type",
        "{'moderation':{'model':'m'}}|moderation",
        "{'include':['x','message.output_text.logprobs']}|include[1]",
        "{'top_logprobs':3}|top_logprobs",
        "{'tools':[{'type':'function','name':'f'},{'type':'web_search'}]}|tools[1].type",
        "{'tool_choice':{'type':'mcp'}}|tool_choice.type",
        "{'text':{'format':{'type':'grammar'}}}|text.format.type"
      })
  void whatIsNotSupportedIsRefusedByName(String body, String param) {
    WireError error = refused(() -> response(body));
    assertThat(error.status()).isEqualTo(400);
    assertThat(error.code()).isEqualTo("unsupported_parameter");
    assertThat(error.param()).isEqualTo(param);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'conversation':'c','previous_response_id':'r'}|previous_response_id",
        "{'store':false,'background':true}|background",
        "{'max_output_tokens':15}|max_output_tokens",
        "{'max_output_tokens':'many'}|max_output_tokens",
        "{'input':5}|input",
        "{'stream':'yes'}|stream",
        "{'instructions':[]}|instructions",
        "{'conversation':{}}|conversation.id",
        "{'metadata':{'a':1}}|metadata.a",
        "{'metadata':[]}|metadata",
        "{'tools':[{'type':'function'}]}|tools[0].name",
        "{'truncation':'some'}|truncation"
      })
  void whatIsWrongIsRefusedByName(String body, String param) {
    assertThat(refused(() -> response(body)).param()).isEqualTo(param);
  }

  @Test
  void metadataHaveBounds() {
    String key = "k".repeat(Metadata.MAX_KEY);
    String value = "v".repeat(Metadata.MAX_VALUE);
    assertThat(Metadata.read(value("{'" + key + "':'" + value + "'}")).length()).isPositive();
    assertThat(refused(() -> Metadata.read(value("{'" + key + "k':''}"))).status()).isEqualTo(400);
    assertThat(refused(() -> Metadata.read(value("{'a':'" + value + "v'}"))).status())
        .isEqualTo(400);
    StringBuilder many = new StringBuilder("{'k0':''");
    for (int i = 1; i < Metadata.MAX_PAIRS; i++) {
      many.append(",'k").append(i).append("':''");
    }
    assertThat(Metadata.read(value(many + "}")).length()).isPositive();
    assertThat(refused(() -> Metadata.read(value(many + ",'more':''}"))).status()).isEqualTo(400);
  }

  @Test
  void metadataOfOtherWiresAreShownAsStrings() {
    assertThat(Metadata.shown(Json.of(json("{'a':'b','n':1.50,'o':{'x':[]}}"))).toString())
        .isEqualTo("{\"a\":\"b\",\"n\":\"1.50\",\"o\":\"{\\\"x\\\":[]}\"}");
  }

  // ---- chat

  @Test
  void whatIsTheModelsServersIsPassedOnAsItIs() {
    ChatRequest ask =
        chat(
            "{'model':'m','messages':[{'role':'user','content':'x'}],'stream':true,"
                + "'stream_options':{'include_usage':true},'metadata':{'conversation_id':'c','a':'b'},"
                + "'store':false,'n':1,'seed':12345678901234567890,'tools':[{'a':[]}],'user':null,"
                + "'guided_json':{'x':{}}}");
    assertThat(ask.parameters().toString())
        .isEqualTo(json("{'seed':12345678901234567890,'tools':[{'a':[]}],'guided_json':{'x':{}}}"));
    assertThat(ask.conversation()).isEqualTo("c");
    assertThat(ask.usage()).isTrue();
  }

  @Test
  void leadingSystemMessagesAreInstructions() {
    ChatRequest ask =
        chat(
            "{'messages':[{'role':'system','content':'a'},{'role':'developer','content':["
                + "{'type':'text','text':'b'}]},{'role':'user','content':'x'},{'role':'system','content':'c'}]}");
    assertThat(ask.instructions()).isEqualTo("a\n\nb");
    assertThat(ask.messages()).hasSize(2);
  }

  @Test
  void messagesAreStoredWithTheNamesOfTheStore() {
    List<Json> messages =
        chat("{'messages':[{'role':'assistant','content':null,'tool_calls':[{'id':'c','type':'function',"
                 + "'function':{'name':'f','arguments':'{}'}}]},{'role':'tool','tool_call_id':'c','content':'1'},"
                 + "{'role':'user','name':'ann','content':[{'type':'image_url','image_url':{'url':'u'}}]}]}")
            .messages();
    assertThat(messages)
        .extracting(Json::toString)
        .containsExactly(
            json(
                "{'role':'assistant','content':null,'status':'completed','toolCalls':[{'id':'c',"
                    + "'type':'function','function':{'name':'f','arguments':'{}'}}]}"),
            json("{'role':'tool','content':'1','status':'completed','toolCallId':'c'}"),
            json(
                "{'role':'user','content':[{'type':'image_url','image_url':{'url':'u'}}],'name':'ann',"
                    + "'status':'completed'}"));
  }

  /** Clients send again what they were given, and were sometimes given nothing. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'role':'assistant','content':null}",
        "{'role':'assistant'}",
        "{'role':'assistant','content':[]}",
        "{'role':'assistant','content':null,'tool_calls':[]}",
        "{'role':'assistant','content':null,'tool_calls':null,'refusal':null,'function_call':null,"
            + "'audio':null,'annotations':[]}",
        "{'role':'tool','tool_call_id':'c','content':null}",
        "{'role':'tool','tool_call_id':'c','content':[]}"
      })
  void anAnswerAndAnOutputMayBeWithoutAWord(String message) {
    Json stored = chat("{'messages':[" + message + "]}").messages().getFirst();
    assertThat(stored.toString()).contains("\"status\":\"completed\"").doesNotContain("upstream");
    assertThat(OpenAiJson.object(stored).raw("content", Json.of("null")))
        .isIn(Json.of("\"\""), Json.of("null"));
  }

  @Test
  void instructionsOfPartsKeepTheirMarks() {
    ChatRequest ask =
        chat(
            "{'messages':[{'role':'system','content':'a'},{'role':'system','content':[{'type':'text',"
                + "'text':'b','cache_control':{'type':'ephemeral'}}]},{'role':'user','content':'x'}]}");
    assertThat(ask.instructions()).isEqualTo("a\n\nb");
    assertThat(ask.prompt()).hasSize(2);
    assertThat(ask.prompt().get(1).toString())
        .contains(json("[{'type':'text','text':'b','cache_control':{'type':'ephemeral'}}]"));
    assertThat(ask.messages()).hasSize(1);
  }

  @Test
  void whatAClientSendsBackOfAServersOwnIsKept() {
    List<Json> messages =
        chat("{'messages':[{'role':'user','content':'q'},{'role':'assistant','content':null,"
                + "'reasoning_content':'hm','reasoning_details':[{'a':1}],'id':'x','audio':null,"
                + "'tool_calls':[{'id':'c','type':'function','function':{'name':'f',"
                + "'arguments':'{}'},'extra_content':{'google':{'thought_signature':'s'}}}]},"
                + "{'role':'assistant','content':'a','reasoning':'so'},"
                + "{'role':'assistant','content':'b','reasoning_content':''}]}")
            .messages();
    assertThat(messages.get(1).toString())
        .contains("thought_signature")
        .contains(
            json(
                "'reasoning':'hm','upstream':{'reasoning':'reasoning_content',"
                    + "'message':{'reasoning_details':[{'a':1}]}}"));
    assertThat(messages.get(2).toString())
        .contains(json("'reasoning':'so','upstream':{'reasoning':'reasoning'}"));
    assertThat(messages.get(3).toString())
        .contains(json("'upstream':{'message':{'reasoning_content':''}}"));
  }

  @Test
  void anAnswerThatIsSplitIsSeen() {
    String calls =
        "{'role':'assistant','content':null,'tool_calls':[{'id':'c','function':{'name':'f','arguments':'{}'}}]}";
    assertThat(chat("{'messages':[{'role':'assistant','content':'a'}," + calls + "]}").isSplit())
        .isTrue();
    assertThat(chat("{'messages':[{'role':'user','content':'a'}," + calls + "]}").isSplit())
        .isFalse();
    assertThat(chat("{'messages':[" + calls + ",{'role':'assistant','content':'a'}]}").isSplit())
        .isFalse();
  }

  @Test
  void newToAThreadIsWhatComesAfterTheLastAnswer() {
    ChatRequest whole =
        chat(
            "{'messages':[{'role':'user','content':'1'},{'role':'assistant','content':'2'},"
                + "{'role':'user','content':'3'},{'role':'user','content':'4'}]}");
    assertThat(whole.added(false)).hasSize(2);
    assertThat(whole.added(true)).hasSize(4);
    ChatRequest onlyNew = chat("{'messages':[{'role':'user','content':'3'}]}");
    assertThat(onlyNew.added(false)).hasSize(1);
    ChatRequest outputs =
        chat(
            "{'messages':[{'role':'user','content':'1'},{'role':'assistant','tool_calls':[{'id':'c','function':{'name':'f','arguments':'{}'}}]},"
                + "{'role':'tool','tool_call_id':'c','content':'x'}]}");
    assertThat(outputs.added(false)).hasSize(1);
    ChatRequest nothing =
        chat("{'messages':[{'role':'user','content':'1'},{'role':'assistant','content':'2'}]}");
    assertThat(nothing.added(false)).isEmpty();
  }

  /** Spring AI 1.1 sends its system message behind its memory, with each turn. */
  @Test
  void instructionsThatTheThreadHasAreNotAddedAgain() {
    Json kind = Json.of("{\"role\":\"system\",\"content\":\"Be kind.\"}");
    Json answer = Json.of("{\"role\":\"assistant\",\"content\":\"b\"}");
    String kindly = "{'role':'system','content':'Be kind.'}";
    String rest =
        "{'role':'user','content':'a'},{'role':'assistant','content':'b'},%s,{'role':'user','content':'c'}]}"
            .formatted(kindly);
    ChatRequest ask = chat("{'messages':[" + rest);

    assertThat(ask.added(List.of(answer))).hasSize(2);
    assertThat(ask.added(List.of(answer, kind, answer))).hasSize(1);
    // Said twice by the client is said twice.
    ChatRequest twice = chat("{'messages':[{'role':'user','content':'0'}," + kindly + "," + rest);
    assertThat(twice.added(List.of(kind, answer))).hasSize(2);
    assertThat(twice.added(List.of(kind, answer, kind))).hasSize(1);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "'n':2|n",
        "'store':true|store",
        "'logprobs':true|logprobs",
        "'top_logprobs':1|logprobs",
        "'functions':[{}]|functions",
        "'function_call':'auto'|function_call",
        "'audio':{'voice':'v'}|audio",
        "'moderation':{'model':'m'}|moderation",
        "'modalities':['text','audio']|modalities"
      })
  void whatChatCompletionsHaveAndHeddleHasNotIsRefusedByName(String member, String param) {
    WireError error =
        refused(() -> chat("{'messages':[{'role':'user','content':'x'}]," + member + "}"));
    assertThat(error.code()).isEqualTo("unsupported_parameter");
    assertThat(error.param()).isEqualTo(param);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{} / messages",
        "{'messages':[]} / messages",
        "{'messages':[{'content':'x'}]} / messages[0].role",
        "{'messages':[{'role':'poet','content':'x'}]} / messages[0].role",
        "{'messages':[{'role':'user'}]} / messages[0].content",
        "{'messages':[{'role':'user','content':{}}]} / messages[0].content",
        "{'messages':[{'role':'tool','content':'x'}]} / messages[0].tool_call_id",
        "{'messages':[{'role':'user','content':'x'}],'metadata':{'a':1}} / metadata.a"
      })
  void wrongMessagesAreRefusedByPath(String line) {
    String[] given = line.split(" / ");
    assertThat(refused(() -> chat(given[0])).param()).isEqualTo(given[1]);
  }

  // ----

  private static WireError refused(org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
    Throwable thrown = catchThrowable(call);
    return thrown instanceof WireException wire
        ? wire.error()
        : WireError.of(((ProblemException) thrown).problem());
  }

  private ResponseRequest response(String body) {
    return ResponseRequest.read(value(body).object());
  }

  private ChatRequest chat(String body) {
    return ChatRequest.read(value(body).object());
  }

  private JsonValue value(String text) {
    Json json = OpenAiJson.read(factory, json(text).getBytes(StandardCharsets.UTF_8)).json();
    return OpenAiJson.value(
        json, text.startsWith("{'k") || text.startsWith("{'a") ? "metadata" : "");
  }

  private static String json(String text) {
    return text.replace('\'', '"');
  }
}
