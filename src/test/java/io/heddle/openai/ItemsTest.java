package io.heddle.openai;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.heddle.base.Position;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.json.Json;
import io.heddle.json.JsonParsers;
import io.heddle.json.JsonValue;
import io.heddle.session.Message;
import io.heddle.session.MessagePlace;
import io.heddle.session.NewMessage;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** What a client puts into a thread comes back as it was, whatever it was. */
class ItemsTest {

  private static final JsonMapper MAPPER = new JsonMapper();
  private static final SessionKey KEY = new SessionKey(Tenant.DEFAULT, "conv_1");
  private static final String PLACE = MessagePlace.of(KEY, new Position(3, "abcdefgh"), 0).id();

  private final JsonFactory factory = JsonParsers.factory(64);

  // ---- items that models understand

  @Test
  void anEasyMessageIsNormalised() {
    Item item = roundTrip("{'role':'user','content':'hi'}", null);
    assertThat(item.json().toString())
        .isEqualTo(
            json(
                "{'id':'"
                    + PLACE
                    + "','type':'message','status':'completed','role':'user',"
                    + "'content':[{'type':'input_text','text':'hi'}]}"));
    Item answer = roundTrip("{'role':'assistant','content':'hello'}", null);
    assertThat(answer.json().toString())
        .endsWith(
            json(
                "'role':'assistant','content':[{'type':'output_text','text':'hello',"
                    + "'annotations':[],'logprobs':[]}]}"));
  }

  @Test
  void aMessageOfPlainTextIsStoredAsTextThatAnyReaderOfTheThreadUnderstands() {
    NewMessage stored =
        ItemInput.message(
            item("{'type':'message','role':'user','content':[{'type':'input_text','text':'é'}]}"));
    assertThat(stored.body().toString())
        .isEqualTo(json("{'role':'user','content':'é','status':'completed'}"));
  }

  @Test
  void callsAndTheirOutputsAreStoredAsChatModelsHaveThem() {
    NewMessage call =
        ItemInput.message(
            item(
                "{'type':'function_call','id':'fc_1','call_id':'call_1','name':'f','arguments':'{}'}"));
    assertThat(call.id()).isEqualTo("fc_1");
    assertThat(call.body().toString())
        .isEqualTo(
            json(
                "{'role':'assistant','content':null,'status':'completed','toolCalls':[{'id':'call_1',"
                    + "'type':'function','function':{'name':'f','arguments':'{}'}}]}"));
    NewMessage output =
        ItemInput.message(item("{'type':'function_call_output','call_id':'call_1','output':'42'}"));
    assertThat(output.body().toString())
        .isEqualTo(
            json("{'role':'tool','content':'42','status':'completed','toolCallId':'call_1'}"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'type':'message','id':'msg_1','status':'completed','role':'user','content':[{'type':'input_text','text':'hi'}]}",
        "{'type':'message','id':'m','role':'developer','content':'be short','status':'incomplete'}",
        "{'type':'message','id':'m','role':'user','content':[{'type':'input_text','text':'a'},{'type':'input_image','image_url':'data:x','file_id':null,'detail':'auto'}]}",
        "{'type':'message','id':'m','role':'user','content':[{'type':'input_file','file_id':'f','filename':'a.pdf','file_data':'eA==','file_url':null}]}",
        "{'type':'message','id':'m','role':'assistant','status':'completed','phase':'commentary','content':[{'type':'output_text','text':'t','annotations':[{'type':'url_citation','start_index':0}],'logprobs':[]}]}",
        "{'type':'message','id':'m','role':'assistant','content':[{'type':'refusal','refusal':'no'}]}",
        "{'type':'message','id':'m','role':'critic','content':[{'type':'text','text':'x'}]}",
        "{'role':'user','content':'x','new_field':{'deep':[1,[],{}]}}",
        "{'type':'function_call','id':'fc_9','call_id':'c','name':'f','arguments':'{\\\"a\\\":1}','status':'in_progress'}",
        "{'type':'function_call','call_id':'c','name':'f','arguments':'','namespace':'tools'}",
        "{'type':'function_call_output','id':'o','call_id':'c','output':[{'type':'input_text','text':'x'},{'type':'input_image','image_url':'u'}],'status':'completed'}",
        "{'type':'reasoning','id':'rs_1','summary':[{'type':'summary_text','text':'s'}],'content':[{'type':'reasoning_text','text':'t'}],'encrypted_content':'e'}",
        "{'type':'web_search_call','id':'ws_1','status':'completed','action':{'type':'search','query':'q'}}",
        "{'type':'a_type_of_next_year','id':'x_1','n':123456789012345678901234567890,'d':1.10,'empty':[],'o':{}}",
        "{'type':'computer_call_output','call_id':'c','output':{'type':'computer_screenshot','image_url':'u'}}"
      })
  void everythingComesBack(String text) {
    JsonNode given = MAPPER.readTree(json(text));
    Item shown = roundTrip(text, given.path("id").asString(null));
    assertContains(MAPPER.readTree(shown.json().toString()), given);
    if (given.has("id")) {
      assertThat(shown.id()).isEqualTo(given.get("id").asString());
    }
    assertThat(MAPPER.readTree(shown.json().toString()).get("id").asString()).isEqualTo(shown.id());
  }

