package io.heddle.upstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class SseParserTest {

  private final List<String> events = new ArrayList<>();

  private SseParser lines(int most) {
    return new SseParser(
        most,
        (type, data, length) ->
            events.add(
                (type.isEmpty() ? "" : type + "|")
                    + new String(data, 0, length, StandardCharsets.UTF_8)));
  }

  /** However the bytes are cut, the events are the same. */
  private List<String> events(String stream) {
    byte[] bytes = stream.getBytes(StandardCharsets.UTF_8);
    List<String> first = null;
    for (int size = 1; size <= bytes.length; size++) {
      events.clear();
      SseParser lines = lines(1000);
      for (int from = 0; from < bytes.length; from += size) {
        lines.read(bytes, from, Math.min(bytes.length, from + size));
      }
      lines.end();
      first = first == null ? List.copyOf(events) : first;
      assertThat(events).as("in bits of %d", size).isEqualTo(first);
    }
    return first;
  }

  @Test
  void linesEndInAnyOfThreeWays() {
    assertThat(events("data: a\n\ndata: b\r\n\r\ndata: c\r\rdata: d\r\n\ndata: e\n\r\n"))
        .containsExactly("a", "b", "c", "d", "e");
  }

  @Test
  void charactersOfSeveralBytesAreWhole() {
    assertThat(events("data: Kettfäden 織機 🧵\n\n")).containsExactly("Kettfäden 織機 🧵");
  }

  @Test
  void dataOfSeveralLinesIsOneEvent() {
    assertThat(events("data: a\ndata:\ndata:b\ndata:  c\n\n")).containsExactly("a\n\nb\n c");
  }

  @Test
  void commentsAndOtherFieldsAreNoEvents() {
    assertThat(
            events(
                ": OPENROUTER PROCESSING\n\nid: 1\nretry: 10\n\nevent: ping\n\n"
                    + ":data: x\ndatas: y\nevent: error\ndata: z\nid\n\ndata\n\n"))
        .containsExactly("error|z", "");
  }

  @Test
  void aByteOrderMarkIsNoPartOfTheFirstField() {
    assertThat(events("\ufeffdata: a\n\ndata: b\n\n")).containsExactly("a", "b");
  }

  @Test
  void whatIsThereAtTheEndIsTaken() {
    assertThat(events("data: a\n\ndata: b")).containsExactly("a", "b");
    assertThat(events("data: a\n\ndata: b\n")).containsExactly("a", "b");
    assertThat(events("\n\n\n")).isEmpty();
  }

  @Test
  void anEventHasABound() {
    byte[] bit = "data: 0123456789\n".getBytes(StandardCharsets.UTF_8);

    SseParser lines = lines(100);
    byte[] many = "data: 0123456789\n\n".repeat(100).getBytes(StandardCharsets.UTF_8);
    lines.read(many, 0, many.length);
    assertThat(events).hasSize(100);
    assertThatThrownBy(
            () -> {
              for (int i = 0; i < 100; i++) {
                lines.read(bit, 0, bit.length);
              }
            })
        .isInstanceOf(SseParser.TooLarge.class);
    assertThatThrownBy(() -> lines(100).read(new byte[101], 0, 101))
        .isInstanceOf(SseParser.TooLarge.class);
  }
}
