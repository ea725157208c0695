package io.heddle.upstream;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.turn.ModelEvent;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Most chunks are not parsed, only compared with the one before. Whatever follows whatever, what is
 * said must be what a parser finds.
 */
class TextChunksTest {

  private static final String PLAIN =
      """
      {"id":"c","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"%s"},\
      "finish_reason":null}]}\
      """;

  private static final List<String> FORMS =
      List.of(
          PLAIN,
          """
          {"choices":[{"delta":{"role":"assistant","content":"%s","reasoning_content":null},\
          "logprobs":null}],"usage":null,"error":null}\
          """,
          "{\"choices\":[{\"delta\":{\"content\":\"%s\",\"reasoning\":\"\"}}]}",
          "{\"choices\":[{\"delta\":{\"content\":\"%s\",\"reasoning\":\"why\"}}]}",
          "{\"choices\":[{\"delta\":{\"content\":\"%s\",\"content\":\"twice\"}}]}",
          "{\"choices\":[{\"delta\":{\"content\":\"twice\",\"content\":\"%s\"}}]}",
          "{\"choices\":[{\"delta\":{\"content\":\"\",\"content\":\"%s\"}}]}",
          "{\"choices\":[{\"delta\":{\"content\":\"%s\",\"content\":null}}]}",
          "{\"choices\":[{\"delta\":{\"content\":\"%s\",\"content\":[\"part\"]}}]}",
          "{\"choices\":[{\"delta\":{\"content\":[{\"type\":\"text\",\"text\":\"%s\"}]}}]}",
          "{\"choices\":[{\"delta\":{\"content\":\"%s\"}},{\"delta\":{\"content\":\"2nd\"}}]}",
          "{\"choices\":[{\"index\":1,\"delta\":{\"content\":\"%s\"}}]}",
          "{\"choices\":[{\"delta\":{\"content\":\"%s\"},\"index\":1}]}",
          "{\"choices\":[{\"delta\":{\"content\":\"%s\",\"refusal\":\"no\"}}]}",
          "{\"choices\":[{\"delta\":{\"content\":\"%s\",\"citations\":[1]}}]}",
          "{\"choices\":[{\"delta\":{\"content\":\"%s\",\"audio\":{\"transcript\":\"loud\"}}}]}",
          """
          {"choices":[{"delta":{"content":"%s",\
          "tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"{}"}}]}}]}\
          """,
          "{\"choices\":[{\"delta\":{\"content\":\"%s\"}}],\"usage\":{\"prompt_tokens\":3}}",
          "{\"choices\":[{\"delta\":{\"content\":\"%s\"},\"finish_reason\":\"stop\"}]}",
          "{\"choices\":[{\"text\":\"%s\"}]}",
          "{\"model\":\"%s\",\"choices\":[{\"delta\":{\"content\":\"same\"}}]}");

  private static final String DONE = "{\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}";

  private static final List<String> TEXTS =
      List.of("Warp", " weft", "", "Grüße", "織", "🧵", "x".repeat(9000));

  static Stream<Arguments> pairs() {
    return FORMS.stream()
        .flatMap(form ->
            Stream.concat(Stream.of(form), Stream.of(PLAIN)).map(next -> Arguments.of(form, next)));
  }

  @ParameterizedTest
  @MethodSource("pairs")
  void whatIsSaidIsWhatAParserFinds(String form, String nextForm) {
    for (String first : TEXTS) {
      for (String next : TEXTS) {
        List<String> chunks = List.of(form.formatted(first), nextForm.formatted(next), DONE);
        assertThat(read(chunks, "")).isEqualTo(read(chunks, " "));
      }
    }
  }

  @Test
  void whatDiffersInItsTextOnlyNeedsNoParser() {
    TextChunks chunks = new TextChunks();
    byte[] one = chunk(ascii("one"));
    byte[] three = chunk(ascii("three"));
    assertThat(chunks.text(three, three.length)).isNull();
    chunks.learn(one, one.length, PLAIN.indexOf("\"%s"));
    assertThat(chunks.text(three, three.length)).isEqualTo("three");
    assertThat(chunks.text(ascii("{}"), 2)).isNull();
  }

  /** Spaces between chunks' members make each one different from all others. */
  private static List<ModelEvent> read(List<String> chunks, String space) {
    ChatAnswerReader reader = reader();
    List<ModelEvent> pieces = new ArrayList<>();
    String between = "";
    for (String chunk : chunks) {
      event(reader, (between + chunk).getBytes(StandardCharsets.UTF_8), pieces);
      between += space;
    }
    reader.end(pieces);
    return pieces;
  }

  @Test
  void whatAParserReadsInAWayOfItsOwnIsForTheParser() {
    List<byte[]> odd =
        List.of(
            ascii("a\\nb"),
            ascii("a\\u00e4"),
            ascii("a\\\"b"),
            ascii("\\\\"),
            ascii("a\"b"),
            ascii("\\"),
            new byte[] {7},
            new byte[] {(byte) 0xff},
            new byte[] {(byte) 0xc3},
            new byte[] {(byte) 0xed, (byte) 0xa0, (byte) 0x80});
    for (byte[] text : odd) {
      byte[] chunk = chunk(text);
      byte[] parsed = new byte[chunk.length + 1];
      parsed[0] = ' ';
      System.arraycopy(chunk, 0, parsed, 1, chunk.length);
      assertThat(outcome(chunk)).isEqualTo(outcome(parsed));
    }
  }

  /** Where the text stands in what was mended is not where it stands in what came. */
  @Test
  void whatHadToBeMendedIsNotComparedWith() {
    byte[] bad = new byte[100];
    Arrays.fill(bad, (byte) 0xff);
    String id = new String(bad, StandardCharsets.ISO_8859_1);
    List<String> texts = List.of("a", "another", "");
    for (String first : texts) {
      for (String second : texts) {
        List<ModelEvent> pieces = new ArrayList<>();
        ChatAnswerReader reader = reader();
        event(reader, broken(id, first), pieces);
        event(reader, broken(id, second), pieces);
        assertThat(pieces.stream().map(piece -> ((ModelEvent.Text) piece).text()).toList())
            .isEqualTo(Stream.of(first, second).filter(text -> !text.isEmpty()).toList());
      }
    }
  }

  private static byte[] broken(String id, String text) {
    return PLAIN
        .formatted(text)
        .replace("\"c\"", "\"" + id + "\"")
        .getBytes(StandardCharsets.ISO_8859_1);
  }

  private static Object outcome(byte[] second) {
    ChatAnswerReader reader = reader();
    List<ModelEvent> pieces = new ArrayList<>();
    event(reader, chunk(ascii("one")), pieces);
    try {
      event(reader, second, pieces);
      event(reader, chunk(ascii("three")), pieces);
      return pieces;
    } catch (CallFailure e) {
      return e.problem().detail();
    }
  }

  private static byte[] chunk(byte[] text) {
    String plain = PLAIN.formatted(new String(text, StandardCharsets.ISO_8859_1));
    return plain.getBytes(StandardCharsets.ISO_8859_1);
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  private static void event(ChatAnswerReader reader, byte[] chunk, List<ModelEvent> pieces) {
    reader.event("", chunk, chunk.length, pieces);
  }

  private static ChatAnswerReader reader() {
    return new ChatAnswerReader(new AnswerAssembler(new FailureMapper("test", List.of()), 1 << 20));
  }
}
