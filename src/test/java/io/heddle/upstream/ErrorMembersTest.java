package io.heddle.upstream;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ErrorMembersTest {

  /**
   * A router that had nothing from the server behind it was told with a colon at the end, one that
   * repeated it said it twice, and an empty {@code error} hid the words of the errors beside it.
   */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{'error':{'message':'failed','metadata':{'raw':'too hot'}}} | failed: too hot",
        "{'error':{'message':'failed','metadata':{'raw':''}}} | failed",
        "{'error':{'message':'failed','metadata':{'raw':' '}}} | failed",
        "{'error':{'message':'failed','metadata':{'raw':'failed'}}} | failed",
        "{'error':{'message':'failed','metadata':{'raw':'<html>'}}} | failed",
        "{'error':{},'errors':[{'message':'too hot'}]} | too hot",
        "{'error':'','errors':['too hot']} | too hot",
        "{'errors':['too hot'],'error':{}} | too hot",
      })
  void theWordsAreFound(String body, String words) {
    byte[] json = body.replace('\'', '"').getBytes(StandardCharsets.UTF_8);
    assertThat(ServerError.of(json, false).message()).isEqualTo(words);
  }
}
