package io.heddle.api;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class BacklogTest {

  private final Backlog backlog = new Backlog();

  @Test
  void isFullByNumberUntilHalfIsDone() {
    for (int i = 0; i < Backlog.MOST; i++) {
      assertThat(backlog.isFull()).isFalse();
      backlog.add(new byte[] {(byte) i});
    }
    assertThat(backlog.isFull()).isTrue();
    for (int i = 0; i <= Backlog.MOST / 2; i++) {
      assertThat(backlog.isLow()).isFalse();
      assertThat(backlog.poll()).containsExactly(i);
    }
    assertThat(backlog.isLow()).isTrue();
  }

  /**
   * Only the number was bounded: a client that sent appends of a mebibyte without waiting for their
   * answers made every one of its sockets hold 64 MiB.
   */
  @Test
  void isFullByBytesToo() {
    backlog.add(new byte[Backlog.MOST_BYTES - 1]);
    assertThat(backlog.isFull()).isFalse();
    backlog.add(new byte[1 << 20]);
    assertThat(backlog.isFull()).isTrue();
    backlog.poll();
    assertThat(backlog.isLow()).isFalse();
    backlog.poll();
    assertThat(backlog.isLow()).isTrue();
    assertThat(backlog.poll()).isNull();
  }
}
