package io.heddle.upstream;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.json.Json;
import io.heddle.turn.ModelCall;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** One stored thread, and what each kind of model server is told of it. */
class PromptMessageTest {

  private static final JsonMapper MAPPER = new JsonMapper();

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '!',
      textBlock =
          """
          neighbours of one role | {'role':'user','content':'a'},{'role':'user','content':'b'} \
          | {'role':'user','content':'a'},{'role':'user','content':'b'} \
          | {'type':'message','role':'user','content':'a'},{'type':'message','role':'user','content':'b'} \
          | {'role':'user','content':[{'type':'text','text':'a'},{'type':'text','text':'b'}]}
          begins and ends with an answer | {'role':'assistant','content':'a'} \
          | {'role':'assistant','content':'a'} \
          | {'type':'message','role':'assistant','content':'a'} \
          | {'role':'user','content':'(The conversation begins.)'},{'role':'assistant','content':[{'type':'text','text':'a'}]},{'role':'user','content':[{'type':'text','text':'Continue.'}]}
          a name | {'role':'user','content':'a','name':'ann'} \
          | {'role':'user','content':'a','name':'ann'} \
          | {'type':'message','role':'user','content':'a'} \
          | {'role':'user','content':[{'type':'text','text':'a'}]}
          instructions in the middle | {'role':'user','content':'a'},{'role':'developer','content':'r'} \
          | {'role':'user','content':'a'},{'role':'system','content':'r'} \
          | {'type':'message','role':'user','content':'a'},{'type':'message','role':'developer','content':'r'} \
          | {'role':'user','content':[{'type':'text','text':'a'}]}
          marks for a cache | {'role':'user','content':[{'type':'input_text','text':'a','cache_control':{'type':'ephemeral'}}]} \
          | {'role':'user','content':[{'type':'text','text':'a','cache_control':{'type':'ephemeral'}}]} \
          | {'type':'message','role':'user','content':'a'} \
          | {'role':'user','content':[{'type':'text','text':'a','cache_control':{'type':'ephemeral'}}]}
          space alone | {'role':'user','content':[{'type':'text','text':' '},{'type':'text','text':'a'}]} \
          | {'role':'user','content':[{'type':'text','text':' '},{'type':'text','text':'a'}]} \
          | {'type':'message','role':'user','content':[{'type':'input_text','text':' '},{'type':'input_text','text':'a'}]} \
          | {'role':'user','content':[{'type':'text','text':'a'}]}
          an image of either wire | {'role':'user','content':[{'type':'image_url','image_url':{'url':'https://a/b'}},{'type':'input_image','image_url':'https://a/b','detail':'low'}]} \
          | {'role':'user','content':[{'type':'image_url','image_url':{'url':'https://a/b'}},{'type':'image_url','image_url':{'url':'https://a/b','detail':'low'}}]} \
          | {'type':'message','role':'user','content':[{'type':'input_image','image_url':'https://a/b','detail':'auto'},{'type':'input_image','image_url':'https://a/b','detail':'low'}]} \
          | {'role':'user','content':[{'type':'image','source':{'type':'url','url':'https://a/b'}},{'type':'image','source':{'type':'url','url':'https://a/b'}}]}
          an image in an answer | {'role':'user','content':'q'},{'role':'assistant','content':[{'type':'input_image','image_url':'https://a/b'}]},{'role':'user','content':'r'} \
          | {'role':'user','content':'q'},{'role':'assistant','content':[{'type':'image_url','image_url':{'url':'https://a/b'}}]},{'role':'user','content':'r'} \
          | {'type':'message','role':'user','content':'q'},{'type':'message','role':'assistant','content':[{'type':'output_text','text':'[The image cannot be shown.]','annotations':[]}]},{'type':'message','role':'user','content':'r'} \
          | {'role':'user','content':[{'type':'text','text':'q'}]},{'role':'assistant','content':[{'type':'text','text':'[What was shown here cannot be told.]'}]},{'role':'user','content':[{'type':'text','text':'r'}]}
          a file by its address | {'role':'user','content':[{'type':'input_file','file_url':'https://a/b'}]} \
          | {'role':'user','content':[{'type':'file','file':{'file_url':'https://a/b'}}]} \
          | {'type':'message','role':'user','content':[{'type':'input_file','file_url':'https://a/b'}]} \
          | {'role':'user','content':[{'type':'document','source':{'type':'url','url':'https://a/b'}}]}
          sound | {'role':'user','content':[{'type':'input_audio','input_audio':{'data':'AA==','format':'wav'}}]} \
          | {'role':'user','content':[{'type':'input_audio','input_audio':{'data':'AA==','format':'wav'}}]} \
          | {'type':'message','role':'user','content':[{'type':'input_audio','input_audio':{'data':'AA==','format':'wav'}}]} \
          | {'role':'user','content':[{'type':'text','text':'[The recording cannot be heard.]'}]}
          sound without data | {'role':'user','content':[{'type':'input_audio','input_audio':{'format':'wav'}}]} \
          | {'role':'user','content':[{'type':'input_audio','input_audio':{'format':'wav'}}]} \
          | {'type':'message','role':'user','content':[{'type':'input_audio','input_audio':{'format':'wav'}}]} \
          | {'role':'user','content':[{'type':'text','text':'[The recording cannot be heard.]'}]}
          a part of another type | {'role':'user','content':[{'type':'new','x':1.0}]} \
          | {'role':'user','content':[{'type':'new','x':1.0}]} \
          | {'type':'message','role':'user','content':[{'type':'new','x':1.0}]} \
          | {'role':'user','content':[{'type':'new','x':1.0}]}
          an item of Responses | {'role':'user','content':'q'},{'role':'user','content':[{'type':'openai.item','item':{'type':'computer_call'}}]},{'role':'user','content':[{'type':'openai.item'}]} \
          | {'role':'user','content':'q'} \
          | {'type':'message','role':'user','content':'q'} \
          | {'role':'user','content':[{'type':'text','text':'q'}]}
          a call and its output | {'role':'user','content':'q'},{'role':'assistant','content':null,'toolCalls':[{'id':'a','type':'function','function':{'name':'f','arguments':'{}'}}]},{'role':'tool','toolCallId':'a','content':'4'} \
          | {'role':'user','content':'q'},{'role':'assistant','content':null,'tool_calls':[{'id':'a','type':'function','function':{'name':'f','arguments':'{}'}}]},{'role':'tool','content':'4','tool_call_id':'a'} \
          | {'type':'message','role':'user','content':'q'},{'type':'function_call','call_id':'a','name':'f','arguments':'{}'},{'type':'function_call_output','call_id':'a','output':'4'} \
          | {'role':'user','content':[{'type':'text','text':'q'}]},{'role':'assistant','content':[{'type':'tool_use','id':'a','name':'f','input':{}}]},{'role':'user','content':[{'type':'tool_result','tool_use_id':'a','content':[{'type':'text','text':'4'}]}]}
          a refusal as a part | {'role':'user','content':'q'},{'role':'assistant','content':[{'type':'refusal','refusal':'No.'}]},{'role':'user','content':'r'} \
          | {'role':'user','content':'q'},{'role':'assistant','content':[{'type':'text','text':'No.'}]},{'role':'user','content':'r'} \
          | {'type':'message','role':'user','content':'q'},{'type':'message','role':'assistant','content':[{'type':'refusal','refusal':'No.'}]},{'type':'message','role':'user','content':'r'} \
          | {'role':'user','content':[{'type':'text','text':'q'}]},{'role':'assistant','content':[{'type':'text','text':'No.'}]},{'role':'user','content':[{'type':'text','text':'r'}]}
          thoughts that nobody signed | {'role':'user','content':'q'},{'role':'assistant','content':'a','reasoning':'hm','turn':'t'},{'role':'user','content':'r'} \
          | {'role':'user','content':'q'},{'role':'assistant','content':'a'},{'role':'user','content':'r'} \
          | {'type':'message','role':'user','content':'q'},{'type':'message','role':'assistant','content':'a'},{'type':'message','role':'user','content':'r'} \
          | {'role':'user','content':[{'type':'text','text':'q'}]},{'role':'assistant','content':[{'type':'text','text':'a'}]},{'role':'user','content':[{'type':'text','text':'r'}]}
          """)
  void isToldInEachForm(
      String name, String stored, String chat, String responses, String anthropic) {
    assertThat(body("chat", stored).path("messages")).as(name).isEqualTo(list(chat));
    assertThat(body("responses", stored).path("input")).as(name).isEqualTo(list(responses));
    assertThat(body("anthropic", stored).path("messages")).as(name).isEqualTo(list(anthropic));
  }

  private static JsonNode list(String elements) {
    return MAPPER.readTree("[" + elements.replace('\'', '"') + "]");
  }

  private static JsonNode body(String kind, String stored) {
    List<Json> messages = new ArrayList<>();
    list(stored).forEach(message -> messages.add(Json.of(message.toString())));
    ModelCall call = new ModelCall(null, null, messages, Json.EMPTY_OBJECT, "trn_1");
    UpstreamProperties.Server server =
        Calls.properties("upstreams.a.base-url=http://127.0.0.1:1", "upstreams.a.kind=" + kind)
            .upstreams()
            .get("a");
    return MAPPER.readTree(server.kind().protocol("a", server).body("claude-opus-4-6", call));
  }
}
