package io.heddle.upstream;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.turn.ModelEvent;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class WrappedInputTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{\"input\":\"a\\n\\\"b\\\\\\/c\\u00e9\\ud83d\\ude80\"} | `a\n\"b\\/cé🚀`",
        "` {\n \"input\" : \"x}\" , \"more\":1}` | x}",
        "{\"why\":[\"input\"],\"input\":\"late\"} | late",
        "{\"other\":\"y\"} | {\"other\":\"y\"}",
        "{\"input\":{\"a\":1}} | {\"input\":{\"a\":1}}",
        "*** Begin \"Patch\" | *** Begin \"Patch\"",
        "{broken | {broken",
        "{\"input\":\"cut of | cut of",
        "{\"input\":\"\"} | ``",
        "`` | ``"
      })
  void theInputIsTheSameHoweverItsArgumentsAreCut(String arguments, String input) {
    for (int size = 1; size <= Math.max(1, arguments.length()); size++) {
      WrappedInput wrapped = new WrappedInput();
      StringBuilder all = new StringBuilder();
      for (int at = 0; at < arguments.length(); at += size) {
        String bit = wrapped.take(arguments.substring(at, Math.min(arguments.length(), at + size)));
        assertThat(bit.isEmpty() || !Character.isHighSurrogate(bit.charAt(bit.length() - 1)))
            .isTrue();
        all.append(bit);
      }
      assertThat(all.append(wrapped.rest())).as("bits of " + size).hasToString(input);
      assertThat(wrapped.kept()).isLessThanOrEqualTo(arguments.length());
    }
  }

  /** Only the first bit says of which kind it is, and a function of another name stays one. */
  @Test
  void callsOfWrappedToolsAreOfCustomTools() {
    ToolCallAssembler calls = new ToolCallAssembler(_ -> null);
    calls.wrapped(Set.of("patch"));
    List<ModelEvent> pieces = new ArrayList<>();
    calls.take(new ToolCallDelta(0, "a", "patch", "{\"input\":\"x"), false, pieces);
    calls.take(new ToolCallDelta(1, "b", "look", "{\"input\":1}"), false, pieces);
    calls.take(new ToolCallDelta(0, null, null, "\\n\"}"), false, pieces);
    calls.take(new ToolCallDelta(2, "c", "own", "any }", Map.of(), true), false, pieces);
    assertThat(calls.isCut(false)).isFalse();
    assertThat(calls.finish(false, pieces)).isTrue();
    assertThat(pieces)
        .containsExactly(
            new ModelEvent.ToolCall(0, "a", "patch", "x", null, true),
            new ModelEvent.ToolCall(1, "b", "look", "{\"input\":1}"),
            new ModelEvent.ToolCall(0, null, null, "\n"),
            new ModelEvent.ToolCall(2, "c", "own", "any }", null, true));
    assertThat(calls.kept()).isZero();
  }
}
