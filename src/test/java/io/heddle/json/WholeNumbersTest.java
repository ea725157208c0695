package io.heddle.json;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class WholeNumbersTest {

  @ParameterizedTest
  @CsvSource({
    "0, 0",
    "-0, 0",
    "0.0, 0",
    "0e999999999, 0",
    "60, 60",
    "60.0, 60",
    "60.000000000000000000000000000000, 60",
    "6e1, 60",
    "6.0E+1, 60",
    "600e-1, 60",
    "-60.0, -60",
    "999999999999999999, 999999999999999999",
    "1000000000000000000, 9223372036854775807",
    "99999999999999999999999999, 9223372036854775807",
    "1e999999999, 9223372036854775807",
    "-1e400, -9223372036854775808",
  })
  @Timeout(value = 5, unit = TimeUnit.SECONDS)
  void whateverTheyAreWrittenLike(String text, long number) {
    assertThat(WholeNumbers.parse(text)).isEqualTo(number);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "0.5",
        "60.1",
        "1e-1",
        "1e-999999999",
        "60.00000000000000000001",
        "1e99999999999",
        "12345678901234567890.5"
      })
  void othersAreNotWhole(String text) {
    assertThat(WholeNumbers.parse(text)).isNull();
  }
}
