package io.heddle.json;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.core.json.JsonFactory;

class JsonReaderTest {

  private static final InvalidJson.Form PLAIN = refusal -> refusal;

  private final JsonFactory factory = JsonParsers.factory(64);

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
    assertThat(refused(json.getBytes(StandardCharsets.UTF_8)))
        .isIn(InvalidJson.Kind.TEXT, InvalidJson.Kind.CHARACTERS);
  }

  @Test
  void bytesThatAreNoUtf8AreRefused() {
    assertThat(refused(new byte[] {'"', (byte) 0xc0, (byte) 0x80, '"'}))
        .isEqualTo(InvalidJson.Kind.CHARACTERS);
    assertThat(refused(new byte[] {'"', (byte) 0xed, (byte) 0xa0, (byte) 0x80, '"'}))
        .isEqualTo(InvalidJson.Kind.CHARACTERS);
  }

  @Test
  void aFormMakesTheRefusal() {
    InvalidJson.Form form = refusal -> new IllegalStateException(refusal.path(), refusal);
    byte[] text = "{\"a\":[0,\"x\"]}".getBytes(StandardCharsets.UTF_8);
    assertThatThrownBy(() ->
            JsonReader.read(
                factory,
                form,
                text,
                in -> {
                  in.object();
                  in.nextMember();
                  in.array();
                  in.nextElement();
                  in.nextElement();
                  return in.integer(0, 9);
                }))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("a[1]");
  }

  private Json read(String json) {
    return JsonReader.value(factory, PLAIN, json.getBytes(StandardCharsets.UTF_8)).json();
  }

  private InvalidJson.Kind refused(byte[] bytes) {
    return catchThrowableOfType(InvalidJson.class, () -> JsonReader.value(factory, PLAIN, bytes))
        .kind();
  }
}