  /** Numbers, empty containers and texts of an unknown item come back to the byte. */
  @Test
  void anUnknownItemIsNotTouched() {
    String text =
        json(
            "{'type':'new','n':123456789012345678901234567890,'d':1.10,'e':[],'o':{},'t':'é\\n😀','x':null}");
    Item shown = roundTrip(text, null);
    assertThat(shown.id()).startsWith("item_");
    assertThat(shown.json().toString())
        .isEqualTo("{\"id\":\"" + shown.id() + "\"," + text.substring(1));
  }

  @Test
  void anyObjectWithATypeComesBack() {
    Random random = new Random(7);
    for (int i = 0; i < 2_000; i++) {
      ObjectNode item = MAPPER.createObjectNode();
      item.put("type", TYPES.get(random.nextInt(TYPES.size())));
      item.put("role", ROLES.get(random.nextInt(ROLES.size())));
      item.put("call_id", "call_" + random.nextInt(3));
      item.put("name", "f" + random.nextInt(3));
      item.put("arguments", "{}");
      item.put("output", "out " + random.nextInt(9));
      item.set("content", content(random));
      if (random.nextBoolean()) {
        item.put("status", random.nextBoolean() ? "completed" : "in_progress");
      }
      for (int more = random.nextInt(3); more > 0; more--) {
        item.set("x" + more, value(random, 3));
      }
      if (random.nextInt(3) == 0) {
        item.put("id", "mine_" + i);
      }
      String text = MAPPER.writeValueAsString(item);
      NewMessage message = ItemInput.message(item(text.replace('\'', '_')));
      List<Item> shown = ItemOutput.items(stored(message), "");
      assertThat(shown).as(text).hasSize(1);
      assertContains(MAPPER.readTree(shown.getFirst().json().toString()), item);
    }
  }

  private static final List<String> TYPES =
      List.of("message", "function_call", "function_call_output", "reasoning", "mcp_call", "q");
  private static final List<String> ROLES =
      List.of("user", "assistant", "system", "developer", "critic", "tool");

  private static JsonNode content(Random random) {
    if (random.nextInt(3) == 0) {
      return MAPPER.createArrayNode().objectNode().stringNode("text " + random.nextInt(5));
    }
    ArrayNode parts = MAPPER.createArrayNode();
    for (int i = random.nextInt(3); i >= 0; i--) {
      ObjectNode part = parts.addObject();
      part.put(
          "type",
          List.of("input_text", "output_text", "input_image", "new_part").get(random.nextInt(4)));
      part.put("text", "t" + random.nextInt(5));
      part.put("image_url", "u");
      if (random.nextInt(3) == 0) {
        part.set("extra", value(random, 2));
      }
    }
    return parts;
  }

