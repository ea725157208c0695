package io.heddle.live;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Position;
import io.heddle.json.Json;
import io.heddle.live.Frame.Step;
import io.heddle.session.ChangeLog.Logged;
import io.heddle.session.ChangeLog.Replay;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ReorderBufferTest {

  private final ReorderBuffer merge = new ReorderBuffer(LiveFixture.KEY, position(1), 4096);
  private final List<Long> told = new ArrayList<>();

  private static Position position(long version) {
    return new Position(version, "a000000" + version);
  }

  private static Json body(int size) {
    return Json.of("{\"type\":\"message.appended\",\"x\":\"" + "x".repeat(size) + "\"}");
  }

  private static Frame change(long version, int size) {
    String before = position(version - 1).tag();
    return Frame.change(LiveFixture.KEY, position(version), before, body(size));
  }

  private void tell(Frame change) {
    told.add(change.position().version());
  }

  private static Replay.Followed followed(long from, long to, long now) {
    List<Logged> changes = new ArrayList<>();
    for (long version = from; version <= to; version++) {
      changes.add(new Logged(position(version), position(version - 1).tag(), body(1)));
    }
    return new Replay.Followed(changes, position(now));
  }

  @Test
  void whatIsInTheLogAndWaitsTooIsToldOnce() {
    merge.hold(change(3, 1));
    merge.hold(change(4, 1));
    assertThat(merge.tell(followed(2, 3, 3), this::tell)).isEqualTo(ReorderBuffer.Read.CAUGHT_UP);
    assertThat(told).containsExactly(2L, 3L, 4L);
    assertThat(merge.step(change(4, 1))).isEqualTo(Step.DUPLICATE);
    assertThat(merge.step(change(5, 1))).isEqualTo(Step.NEXT);
  }

  @Test
  void whatDoesNotFollowWaitsOn() {
    merge.hold(change(5, 1));
    assertThat(merge.tell(followed(2, 3, 3), this::tell)).isEqualTo(ReorderBuffer.Read.MORE);
    assertThat(merge.tell(followed(4, 3, 3), this::tell)).isEqualTo(ReorderBuffer.Read.NOTHING);
    assertThat(merge.tell(followed(4, 4, 4), this::tell)).isEqualTo(ReorderBuffer.Read.CAUGHT_UP);
    assertThat(told).containsExactly(2L, 3L, 4L, 5L);
  }

  @Test
  void aPageThatLeavesSomeIsNotLevel() {
    assertThat(merge.tell(followed(2, 3, 5), this::tell)).isEqualTo(ReorderBuffer.Read.MORE);
    assertThat(merge.tell(followed(4, 5, 5), this::tell)).isEqualTo(ReorderBuffer.Read.CAUGHT_UP);
  }

  /**
   * While one read was slow, a thousand changes could wait for each connection, a mebibyte each:
   * only their number was bounded.
   */
  @Test
  void whatWaitsIsBoundedInBytesAndTheLogHasTheRest() {
    assertThat(merge.hold(change(2, 3000))).isTrue();
    assertThat(merge.hold(change(3, 3000))).isTrue();
    assertThat(merge.hold(change(4, 3000))).isFalse();
    assertThat(merge.tellWaiting(this::tell)).isFalse();
    assertThat(merge.tell(followed(2, 3, 4), this::tell)).isEqualTo(ReorderBuffer.Read.CAUGHT_UP);
    assertThat(told).containsExactly(2L, 3L, 4L);
  }
}
