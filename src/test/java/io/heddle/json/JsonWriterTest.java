package io.heddle.json;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonWriterTest {

  @Test
  void commasStandBetweenMembersAndElementsOnly() {
    JsonWriter out = JsonWriter.object(64).string("a", "{").number("b", -1).bool("c", true);
    out.name("d").array(List.of("[", ","), (text, to) -> to.string(text));
    out.name("e").array(List.of(), (text, to) -> to.raw(Json.NULL));
    JsonWriter.object(out.name("f")).end();

    assertThat(out.done())
        .hasToString("{\"a\":\"{\",\"b\":-1,\"c\":true,\"d\":[\"[\",\",\"],\"e\":[],\"f\":{}}");
  }

  @Test
  void whatIsNullIsWrittenOrLeftOut() {
    String none = null;
    Json nothing = null;
    JsonWriter out = JsonWriter.object(64).string("a", none).raw("b", nothing);

    assertThat(out.some("c", none).some("d", nothing).done())
        .hasToString("{\"a\":null,\"b\":null}");
  }

  @Test
  void membersOfOthersAreCopiedAsTheyAre() {
    JsonValue other = JsonValue.of(Json.of("{\"n\\\"\" : 1.50, \"s\":\"\\u00e9\"}"));

    JsonWriter out = new JsonWriter(16).members(other.members());

    assertThat(out.toJson()).hasToString("{\"n\\\"\":1.50,\"s\":\"\\u00e9\"}");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "plain", "\"\\\n\t\u0001", "é€😀", "\u007f\u2028"})
  void stringsAreReadAsTheyWereWritten(String text) {
    assertThat(JsonValue.of(Json.text(text)).text()).isEqualTo(text);
    JsonWriter out = new JsonWriter(0);
    assertThat(out.quoted(text.toCharArray(), 0, text.length())).isTrue();
    assertThat(JsonValue.of(out.toJson()).text()).isEqualTo(text);
  }

  /** A copy is not touched by what the writer is used for afterwards, however full it was. */
  @Test
  void aCopyStaysAsItIs() {
    JsonWriter out = new JsonWriter(64).ascii("x".repeat(64));
    Json copy = out.copy();
    out.clear();
    out.ascii("y".repeat(64));

    assertThat(copy).hasToString("x".repeat(64));
  }

  @Test
  void theThreadsBufferIsNotSharedWithWhoIsCalledMeanwhile() {
    byte[] written =
        JsonWriter.written(out -> {
          out.ascii("[");
          out.raw(new Json(JsonWriter.written(inner -> inner.ascii("1"))));
          out.ascii("]");
        });

    assertThat(new String(written, StandardCharsets.UTF_8)).isEqualTo("[1]");
  }
}
