package io.heddle.json;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class Utf8Test {

  private static final String PAIR = "\ud83d\ude00";

  @ParameterizedTest
  @ValueSource(strings = {"", "a", "über", PAIR, "a" + PAIR + PAIR + "b"})
  void whatIsWholeStaysTheSame(String text) {
    assertThat(Utf8.canEncode(text)).isTrue();
    assertThat(Utf8.mended(text)).isSameAs(text);
  }

  /** H and L stand for the halves of a pair, so that the table can be read. */
  @ParameterizedTest
  @CsvSource({
    "H, ?",
    "L, ?",
    "aHb, a?b",
    "LH, ??",
    "HHL, ?HL",
    "HLL, HL?",
    "HLH, HL?",
    "aLbHLcH, a?bHLc?"
  })
  void halvesThatStandAloneAreReplaced(String text, String mended) {
    assertThat(Utf8.canEncode(halves(text))).isFalse();
    assertThat(Utf8.mended(halves(text))).isEqualTo(halves(mended));
  }

  private static String halves(String text) {
    return text.replace('H', PAIR.charAt(0)).replace('L', PAIR.charAt(1)).replace('?', '\ufffd');
  }

  @Test
  void aMendedTextHasAFormInUtf8() {
    String mended = Utf8.mended("a\ud83d");
    assertThat(new JsonWriter(8).string(mended).toString()).isEqualTo("\"a\ufffd\"");
  }
}
