package io.heddle.upstream;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RetryWaitTest {

  @ParameterizedTest
  @CsvSource({
    ", 20, 20000",
    ", ' 1.5 ', 1500",
    ", 0, 1",
    ", 20s, 20000",
    ", 2m59.56s, 179560",
    ", 1h 2m, 3720000",
    ", 120ms, 120",
    ", 3 seconds, 3000",
    "250, 1, 250",
    "250.5, , 251",
  })
  void isReadInEachForm(String millis, String after, long expected) {
    assertThat(RetryWait.of(millis, after)).isEqualTo(Duration.ofMillis(expected));
  }

  /** A number that is none in the first header hid the second one. */
  @ParameterizedTest
  @ValueSource(strings = {"soon", "", "-5", "NaN", "0x10"})
  void whatIsNoNumberHidesNoHeader(String millis) {
    assertThat(RetryWait.of(millis, "2")).isEqualTo(Duration.ofSeconds(2));
    assertThat(RetryWait.of(null, millis)).isNull();
    assertThat(RetryWait.of(millis, null)).isNull();
  }

  @Test
  void datesAreReadInEachForm() {
    ZonedDateTime then = ZonedDateTime.now(ZoneOffset.UTC).plusHours(2);
    for (String date :
        new String[] {
          DateTimeFormatter.RFC_1123_DATE_TIME.format(then),
          DateTimeFormatter.ofPattern("EEEE, dd-MMM-yy HH:mm:ss 'GMT'", Locale.ENGLISH)
              .format(then),
          DateTimeFormatter.ISO_OFFSET_DATE_TIME.format(then)
        }) {
      assertThat(RetryWait.of(null, date))
          .as(date)
          .isBetween(Duration.ofHours(1), Duration.ofHours(2));
    }
    assertThat(RetryWait.of(null, "Wed, 21 Oct 2015 07:28:00 GMT")).isEqualTo(Duration.ofMillis(1));
  }

  /** Gemini sends no header: its wait was lost, and the caller came back at once. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "[{'error':{'code':429,'message':'quota','details':[{'@type':'x'},{'retryDelay':'45.8s'}]}}]",
        "{'error':{'message':'quota','details':[{'retryDelay':'45.8s'}]}}",
        "{'error':'loading','estimated_time':45.8}",
        "{'message':'slow down','retry_after':45.8}",
      })
  void isFoundInTheError(String body) {
    byte[] json = body.replace('\'', '"').getBytes(StandardCharsets.UTF_8);
    assertThat(ServerError.of(json, false).pause()).isEqualTo(Duration.ofMillis(45_800));
  }
}