  private static JsonNode value(Random random, int depth) {
    return switch (random.nextInt(depth > 0 ? 6 : 4)) {
      case 0 -> MAPPER.valueToTree(random.nextLong());
      case 1 -> MAPPER.valueToTree("s" + random.nextInt(100));
      case 2 -> MAPPER.valueToTree(random.nextBoolean());
      case 3 -> MAPPER.valueToTree(random.nextInt() / 8.0);
      case 4 -> {
        ArrayNode array = MAPPER.createArrayNode();
        for (int i = random.nextInt(3); i > 0; i--) {
          array.add(value(random, depth - 1));
        }
        yield array;
      }
      default -> {
        ObjectNode object = MAPPER.createObjectNode();
        for (int i = random.nextInt(3); i > 0; i--) {
          object.set("k" + i, value(random, depth - 1));
        }
        yield object;
      }
    };
  }

  // ---- messages of other wires

  @Test
  void anAnswerIsAsManyItemsAsItHasParts() {
    List<Item> items =
        items(
            "msg_0123456789abcdef",
            "{'role':'assistant','content':'text','reasoning':'hm','status':'completed','toolCalls':["
                + "{'id':'call_1','type':'function','function':{'name':'f','arguments':'{}'}},"
                + "{'id':'call_2','type':'function','function':{'name':'g','arguments':''}}],"
                + "'turn':'trn_0123456789abcdef_s'}");
    assertThat(items)
        .extracting(Item::id)
        .containsExactly(
            "rs_0123456789abcdef",
            "msg_0123456789abcdef",
            "fc_0_0123456789abcdef",
            "fc_1_0123456789abcdef");
    assertThat(items.get(2).json().toString())
        .isEqualTo(
            json(
                "{'id':'fc_0_0123456789abcdef','type':'function_call','status':'completed',"
                    + "'arguments':'{}','call_id':'call_1','name':'f'}"));
  }

  @Test
  void aCallOfATurnHasTheNameItsStreamGaveIt() {
    String body =
        "{'role':'assistant','content':null,'status':'completed','toolCalls':["
            + "{'id':'call_1','type':'function','function':{'name':'f','arguments':'{}'}}]%s}";
    assertThat(items("msg_0123456789abcdef", body.formatted(",'turn':'trn_0123456789abcdef_s'")))
        .extracting(Item::id)
        .containsExactly("fc_0_0123456789abcdef");
    assertThat(items(PLACE, body.formatted("")))
        .extracting(Item::id)
        .containsExactly(PLACE.replace("msg_", "fc_"));
    assertThat(items("mine", body.formatted(""))).extracting(Item::id).containsExactly("mine");
  }

  @Test
  void partsOfChatCompletionsAreShownAsThoseOfResponses() {
    Item item =
        items(
                PLACE,
                "{'role':'user','content':[{'type':'text','text':'a'},{'type':'image_url',"
                    + "'image_url':{'url':'u','detail':'low'}},{'type':'file','file':{'file_id':'f'}},"
                    + "{'type':'input_audio','input_audio':{'data':'d','format':'wav'}}]}")
            .getFirst();
    assertThat(MAPPER.readTree(item.json().toString()).get("content"))
        .isEqualTo(
            MAPPER.readTree(
                json(
                    "[{'type':'input_text','text':'a'},{'type':'input_image','image_url':'u',"
                        + "'file_id':null,'detail':'low'},{'type':'input_file','file_id':'f'},"
                        + "{'type':'input_audio','input_audio':{'data':'d','format':'wav'}}]")));
  }

  @Test
  void anEmptyAnswerIsAMessageAndARefusalIsAPart() {
    assertThat(items(PLACE, "{'role':'assistant','content':''}")).hasSize(1);
    Item refusal = items(PLACE, "{'role':'assistant','content':null,'refusal':'no'}").getFirst();
    assertThat(refusal.json().toString()).contains(json("[{'type':'refusal','refusal':'no'}]"));
  }

