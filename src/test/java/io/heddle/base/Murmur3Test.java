package io.heddle.base;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.hash.Hashing;
import java.util.Random;
import org.junit.jupiter.api.Test;

class Murmur3Test {

  /** Guava's is another implementation of the same function, by other hands. */
  @Test
  void agreesWithAnotherImplementation() {
    Random random = new Random(1);
    for (int length = 0; length < 200; length++) {
      byte[] data = new byte[length];
      random.nextBytes(data);
      assertThat(Murmur3.hash32(data))
          .isEqualTo(Hashing.murmur3_32_fixed().hashBytes(data).asInt());
    }
  }

  @Test
  void spreadsSessionsOverAllPartitions() {
    int[] counts = new int[SessionKey.PARTITIONS];
    for (int i = 0; i < 128_000; i++) {
      counts[new SessionKey(Tenant.DEFAULT, "cli_" + i).partition()]++;
    }
    for (int count : counts) {
      assertThat(count).isBetween(800, 1200);
    }
  }
}
