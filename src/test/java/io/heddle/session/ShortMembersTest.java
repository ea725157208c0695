package io.heddle.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.json.Json;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ShortMembersTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '\0',
      value = {
        "{}|{}",
        "{\"a\":1}|{\"a\":1}",
        "{\"a\":[1,2,3],\"b\":\"x\"}|{\"a\":[1,2,3],\"b\":\"x\"}",
        "{\"long\":\"0123456789\",\"b\":true}|{\"b\":true}",
        "{\"b\":null,\"long\":{\"deep\":[[1,2,3]]}}|{\"b\":null}",
        "{\"b\":-1.5e3,\"c\":\"ä€\",\"d\":\"äääää\"}|{\"b\":-1.5e3,\"c\":\"ä€\"}",
        "{\"q\\\"\":\"a\\\"b\"}|{\"q\\\"\":\"a\\\"b\"}",
        "[1]|{}",
        "{\"a\":1,|{}"
      })
  void keepsWhatIsShort(String object, String wanted) {
    assertThat(ShortMembers.of(Json.of(object), 10).toString()).isEqualTo(wanted);
  }
}
