package io.heddle.upstream;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.json.Json;
import io.heddle.turn.ModelCall;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RefusedParameterTest {

  private static final String PARAMETERS =
      "{'temperature':9,'max_tokens':5,'reasoning_effort':'no','response_format':{'type':"
          + "'json_schema','json_schema':{'name':'a b'}},'tools':[{'type':'function','function':"
          + "{'name':'f'}}],'stop':['a','b'],'top_k':1}";

  /** What a server says of this call, and what the caller is told. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "temperature                     | temperature",
        "top_k                           | top_k",
        "max_tokens                      | max_tokens",
        // By the dialect's name, and that of Responses.
        "max_completion_tokens           | max_tokens",
        "max_output_tokens               | max_tokens",
        "reasoning.effort                | reasoning_effort",
        "text.format                     | response_format",
        "text.format.schema              | response_format",
        "response_format.json_schema.name| response_format.json_schema.name",
        "tools[0].function.name          | tools[0].function.name",
        "tools.[0].function.name         | tools[0].function.name",
        "tools.0.function.name           | tools[0].function.name",
        "stop[1]                         | stop[1]",
        // Only as far as the call has it: Responses has a flat form.
        "tools[0].name                   | tools[0]",
        "tools[7].function               | tools",
        "temperature.x                   | temperature",
        // Which message it is the caller does not know.
        "messages                        | messages",
        "messages[3].content             | messages",
        "messages.[0].content[1].type    | messages",
        "input[2].content                | messages",
        "model                           | model",
        // What the caller did not send.
        "stream_options.include_usage    |",
        "stream                          |",
        "store                           |",
        "include[0]                      |",
        "top_p                           |",
        "text.verbosity                  |",
        "text                            |",
        "instructions                    |",
        "[0]                             |",
        ".                               |",
        "[]                              |"
      })
  void isToldAsTheCallHasIt(String said, String told) {
    assertThat(told(said, null, PARAMETERS)).isEqualTo(told);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "response_format.json_schema.schema | response_format.json_schema.schema",
        "tools[0].function.parameters       | tools[0].function.parameters",
        "tools[1]                           | tools",
        "tools[0].a.b                       | tools[0]",
        "top_p                              |"
      })
  void whatIsMissingInsideIsToldWithItsPlace(String said, String told) {
    assertThat(told(said, "missing_required_parameter", PARAMETERS)).isEqualTo(told);
  }

  @ParameterizedTest
  @CsvSource({"max_tokens", "max_completion_tokens", "model", "temperature"})
  void whatACallWithoutParametersIsRefusedForIsNotTheCallers(String said) {
    assertThat(told(said, null, "{}")).isNull();
  }

  private static Object told(String said, String code, String parameters) {
    Problem problem =
        Problem.of(ProblemCode.MODEL_REFUSED, "no").with(RefusedParameter.MEMBER, said);
    problem = code == null ? problem : problem.with("upstreamCode", code);
    String model = parameters.equals("{}") ? null : "m";
    Json json = Json.of(parameters.replace('\'', '"'));
    ModelCall call = new ModelCall(model, "Be brief.", List.of(), json, "trn_1");
    Problem named = RefusedParameter.named(problem, call);
    assertThat(named.detail()).isEqualTo("no");
    return named.members().get(RefusedParameter.MEMBER);
  }

  /** Where servers say it. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '!',
      value = {
        "{'error':{'message':'m','param':'a.b[0]','code':'c'}}          | a.b[0]",
        "{'message':'m','param':'a','type':'BadRequestError'}           | a",
        "{'error':{'message':'m'},'param':'a'}                          | a",
        "[{'error':{'message':'m','param':'a'}}]                        | a",
        "{'detail':[{'loc':['body','a',0],'msg':'m'},{'loc':['body','b'],'msg':'n'}]} | a.0",
        "{'detail':[{'loc':['query','a'],'msg':'m'}]}                   |",
        "{'error':{'message':'m','param':null}}                         |",
        "{'error':{'message':'m','param':''}}                           |",
        "{'error':{'message':'m','param':7}}                            |",
        "{'error':{'message':'m','param':['a']}}                        |",
        "{'error':{'message':'m','param':{'x':'a'}}}                    |",
        "{'error':{'message':'m','param':'a sentence of words'}}        |",
        "{'type':'error','error':{'type':'invalid_request_error','message':'max_tokens: no'}} |"
      })
  void isReadWhereServersSayIt(String body, String param) {
    byte[] json = body.replace('\'', '"').getBytes(StandardCharsets.UTF_8);
    ServerError error = ServerError.of(json, false);
    assertThat(error.param()).isEqualTo(param);
    assertThat(error.message()).contains("m");
  }
}
