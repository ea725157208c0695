package io.heddle.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Position;
import io.heddle.faults.CacheUse.Window;
import io.heddle.faults.History.Frame;
import io.heddle.faults.History.Read;
import io.heddle.faults.History.Watched;
import io.heddle.faults.History.Write;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** A checker that finds nothing proves nothing: each kind of fault is put before it. */
class VerdictTest {
  private static final long SECOND = 1_000_000_000;
  private static final Position NONE = new Position(1, "none0000");

  private final History history = new History();
  private final long start = System.nanoTime();

  private static Position at(long version) {
    return new Position(version, "tag%05d".formatted(version));
  }

  private void wrote(long version, double sent, double told) {
    history.acknowledged(
        new Write(
            "s",
            at(version),
            "text " + version,
            start + (long) (sent * SECOND),
            start + (long) (told * SECOND)));
  }

  private void read(
      String cache, int status, @Nullable Position shown, @Nullable String text, double asked) {
    long askedAt = start + (long) (asked * SECOND);
    Position condition = status == 304 ? shown : null;
    history.read(
        new Read("a", "s", status, condition, shown, text, cache, askedAt, askedAt + 1_000));
  }

  private Watched watching(Object... versions) {
    Watched watched = history.watch("w", "s");
    for (Object version : versions) {
      Frame frame =
          switch (version) {
            case Integer changed -> new Frame("message.appended", at(changed), start);
            case Frame given -> given;
            default -> throw new IllegalArgumentException(Objects.toString(version));
          };
      watched.add(frame);
    }
    return watched;
  }

  private Frame watch(int since) {
    return Frame.watch(since == 0 ? null : at(since), start);
  }

  private Frame snapshot(int version) {
    return new Frame("snapshot", at(version), start);
  }

  private Frame gap() {
    return new Frame("gap", null, start);
  }

  private Verdict with(int versions) {
    for (int version = 1; version <= versions; version++) {
      wrote(version, version, version + 0.1);
    }
    return history.verdict();
  }

  private void onlyWrong(Verdict verdict, long count) {
    assertThat(verdict.clean()).isFalse();
    assertThat(verdict.examples()).isNotEmpty();
    assertThat(
            verdict.lost()
                + verdict.repeated()
                + verdict.reordered()
                + verdict.stale()
                + verdict.wrong304()
                + verdict.strange()
                + verdict.unexplained())
        .as(verdict.toString())
        .isEqualTo(count);
  }

  @Test
  void nothingIsWrongWithAWholeHistory() {
    watching(watch(0), snapshot(1), 2, 3, watch(3), 4);
    watching(watch(2), 3, gap(), snapshot(4));
    watching(watch(0), snapshot(4));
    read("hit", 200, at(1), "text 1", 2.9);
    read("miss", 200, at(4), "text 4", 4.2);
    read("bypass", 304, at(4), null, 9);
    read("bypass", 503, null, null, 9);
    Verdict verdict = with(4);
    assertThat(verdict.clean()).as(verdict.toString()).isTrue();
    assertThat(verdict.gaps()).isEqualTo(1);
    assertThat(verdict.acknowledged()).isEqualTo(4);
    assertThat(verdict.reads()).isEqualTo(4);
    assertThat(verdict.frames()).isEqualTo(8);
  }

  @Test
  void lostInTheMiddle() {
    watching(watch(0), snapshot(1), 2, 4);
    Verdict verdict = with(4);
    assertThat(verdict.lost()).isEqualTo(1);
    onlyWrong(verdict, 1);
  }

  @Test
  void lostAtTheEndUnlessItHadLeft() {
    watching(watch(0), snapshot(1), 2);
    watching(watch(0), snapshot(1), 2).leave();
    Verdict verdict = with(4);
    assertThat(verdict.lost()).isEqualTo(2);
    onlyWrong(verdict, 2);
  }

  @Test
  void lostAfterComingBack() {
    watching(watch(0), snapshot(1), 2, watch(2), 4);
    assertThat(with(4).lost()).isEqualTo(1);
  }

  @Test
  void lostByAWatcherThatWasNeverSentAnything() {
    watching(watch(1));
    watching();
    assertThat(with(3).lost()).isEqualTo(2 + 3);
  }

  @Test
  void repeated() {
    watching(watch(0), snapshot(1), 2, 3, 2, watch(3), 3, 4);
    Verdict verdict = with(4);
    assertThat(verdict.repeated()).isEqualTo(2);
    onlyWrong(verdict, 2);
  }

