package io.heddle.web;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class BacklogTest {

  private final Backlog<Integer> backlog = new Backlog<>();

  @Test
  void isFullByNumberUntilHalfIsDone() {
    for (int i = 0; i < Backlog.MOST; i++) {
      assertThat(backlog.isFull()).isFalse();
      backlog.add(i, 1);
    }
    assertThat(backlog.isFull()).isTrue();
    for (int i = 0; i <= Backlog.MOST / 2; i++) {
      assertThat(backlog.isLow()).isFalse();
      assertThat(backlog.poll()).isEqualTo(i);
    }
    assertThat(backlog.isLow()).isTrue();
  }

  /**
   * Only the number was bounded: a client that sent appends of a mebibyte without waiting for their
   * answers made every one of its sockets hold 64 MiB.
   */
  @Test
  void isFullByBytesToo() {
    backlog.add(1, Backlog.MOST_BYTES - 1);
    assertThat(backlog.isFull()).isFalse();
    backlog.add(2, 1 << 20);
    assertThat(backlog.isFull()).isTrue();
    backlog.poll();
    assertThat(backlog.isLow()).isFalse();
    backlog.poll();
    assertThat(backlog.isLow()).isTrue();
    assertThat(backlog.poll()).isNull();
  }

  @Test
  void givesTheFirstThatMayBeBegunWith() {
    for (int i = 1; i <= 4; i++) {
      backlog.add(i, 1);
    }
    assertThat(backlog.poll(i -> i % 2 == 0)).isEqualTo(2);
    assertThat(backlog.poll(i -> i > 4)).isNull();
    assertThat(backlog.poll()).isEqualTo(1);
    assertThat(backlog.poll()).isEqualTo(3);
    assertThat(backlog.poll()).isEqualTo(4);
  }
}
