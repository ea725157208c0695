package io.heddle.openai;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.json.Json;
import io.heddle.session.Message;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** What one wire wrote is stored as if the other had written it, and is shown as items. */
class StoredFormsTest {

  private static final JsonMapper MAPPER = new JsonMapper();

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '!',
      textBlock =
          """
          a text | {'role':'user','content':'a'} \
          | {'role':'user','content':'a'} \
          | {'role':'user','content':'a','status':'completed'} \
          | {'type':'message','status':'completed','role':'user','content':[{'type':'input_text','text':'a'}]}
          a part of text alone | {'role':'user','content':[{'type':'text','text':'a'}]} \
          | {'type':'message','role':'user','content':[{'type':'input_text','text':'a'}]} \
          | {'role':'user','content':'a','status':'completed'} \
          | {'type':'message','status':'completed','role':'user','content':[{'type':'input_text','text':'a'}]}
          an answer | {'role':'assistant','content':'a'} \
          | {'role':'assistant','content':[{'type':'output_text','text':'a','annotations':[]}]} \
          | {'role':'assistant','content':'a','status':'completed'} \
          | {'type':'message','status':'completed','role':'assistant','content':[{'type':'output_text','text':'a','annotations':[],'logprobs':[]}]}
          instructions behind a question | {'role':'developer','content':'r'} \
          | {'role':'developer','content':'r'} \
          | {'role':'developer','content':'r','status':'completed'} \
          | {'type':'message','status':'completed','role':'developer','content':[{'type':'input_text','text':'r'}]}
          parts keep the form of their wire | {'role':'user','content':[{'type':'x','y':1.50},{'type':'z'}]} \
          | {'role':'user','content':[{'type':'x','y':1.50},{'type':'z'}]} \
          | {'role':'user','content':[{'type':'x','y':1.50},{'type':'z'}],'status':'completed'} \
          | {'type':'message','status':'completed','role':'user','content':[{'type':'x','y':1.50},{'type':'z'}]}
          a call | {'role':'assistant','content':null,'tool_calls':[{'id':'c','type':'function','function':{'name':'f','arguments':'{}'}}]} \
          | {'type':'function_call','call_id':'c','name':'f','arguments':'{}'} \
          | {'role':'assistant','content':null,'status':'completed','toolCalls':[{'id':'c','type':'function','function':{'name':'f','arguments':'{}'}}]} \
          | {'type':'function_call','status':'completed','arguments':'{}','call_id':'c','name':'f'}
          what a server added to a call | {'role':'assistant','content':null,'tool_calls':[{'id':'c','type':'function','function':{'name':'f','arguments':'{}'},'extra_content':{'s':1}}]} \
          | {'type':'function_call','call_id':'c','name':'f','arguments':'{}','extra_content':{'s':1}} \
          | {'role':'assistant','content':null,'status':'completed','toolCalls':[{'id':'c','type':'function','function':{'name':'f','arguments':'{}'},'extra_content':{'s':1}}]} \
          | {'type':'function_call','status':'completed','arguments':'{}','call_id':'c','name':'f','extra_content':{'s':1}}
          an output | {'role':'tool','tool_call_id':'c','content':'4'} \
          | {'type':'function_call_output','call_id':'c','output':'4'} \
          | {'role':'tool','content':'4','status':'completed','toolCallId':'c'} \
          | {'type':'function_call_output','status':'completed','call_id':'c','output':'4'}
          """)
  void isOneOnBothWires(String name, String chat, String item, String stored, String shown) {
    JsonNode expected = MAPPER.readTree(json(stored));
    Json byChat = last("{'messages':[{'role':'user','content':'q'}," + chat + "]}");
    Json byItem = ItemInput.message(OpenAiJson.value(Json.of(json(item)))).body();
    assertThat(tree(byChat)).as(name).isEqualTo(expected);
    ObjectNode withoutNotes = (ObjectNode) tree(byItem);
    withoutNotes.remove("metadata");
    assertThat((JsonNode) withoutNotes).as(name).isEqualTo(expected);
    assertThat(shown(byChat)).as(name).isEqualTo(MAPPER.readTree(json("[" + shown + "]")));
  }

  /** Only Chat Completions can say these in one message; Responses shows each as an item. */
  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '!',
      textBlock =
          """
          a refusal | {'role':'assistant','content':null,'refusal':'No.'} \
          | {'type':'message','status':'completed','role':'assistant','content':[{'type':'refusal','refusal':'No.'}]}
          thoughts | {'role':'assistant','content':'a','reasoning_content':'hm'} \
          | {'type':'reasoning','summary':[{'type':'summary_text','text':'hm'}],'content':[{'type':'reasoning_text','text':'hm'}],'status':'completed'},\
          {'type':'message','status':'completed','role':'assistant','content':[{'type':'output_text','text':'a','annotations':[],'logprobs':[]}]}
          files | {'role':'user','content':[{'type':'image_url','image_url':{'url':'u'}},{'type':'file','file':{'file_id':'f'}}]} \
          | {'type':'message','status':'completed','role':'user','content':[{'type':'input_image','image_url':'u','file_id':null,'detail':'auto'},{'type':'input_file','file_id':'f'}]}
          several calls | {'role':'assistant','content':'a','tool_calls':[{'id':'c','type':'function','function':{'name':'f','arguments':'{}'}},{'id':'d','type':'function','function':{'name':'g','arguments':''}}]} \
          | {'type':'message','status':'completed','role':'assistant','content':[{'type':'output_text','text':'a','annotations':[],'logprobs':[]}]},\
          {'type':'function_call','status':'completed','arguments':'{}','call_id':'c','name':'f'},{'type':'function_call','status':'completed','arguments':'','call_id':'d','name':'g'}
          """)
  void isShownByResponses(String name, String chat, String shown) {
    Json stored = last("{'messages':[{'role':'user','content':'q'}," + chat + "]}");
    assertThat(shown(stored)).as(name).isEqualTo(MAPPER.readTree(json("[" + shown + "]")));
  }

  private static Json last(String body) {
    return ChatRequest.read(OpenAiJson.object(Json.of(json(body)))).messages().getLast();
  }

  /** Its items, without their ids. */
  private static JsonNode shown(Json stored) {
    List<JsonNode> items = new ArrayList<>();
    for (Item item : ItemOutput.items(new Message("m", 1, Instant.EPOCH, stored), "")) {
      ObjectNode node = (ObjectNode) tree(item.json());
      node.remove("id");
      items.add(node);
    }
    return MAPPER.valueToTree(items);
  }

  private static JsonNode tree(Json json) {
    return MAPPER.readTree(json.toString());
  }

  private static String json(String text) {
    return text.replace('\'', '"');
  }
}
