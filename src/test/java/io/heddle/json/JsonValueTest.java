package io.heddle.json;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.util.List;
import org.junit.jupiter.api.Test;

class JsonValueTest {

  @Test
  void valuesAreCutOutAsTheyAre() {
    JsonValue fields =
        JsonValue.of(
                Json.of("{\"a\":{\"x\":\"}],{\\\"\"},\"b\":[1,{\"c\":[]},\"]\"],\"ü\":-1.0e3}"))
            .object();
    assertThat(fields.required("a").json().toString()).isEqualTo("{\"x\":\"}],{\\\"\"}");
    assertThat(fields.required("a").object().text("x")).isEqualTo("}],{\"");
    List<JsonValue> elements = fields.required("b").array();
    assertThat(elements)
        .extracting(value -> value.json().toString())
        .containsExactly("1", "{\"c\":[]}", "\"]\"");
    assertThat(elements.get(1).object().required("c").path()).isEqualTo("b[1].c");
    assertThat(fields.raw("ü")).hasToString("-1.0e3");
    assertThat(fields.members().keySet()).containsExactly("a", "b", "ü");
  }

  @Test
  void aMemberThatIsNullIsAbsent() {
    JsonValue fields = JsonValue.of(Json.of("{\"a\":null}")).object();
    assertThat(fields.has("a")).isFalse();
    assertThat(fields.text("a")).isNull();
    assertThat(fields.members()).containsKey("a");
  }

  private static JsonValue value(String json) {
    return JsonValue.of(Json.of(json), "f", refusal -> refusal);
  }

  @Test
  void wrongKindsAreRefusedByPath() {
    assertThat(field(() -> value("1").text())).isEqualTo("f");
    assertThat(field(() -> value("\"1\"").integer(0, 9))).isEqualTo("f");
    assertThat(field(() -> value("1.5").integer(0, 9))).isEqualTo("f");
    assertThat(field(() -> value("10").integer(0, 9))).isEqualTo("f");
    assertThat(field(() -> value("99999999999999999999").integer(0, 9))).isEqualTo("f");
    assertThat(field(() -> value("[]").object())).isEqualTo("f");
    assertThat(field(() -> value("{}").array())).isEqualTo("f");
    assertThat(field(() -> value("\"x\"").bool())).isEqualTo("f");
    assertThat(field(() -> value("{\"a\":[0]}").object().required("b"))).isEqualTo("f.b");
  }

  private static Object field(org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
    return catchThrowableOfType(InvalidJson.class, call).path();
  }

  @Test
  void spacesBetweenTokensAreNoPartOfValues() {
    JsonValue value =
        JsonValue.of(Json.of(" { \"a\" :\r\n [ 1 ,\t{ } , \"b \" ] , \"c\" : -2.50 } \n"));
    assertThat(value.members()).hasSize(2);
    assertThat(value.required("a").elements())
        .extracting(JsonValue::toString)
        .containsExactly("1", "{ }", "\"b \"");
    assertThat(value.required("c")).hasToString("-2.50");
  }

  @Test
  void ofAnotherKindNothingIsFound() {
    assertThat(value("[{\"a\":1}]").members()).isEmpty();
    assertThat(value("{\"a\":[1]}").elements()).isEmpty();
    assertThat(value("\"x\"").get("a")).isNull();
  }

  @Test
  void membersCanBeLeftOut() {
    JsonValue rest = value("{\"a\":1,\"b\":2}").without(java.util.Set.of("a"));
    assertThat(rest.members().keySet()).containsExactly("b");
    assertThat(rest.required("b").path()).isEqualTo("f.b");
  }

  @Test
  void aTextIsBlankThatHasOnlySpaces() {
    for (String blank : List.of("\"\"", "\" \"", "\"\\n\"", "\"\u2003\"")) {
      assertThat(value(blank).isBlank()).as(blank).isTrue();
    }
    assertThat(value("\"\\n x\"").isBlank()).isFalse();
    assertThat(value("\"\u00fc\"").isBlank()).isFalse();
  }
}
