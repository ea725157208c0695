package io.heddle.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.faults.Recorder.Acknowledged;
import io.heddle.faults.Recorder.Stored;
import io.heddle.faults.Recorder.Verdict;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** A checker that finds nothing proves nothing: each kind of damage is put before it once. */
class RecorderTest {
  private static final Stored A = new Stored("m1", 1, "a");
  private static final Stored B = new Stored("m2", 2, "b");

  private final Recorder recorder = new Recorder();

  private void tellBoth() {
    recorder.acknowledged(new Acknowledged("s", "a", "m1", 1, 10, 20));
    recorder.acknowledged(new Acknowledged("s", "b", "m2", 2, 30, 40));
  }

  private Verdict compare(Stored... stored) {
    return recorder.compare(Map.of("s", List.of(stored)));
  }

  @Test
  void nothingIsWrongWithWhatWasTold() {
    tellBoth();
    recorder.shown("s", 2, List.of(A, B));
    assertThat(compare(A, B)).isEqualTo(new Verdict(2, 0, 0, 0, 0, 0, 0, 0));
    assertThat(compare(A, B).clean()).isTrue();
  }

  @Test
  void lost() {
    tellBoth();
    assertThat(compare(A)).isEqualTo(new Verdict(2, 1, 0, 0, 0, 0, 0, 0));
    assertThat(recorder.compare(Map.of()).lost()).isEqualTo(2);
  }

  @Test
  void doubled() {
    tellBoth();
    assertThat(compare(A, B, new Stored("m3", 3, "b")).doubled()).isEqualTo(1);
  }

  @Test
  void moved() {
    tellBoth();
    assertThat(compare(A, new Stored("m9", 2, "b")).moved()).isEqualTo(1);
  }

  @Test
  void holes() {
    recorder.acknowledged(new Acknowledged("s", "a", "m1", 1, 10, 20));
    recorder.acknowledged(new Acknowledged("s", "b", "m2", 3, 30, 40));
    assertThat(compare(A, new Stored("m2", 3, "b"))).isEqualTo(new Verdict(2, 0, 0, 0, 1, 0, 0, 0));
  }

  @Test
  void reordered() {
    recorder.acknowledged(new Acknowledged("s", "b", "m2", 2, 10, 20));
    recorder.acknowledged(new Acknowledged("s", "a", "m1", 1, 30, 40));
    assertThat(compare(A, B)).isEqualTo(new Verdict(2, 0, 0, 0, 0, 1, 0, 0));
  }

  @Test
  void whatWasSentAtTheSameTimeMayStandEitherWay() {
    recorder.acknowledged(new Acknowledged("s", "b", "m2", 2, 10, 35));
    recorder.acknowledged(new Acknowledged("s", "a", "m1", 1, 30, 40));
    assertThat(compare(A, B).clean()).isTrue();
  }

  @Test
  void strangers() {
    tellBoth();
    assertThat(compare(A, B, new Stored("m3", 3, "c")).strangers()).isEqualTo(1);
  }

  @Test
  void stalePagesAndPagesThatContradict() {
    tellBoth();
    recorder.shown("s", 2, List.of(A));
    assertThat(compare(A, B).stale()).isEqualTo(1);
    recorder.shown("s", 0, List.of(new Stored("other", 2, "b")));
    assertThat(compare(A, B).moved()).isEqualTo(1);
  }
}
