package io.heddle.session.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.json.Json;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MergePatchTest {

  /** The examples of RFC 7396, appendix A. */
  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      quoteCharacter = '~',
      value = {
        "{\"a\":\"b\"} ; {\"a\":\"c\"} ; {\"a\":\"c\"}",
        "{\"a\":\"b\"} ; {\"b\":\"c\"} ; {\"a\":\"b\",\"b\":\"c\"}",
        "{\"a\":\"b\"} ; {\"a\":null} ; {}",
        "{\"a\":\"b\",\"b\":\"c\"} ; {\"a\":null} ; {\"b\":\"c\"}",
        "{\"a\":[\"b\"]} ; {\"a\":\"c\"} ; {\"a\":\"c\"}",
        "{\"a\":\"c\"} ; {\"a\":[\"b\"]} ; {\"a\":[\"b\"]}",
        "{\"a\":{\"b\":\"c\"}} ; {\"a\":{\"b\":\"d\",\"c\":null}} ; {\"a\":{\"b\":\"d\"}}",
        "{\"a\":[{\"b\":\"c\"}]} ; {\"a\":[1]} ; {\"a\":[1]}",
        "[\"a\",\"b\"] ; [\"c\",\"d\"] ; [\"c\",\"d\"]",
        "{\"a\":\"b\"} ; [\"c\"] ; [\"c\"]",
        "{\"a\":\"foo\"} ; null ; null",
        "{\"a\":\"foo\"} ; \"bar\" ; \"bar\"",
        "{\"e\":null} ; {\"a\":1} ; {\"e\":null,\"a\":1}",
        "[1,2] ; {\"a\":\"b\",\"c\":null} ; {\"a\":\"b\"}",
        "{} ; {\"a\":{\"bb\":{\"ccc\":null}}} ; {\"a\":{\"bb\":{}}}",
      })
  void followsTheExamplesOfTheRfc(String target, String patch, String result) {
    assertThat(merge(target, patch)).isEqualTo(result);
  }

  @Test
  void keepsNumbersAndTextAsTheyWereWritten() {
    String target =
        "{\"big\":12345678901234567890123,\"exact\":1.0,\"power\":1E+2,\"minus\":-0.0,"
            + "\"text\":\"\\u00e9\\n\\\"\",\"array\":[1.50,{\"x\":null}],\"last\":9007199254740993}";

    assertThat(merge(target, "{\"add\":0.10}"))
        .isEqualTo(target.substring(0, target.length() - 1) + ",\"add\":0.10}");
  }

  @Test
  void nullInsideAnArrayIsAValue() {
    assertThat(merge("{}", "{\"a\":[null,{\"b\":null}]}")).isEqualTo("{\"a\":[null,{\"b\":null}]}");
  }

  @Test
  void namesAreEscapedAgain() {
    assertThat(merge("{\"a\\\"b\":1,\"\\u0007\":2}", "{\"a\\\"b\":3}"))
        .isEqualTo("{\"a\\\"b\":3,\"\\u0007\":2}");
  }

  @Test
  void ofTwoMembersWithOneNameTheLastCounts() {
    assertThat(merge("{\"a\":1,\"a\":2}", "{}")).isEqualTo("{\"a\":2}");
  }

  @Test
  void nestingIsBounded() {
    String deep = "{\"a\":".repeat(400) + "1" + "}".repeat(400);
    assertThat(merge(deep, deep)).isEqualTo(deep);

    String deeper = "{\"a\":".repeat(501) + "1" + "}".repeat(501);
    assertThatThrownBy(() -> merge("{}", deeper))
        .isInstanceOfSatisfying(
            ProblemException.class,
            e -> assertThat(e.problem().code()).isEqualTo(ProblemCode.INVALID_JSON));
  }

  @Test
  void whatIsNoJsonIsRefused() {
    for (String text : new String[] {"", "{", "{\"a\":}", "{\"a\":1"}) {
      assertThatThrownBy(() -> merge("{}", text))
          .as(text)
          .isInstanceOfSatisfying(
              ProblemException.class,
              e -> assertThat(e.problem().code()).isEqualTo(ProblemCode.INVALID_JSON));
    }
  }

  private static String merge(String target, String patch) {
    return MergePatch.apply(Json.of(target), Json.of(patch)).toString();
  }
}