  // ---- ids

  /** A stream that ends in the model's thoughts tells no message, and the thread showed one. */
  @Test
  void anAnswerOfThoughtsAloneIsNoMessage() {
    List<Item> items =
        items(
            "msg_r",
            "{'role':'assistant','content':'','reasoning':'hm','status':'completed',"
                + "'turn':'trn_r_conv_1'}");
    assertThat(items).extracting(Item::id).containsExactly("rs_r");
  }

  @Test
  void whatIsLeftOfAnAnswerKeepsItsItemsAsTheyWere() {
    String body =
        "{'role':'assistant','content':'text','reasoning':'hm','status':'completed','toolCalls':["
            + "{'id':'c','type':'function','function':{'name':'f','arguments':'{}'}},"
            + "{'id':'d','type':'function','function':{'name':'g','arguments':'{}'}}],"
            + "'turn':'trn_r_conv_1'}";
    List<Item> all = items("msg_r", body);
    assertThat(all).hasSize(4);
    for (Item gone : List.of(all.get(0), all.get(1), all.get(3))) {
      String rest = ItemRemoval.without(Json.of(json(body)), gone).toString();
      List<Item> left = new ArrayList<>(all);
      left.remove(gone);
      assertThat(items("msg_r", rest)).isEqualTo(left);
    }
    // Down to the last one.
    String rest = body;
    for (int i = 3; i > 0; i--) {
      Item gone = items("msg_r", rest).get(i);
      rest = ItemRemoval.without(Json.of(json(rest)), gone).toString();
      assertThat(items("msg_r", rest)).isEqualTo(all.subList(0, i));
    }
  }

  @Test
  void anIdLeadsToItsMessage() {
    for (String id :
        List.of(
            PLACE,
            PLACE.replace("msg_", "fc_"),
            PLACE.replace("msg_", "fco_"),
            PLACE.replace("msg_", "rs_"),
            PLACE.replace("msg_", "item_"),
            PLACE.replace("msg_", "fc_0_"))) {
      assertThat(ItemIds.messages(id)).as(id).first().isEqualTo(PLACE);
      assertThat(ItemIds.isPlace(id)).as(id).isTrue();
    }
    assertThat(ItemIds.messages("fc_1_0123456789abcdef")).contains("msg_0123456789abcdef");
    assertThat(ItemIds.messages("rs_0123456789abcdef")).contains("msg_0123456789abcdef");
    assertThat(ItemIds.messages("mine")).containsExactly("mine");
    assertThat(ItemIds.isPlace("msg_68f0c1")).isFalse();
  }

