package io.heddle.openai;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonLineTest {

  private final JsonLine lines = new JsonLine(64);

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "[]",
        "{\"a\":[],\"b\":{},\"c\":null}",
        "{\"n\":123456789012345678901234567890,\"f\":1.10,\"e\":-1E+400}",
        "\"\\\"\\\\\\n\\t€😀 \\u0001\"",
        "[true,false,null,\"\",0,-0]",
        "{\"\":{\"\":[[[]]]}}"
      })
  void soundTextsAreKeptToTheByte(String json) {
    assertThat(read(json).toString()).isEqualTo(json);
  }

  @Test
  void spacesBetweenTokensGoAndSpacesInStringsStay() {
    assertThat(read(" { \"a b\" :\r\n [ 1 ,\t2 ] } \n").toString()).isEqualTo("{\"a b\":[1,2]}");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", " ", "{", "{\"a\":}", "{} {}", "nul", "{\"a\":\"\\u0000\"}", "\"\\ud800x\""})
  void otherTextsAreRefused(String json) {
    assertThat(refused(json.getBytes(StandardCharsets.UTF_8))).isEqualTo(ProblemCode.INVALID_JSON);
  }

  @Test
  void bytesThatAreNoUtf8AreRefused() {
    assertThat(refused(new byte[] {'"', (byte) 0xc0, (byte) 0x80, '"'}))
        .isEqualTo(ProblemCode.INVALID_JSON);
    assertThat(refused(new byte[] {'"', (byte) 0xed, (byte) 0xa0, (byte) 0x80, '"'}))
        .isEqualTo(ProblemCode.INVALID_JSON);
  }

  @Test
  void valuesAreCutOutAsTheyAre() {
    Fields fields =
        Value.of(read("{\"a\":{\"x\":\"}],{\\\"\"},\"b\":[1,{\"c\":[]},\"]\"],\"ü\":-1.0e3}"))
            .fields();
    assertThat(fields.required("a").json().toString()).isEqualTo("{\"x\":\"}],{\\\"\"}");
    assertThat(fields.required("a").fields().text("x")).isEqualTo("}],{\"");
    List<Value> elements = fields.required("b").elements();
    assertThat(elements)
        .extracting(value -> value.json().toString())
        .containsExactly("1", "{\"c\":[]}", "\"]\"");
    assertThat(elements.get(1).fields().required("c").path()).isEqualTo("b[1].c");
    assertThat(fields.raw("ü")).hasToString("-1.0e3");
    assertThat(fields.all().keySet()).containsExactly("a", "b", "ü");
  }

  @Test
  void aMemberThatIsNullIsAbsent() {
    Fields fields = Value.of(read("{\"a\":null}")).fields();
    assertThat(fields.has("a")).isFalse();
    assertThat(fields.text("a")).isNull();
    assertThat(fields.all()).containsKey("a");
  }

  private Value value(String json) {
    return new Value(read(json), "f");
  }

  @Test
  void wrongKindsAreRefusedByPath() {
    assertThat(field(() -> value("1").text())).isEqualTo("f");
    assertThat(field(() -> value("\"1\"").integer(0, 9))).isEqualTo("f");
    assertThat(field(() -> value("1.5").integer(0, 9))).isEqualTo("f");
    assertThat(field(() -> value("10").integer(0, 9))).isEqualTo("f");
    assertThat(field(() -> value("99999999999999999999").integer(0, 9))).isEqualTo("f");
    assertThat(field(() -> value("[]").fields())).isEqualTo("f");
    assertThat(field(() -> value("{}").elements())).isEqualTo("f");
    assertThat(field(() -> value("\"x\"").bool())).isEqualTo("f");
    assertThat(field(() -> value("{\"a\":[0]}").fields().required("b"))).isEqualTo("f.b");
  }

  private static Object field(org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
    return catchThrowableOfType(ProblemException.class, call).problem().members().get("field");
  }

  private io.heddle.base.Json read(String json) {
    return lines.read(json.getBytes(StandardCharsets.UTF_8));
  }

  private ProblemCode refused(byte[] bytes) {
    return catchThrowableOfType(ProblemException.class, () -> lines.read(bytes)).problem().code();
  }
}
