package io.heddle.turn;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.json.Json;
import java.util.List;
import java.util.Random;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TokensTest {

  private final Tokens tokens = new Tokens();

  /** Whatever a server is sent is counted, under whatever name it stands. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          {'tools':[{'type':'function','function':{'name':'f','description':'LONG'}}]}
          {'response_format':{'type':'json_schema','json_schema':{'name':'s','schema':{'LONG':1}}}}
          {'prediction':{'type':'content','content':'LONG'}}
          {'prediction':{'type':'content','content':[{'type':'text','text':'LONG'}]}}
          {'functions':[{'name':'LONG'}]}
          {'something_new':'LONG'}
          {'something_new':{'deep':[[{'x':'LONG'}]]}}
          {'temperature':1,'tool_choice':{'LONG':{}}}
          """)
  void parametersThatAModelIsToldAreCounted(String shape) {
    assertThat(counted(List.of(), Tokens.parameters(json(shape)))).isBetween(1000L, 2000L);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'temperature':0.5,'top_p':1,'max_tokens':100,'stream':true}",
        "{'user':'LONG','metadata':{'x':'LONG'},'stop':['LONG'],'logit_bias':{'1':2}}"
      })
  void parametersThatSteerAServerAreNot(String shape) {
    assertThat(counted(List.of(), Tokens.parameters(json(shape)))).isZero();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          {'role':'user','content':'LONG'}
          {'role':'user','content':[{'type':'text','text':'LONG'}]}
          {'role':'user','content':[{'type':'something_new','data':'LONG'}]}
          {'role':'user','content':[{'type':'something_new','data':{'x':[1,{'y':'LONG'}]}}]}
          {'role':'user','content':[{'LONG':1}]}
          {'role':'user','content':[{'type':'LONG'}]}
          {'role':'user','content':[{'type':'image_url','image_url':{'url':'u'},'more':'LONG'}]}
          {'role':'user','name':'LONG','content':''}
          {'role':'assistant','refusal':'LONG','content':null}
          {'role':'assistant','toolCalls':[{'id':'c','type':'function','function':{'name':'f','arguments':'LONG'}}]}
          {'role':'assistant','toolCalls':[{'id':'c','type':'function','function':{},'more':{'x':'LONG'}}]}
          {'role':'tool','toolCallId':'LONG','content':''}
          """)
  void allOfAMessageThatAModelIsToldIsCounted(String shape) {
    assertThat(tokens.of(json(shape))).isBetween(1000, 3000);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'role':'user','content':'hi','metadata':{'x':'LONG'}}",
        "{'role':'user','content':[{'type':'openai.item','item':{'x':'LONG'}}]}",
        "{'role':'user','content':[{'item':{'x':'LONG'},'type':'openai.item'}]}"
      })
  void whatNoModelIsToldIsNot(String shape) {
    assertThat(tokens.of(json(shape))).isLessThan(10);
  }

  @Test
  void aFileCountsByItsSize() {
    String file = "{'role':'user','content':[{'type':'file','file':{'file_data':'%s'}}]}";
    assertThat(tokens.of(json(file.formatted("QUJD".repeat(20))))).isBetween(800, 830);
    assertThat(tokens.of(json(file.formatted("QUJD".repeat(250_000))))).isGreaterThan(100_000);
  }

  /** Some of these took seconds for a megabyte: the tokenizer takes the square of a word. */
  @Test
  void noTextTakesLong() {
    Random random = new Random(1);
    List<IntFunction<String>> kinds =
        List.of(
            _ -> String.valueOf((char) ('a' + random.nextInt(26))),
            _ -> " ",
            _ -> "!",
            _ -> "a",
            _ -> "\n",
            _ -> Character.toString(0x1F300 + random.nextInt(500)),
            _ -> Character.toString(0x4e00 + random.nextInt(20_000)),
            _ -> String.valueOf((char) ('!' + random.nextInt(15))));
    tokens.of("warm");
    for (IntFunction<String> kind : kinds) {
      StringBuilder text = new StringBuilder();
      for (int i = 0; text.length() < 200_000; i++) {
        text.append(kind.apply(i));
      }
      long began = System.nanoTime();
      long count = tokens.of(text.toString());
      assertThat(System.nanoTime() - began).as(text.substring(0, 20)).isLessThan(4_000_000_000L);
      assertThat(count).isPositive();
    }
  }

  @Test
  void whereATextIsCutCostsLittle() {
    String words = "The quick brown fox jumps over the lazy dog, again and again. ".repeat(200);
    long whole = tokens.count(words, 0, words.length());
    assertThat(tokens.of(words)).isBetween(whole, whole + whole / 50);
  }

  @Test
  void cutsNeverPartACharacter() {
    String text = "a" + "😀".repeat(5000);
    for (int from = 0; from < text.length(); ) {
      int to = Tokens.end(text, from);
      assertThat(to).isGreaterThan(from);
      assertThat(to < text.length() && Character.isLowSurrogate(text.charAt(to))).isFalse();
      from = to;
    }
  }

  @Test
  void whatIsBeyondTheBeginningOfALongTextIsNeverReservedTooLow() {
    String dense = "x7".repeat(CountSteps.EXACT / 2);
    Json body =
        Json.of("{\"role\":\"user\",\"content\":\"" + " ".repeat(CountSteps.EXACT) + dense + "\"}");
    long reserved = count(List.of(body), List.of(), Long.MAX_VALUE, true);
    assertThat(reserved).isGreaterThanOrEqualTo(dense.length());
    assertThat(count(List.of(body), List.of(), Long.MAX_VALUE, false)).isLessThan(reserved);
  }

  @Test
  void countingStopsWhenItIsEnough() {
    Json body = Json.of("{\"role\":\"user\",\"content\":\"" + "word ".repeat(100_000) + "\"}");
    assertThat(count(List.of(body), List.of(), 500, true)).isBetween(501L, 5_000L);
    // At the first look, when even the longest tokens there are would be too many.
    CountSteps steps = new CountSteps(tokens, List.of(body), List.of(), 500, true, null);
    assertThat(steps.step()).isTrue();
    assertThat(steps.result()).isLessThan(500_000 / Tokens.LONGEST + 10);
  }

  private long counted(List<Json> bodies, Tokens.Told told) {
    return count(bodies, List.of(told), Long.MAX_VALUE, true);
  }

  private long count(List<Json> bodies, List<Tokens.Told> others, long enough, boolean upper) {
    CountSteps steps = new CountSteps(tokens, bodies, others, enough, upper, null);
    while (!steps.step()) {}
    return steps.result();
  }

  private static Json json(String shape) {
    return Json.of(shape.replace("LONG", "word ".repeat(1000).strip()).replace('\'', '"'));
  }
}