  @Test
  void reordered() {
    watching(watch(0), snapshot(1), 3, 2, 4);
    Verdict verdict = with(4);
    assertThat(verdict.reordered()).isEqualTo(1);
    // What came too late was also missing before what followed it.
    assertThat(verdict.lost()).isEqualTo(1);
  }

  @Test
  void aSnapshotOlderThanWhatWasSeen() {
    watching(watch(0), snapshot(3), gap(), snapshot(2), 3);
    Verdict verdict = with(3);
    assertThat(verdict.reordered()).isEqualTo(1);
    onlyWrong(verdict, 1);
  }

  @Test
  void gapsAndSnapshotsThatNobodyCanExplain() {
    watching(watch(0), snapshot(1), snapshot(2));
    watching(watch(0), 1, 2);
    watching(watch(0), snapshot(2), gap());
    watching(watch(2), gap(), 2);
    assertThat(with(2).unexplained()).isGreaterThanOrEqualTo(4);
  }

  @Test
  void stale() {
    read("hit", 200, at(1), "text 1", 4.1 - 0.1);
    read("hit", 200, at(1), "text 1", 4.2);
    read("hit", 200, null, null, 9);
    Verdict verdict = with(2);
    assertThat(verdict.stale()).as(verdict.toString()).isEqualTo(2);
    onlyWrong(verdict, 2);
  }

  @Test
  void wrong304() {
    read("hit", 304, at(1), null, 9);
    read("hit", 304, NONE, null, 1.2);
    Verdict verdict = with(2);
    assertThat(verdict.wrong304()).isEqualTo(2);
    onlyWrong(verdict, 2);
  }

  @Test
  void strange() {
    read("miss", 200, NONE, null, 1.2);
    read("hit", 200, at(2), "text 1", 2.2);
    watching(watch(0), snapshot(1), new Frame("message.appended", new Position(2, "x"), start));
    read("hit", 200, at(3), "text 3", 2.3);
    history.acknowledged(new Write("s", new Position(2, "other"), null, start, start + 1));
    Verdict verdict = with(2);
    assertThat(verdict.strange()).as(verdict.toString()).isEqualTo(5);
    onlyWrong(verdict, 5);
  }

  @Test
  void afterAResetOnlyTheNewIsTrue() {
    Watched watched = watching(watch(0), snapshot(1), 2, 3);
    for (int version = 1; version <= 3; version++) {
      wrote(version, 0, 0);
    }
    history.reset(List.of());
    long then = System.nanoTime();
    double seconds = (then - start) / 1e9;
    history.acknowledged(new Write("s", NONE, null, then, then));
    read("hit", 200, at(3), "text 3", seconds + 1);
    assertThat(history.verdict().stale()).isZero();
    read("hit", 304, at(1), null, seconds + 3);
    assertThat(history.verdict().wrong304()).isEqualTo(1);
    watched.add(new Frame("message.appended", at(4), then));
    assertThat(history.verdict().unexplained()).isEqualTo(1);
    assertThat(history.verdict().strange()).as("nobody wrote that").isEqualTo(1);
  }

  @Test
  void waitsForWatchersThatStay() {
    Watched behind = watching(watch(0), snapshot(1));
    with(2);
    assertThat(history.allWatchersHaveEverything()).isFalse();
    behind.leave();
    assertThat(history.allWatchersHaveEverything()).isTrue();
  }

  @Test
  void cacheUse() {
    wrote(1, 0, 0.1);
    read("miss", 200, at(1), null, 1);
    read("hit", 200, at(1), null, 2);
    read("miss", 200, at(1), null, 3);
    wrote(2, 3.5, 3.6);
    read("miss", 200, at(2), null, 4);
    read("hit", 200, at(2), null, 5);
    read("bypass", 200, at(2), null, 6);
    read("bypass", 200, at(2), null, 7);
    read("hit", 200, at(2), null, 8);
    read("hit", 200, at(2), null, 60);
    Window fault = new Window(start + 11 * SECOND / 2, start + 15 * SECOND / 2);
    CacheUse use = CacheUse.of(history, fault);
    assertThat(use.repeated()).isEqualTo(3);
    assertThat(use.hits()).isEqualTo(2);
    assertThat(use.bypasses()).isEqualTo(2);
    assertThat(use.bypassed().toMillis()).isEqualTo(1_000);
    assertThat(CacheUse.of(history).repeated()).isEqualTo(6);
  }
}
