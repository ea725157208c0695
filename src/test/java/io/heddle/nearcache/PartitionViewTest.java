package io.heddle.nearcache;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.session.ChangeFeed.Loss;
import org.junit.jupiter.api.Test;

class PartitionViewTest {

  private static final long NOW = 500;

  private final PartitionView partition = new PartitionView();

  @Test
  void nothingIsKnownBeforeTheFirstComparison() {
    assertThat(partition.isTrusted(NOW)).isFalse();
    assertThat(partition.isUnknown()).isTrue();
    assertThat(partition.loss()).isEqualTo(Loss.CLOSED);
  }

  @Test
  void changesInARowDropNothing() {
    partition.compare(7, NOW + 10);
    int generation = partition.generation();
    assertThat(partition.follow(8)).isTrue();
    assertThat(partition.follow(9)).isTrue();
    assertThat(partition.compare(9, NOW + 20)).isTrue();
    assertThat(partition.generation()).isEqualTo(generation);
  }

  @Test
  void trustEndsWhenItIsSaidTo() {
    partition.compare(7, NOW + 10);
    assertThat(partition.isTrusted(NOW + 9)).isTrue();
    assertThat(partition.isTrusted(NOW + 10)).isFalse();
    assertThat(partition.overdue(NOW + 9)).isNegative();
    assertThat(partition.overdue(NOW + 13)).isEqualTo(3);
  }

  @Test
  void trustOutlivesTheTurnOfTheClock() {
    partition.compare(7, Long.MIN_VALUE + 5);
    assertThat(partition.isTrusted(Long.MAX_VALUE)).isTrue();
    assertThat(partition.isTrusted(Long.MIN_VALUE + 5)).isFalse();
  }

  @Test
  void whatIsNotTheNextChangeDrops() {
    for (long other : new long[] {7, 9, 6, 0}) {
      partition.compare(7, NOW);
      int generation = partition.generation();
      assertThat(partition.follow(other)).as("change " + other + " after 7").isFalse();
      assertThat(partition.generation()).isEqualTo(generation + 1);
      assertThat(partition.follow(other + 1)).isTrue();
    }
  }

  @Test
  void anotherCountOfTheStoreDropsAndIsBelieved() {
    partition.compare(7, NOW);
    for (long other : new long[] {9, 3}) {
      int generation = partition.generation();
      assertThat(partition.compare(other, NOW + 10)).isFalse();
      assertThat(partition.generation()).isEqualTo(generation + 1);
      assertThat(partition.isTrusted(NOW)).isTrue();
      assertThat(partition.compare(other, NOW + 10)).isTrue();
    }
  }

  @Test
  void aLossEndsTrustAndEverythingUntilAComparison() {
    partition.compare(7, NOW + 10);
    int generation = partition.generation();
    partition.lose(Loss.SILENT);
    assertThat(partition.isTrusted(NOW)).isFalse();
    assertThat(partition.isUnknown()).isTrue();
    assertThat(partition.loss()).isEqualTo(Loss.SILENT);
    assertThat(partition.follow(8)).as("the next one, as it seems").isFalse();
    assertThat(partition.isTrusted(NOW)).isFalse();

    partition.compare(8, NOW + 10);
    assertThat(partition.isTrusted(NOW)).isTrue();
    assertThat(partition.loss()).isNull();
    assertThat(partition.generation()).isGreaterThan(generation);
  }
}
