package io.heddle.base;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.InstantSource;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class RandomIdsTest {

  private final RandomIds ids = new RandomIds(InstantSource.system());

  @Test
  void tokensHaveAllDigitsAboutEquallyOften() {
    int[] counts = new int[128];
    Set<String> tokens = new HashSet<>();
    for (int i = 0; i < 10_000; i++) {
      String token = ids.token();
      assertThat(token).matches("[0-9a-z]{26}");
      token.chars().forEach(digit -> counts[digit]++);
      tokens.add(token);
    }

    assertThat(tokens).hasSize(10_000);
    double expected = 10_000 * 26 / 36.0;
    for (char digit : "0123456789abcdefghijklmnopqrstuvwxyz".toCharArray()) {
      // Ten standard deviations.
      assertThat((double) counts[digit]).isBetween(expected - 850, expected + 850);
    }
  }
}