  /** Of every kind of session, and of those of versions that did not say the session. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "rsp_0192f0c1-0000-7abc-8def-0123456789ab",
        "conv_0123456789abcdef0123456789abcdef0123456789abcdef",
        "ses_0192f0c1-0000-7abc-8def-0123456789ab",
        "ses_mine",
        "conv_ABCDEF",
        "a.b:c@d-e_f",
        "conv_0123456789ABCDEF0123456789abcdef0123456789abcdef",
        ""
      })
  void anIdTellsItsSession(String session) {
    for (String local :
        List.of(
            "msg_12-3_0123456789ab",
            "fc_12-3_0123456789ab",
            "fco_12-3_0123456789ab",
            "item_12-3_0123456789ab",
            "msg_0123456789abcdef",
            "rs_0123456789abcdef",
            "fc_17_0123456789abcdef")) {
      for (String number : List.of("", "_2")) {
        String id = local + number + ItemIds.suffix(session);
        ItemIds.Made made = ItemIds.made(id);
        assertThat(made).as(id).isNotNull();
        assertThat(made.local()).as(id).isEqualTo(local);
        assertThat(made.session()).as(id).isEqualTo(session.isEmpty() ? null : session);
        assertThat(ItemIds.messages(id)).as(id).contains(made.message());
        assertThat(local).endsWith(made.message().substring(4));
        assertThat(ItemIds.same(id, local)).isTrue();
        assertThat(id.length()).isLessThan(112);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "msg_68f0c1",
        "mine",
        "msg_0123456789abcdef_c",
        "msg_0123456789abcdef_cAAAA",
        "msg_0123456789abcdef_r!",
        "msg_0123456789abcdef_q0",
        "msg_0123456789ABCDEF",
        "xyz_0123456789abcdef_rAAAAAAAAAAAAAAAAAAAAAA"
      })
  void anIdOfTheClientsTellsNone(String id) {
    assertThat(ItemIds.made(id)).isNull();
    assertThat(ItemIds.messages(id)).contains(id);
  }

  @Test
  void anIdOfAnotherPlaceIsNotKept() {
    assertThat(ItemInput.message(item("{'id':'" + PLACE + "','role':'user','content':'x'}")).id())
        .isNull();
    assertThat(
            ItemInput.message(
                    item(
                        "{'id':'"
                            + PLACE.replace("msg_", "fc_")
                            + "','role':'user','content':'x'}"))
                .id())
        .isNull();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{} / input[0].type",
        "{'type':'message','content':'x'} / input[0].role",
        "{'role':'user'} / input[0].content",
        "{'role':'user','content':5} / input[0].content",
        "{'role':'user','content':['x']} / input[0].content[0]",
        "{'role':'user','content':[{'text':'x'}]} / input[0].content[0].type",
        "{'role':'user','content':'x','id':'a b'} / input[0].id",
        "{'type':'function_call','name':'f','arguments':''} / input[0].call_id",
        "{'type':'function_call','name':'f','arguments':{},'call_id':'c'} / input[0].arguments",
        "{'type':'function_call_output','call_id':'c','output':5} / input[0].output",
        "'x' / input[0]"
      })
  void brokenItemsAreRefusedByPath(String line) {
    String[] given = line.split(" / ");
    JsonValue value = OpenAiJson.value(read(given[0]), "input[0]");
    ProblemException refusal =
        catchThrowableOfType(ProblemException.class, () -> ItemInput.message(value));
    assertThat(refusal.problem().members()).containsEntry("field", given[1]);
  }

  // ----

  private Item roundTrip(String text, String id) {
    NewMessage message = ItemInput.message(item(text));
    assertThat(message.id()).isEqualTo(id);
    return ItemOutput.items(stored(message), "").getFirst();
  }

  private static Message stored(NewMessage message) {
    return new Message(
        message.id() == null ? PLACE : message.id(), 1, Instant.EPOCH, message.body());
  }

  private static List<Item> items(String id, String body) {
    return ItemOutput.items(new Message(id, 1, Instant.EPOCH, Json.of(json(body))), "");
  }

  private JsonValue item(String text) {
    return OpenAiJson.value(read(text), "item");
  }

  private Json read(String text) {
    return OpenAiJson.read(factory, json(text).getBytes(StandardCharsets.UTF_8)).json();
  }

  private static String json(String text) {
    return text.replace('\'', '"');
  }

  /** Every member of {@code some} is in {@code all}; a text may have become a part. */
  private static void assertContains(JsonNode all, JsonNode some) {
    some.properties()
        .forEach(member -> {
          JsonNode shown = all.get(member.getKey());
          JsonNode given = member.getValue();
          if (given.isNull() && shown == null) {
            return;
          }
          assertThat(shown).as(member.getKey() + " of " + all).isNotNull();
          if (given.isString() && shown.isArray()) {
            assertThat(shown.get(0).get("text")).isEqualTo(given);
          } else if (given.isArray() && shown.isArray()) {
            assertThat(shown.size()).isEqualTo(given.size());
            for (int i = 0; i < given.size(); i++) {
              if (given.get(i).isObject()) {
                assertContains(shown.get(i), given.get(i));
              } else {
                assertThat(shown.get(i)).isEqualTo(given.get(i));
              }
            }
          } else {
            assertThat(shown).as(member.getKey()).isEqualTo(given);
          }
        });
  }
}
