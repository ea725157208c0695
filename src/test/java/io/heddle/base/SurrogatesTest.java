package io.heddle.base;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SurrogatesTest {

  private static final String PAIR = "\ud83d\ude00";

  @ParameterizedTest
  @ValueSource(strings = {"", "a", "über", PAIR, "a" + PAIR + PAIR + "b"})
  void whatIsWholeStaysTheSame(String text) {
    assertThat(Surrogates.arePaired(text)).isTrue();
    assertThat(Surrogates.mended(text)).isSameAs(text);
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
    assertThat(Surrogates.arePaired(halves(text))).isFalse();
    assertThat(Surrogates.mended(halves(text))).isEqualTo(halves(mended));
  }

  private static String halves(String text) {
    return text.replace('H', PAIR.charAt(0)).replace('L', PAIR.charAt(1)).replace('?', '\ufffd');
  }

  @Test
  void aMendedTextHasAFormInUtf8() {
    String mended = Surrogates.mended("a\ud83d");
    assertThat(new JsonWriter(8).string(mended).toString()).isEqualTo("\"a\ufffd\"");
  }
}
