package io.heddle.turn;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

class FairWorkTest {

  /** Tasks of the one thread, run by hand. */
  private final ConcurrentLinkedQueue<Runnable> tasks = new ConcurrentLinkedQueue<>();

  private final List<String> done = new ArrayList<>();
  private final FairWork work = new FairWork(Schedulers.fromExecutor(by(tasks)), 1);

  private static Executor by(ConcurrentLinkedQueue<Runnable> tasks) {
    return tasks::add;
  }

  /** Eight long counts of one caller held up everybody for a minute. */
  @Test
  void aSmallQuestionWaitsForOneStepOfEachOther() {
    for (int i = 0; i < 8; i++) {
      ask("mallory", "long" + i, 100, 1 << 20);
    }
    ask("alice", "hi", 1, 10);
    ask("bob", "hello", 3, 10);
    run();
    List<String> ends = done.stream().filter(step -> step.endsWith(".")).toList();
    assertThat(ends.subList(0, 2)).containsExactly("hi.", "hello.");
    // The steps before the first end: one of Mallory's.
    assertThat(done.indexOf("hi.")).isEqualTo(1);
    assertThat(work.size()).isZero();
  }

  @Test
  void ofOneCallersTooTheSmallOnesComeFirst() {
    ask("alice", "long", 50, 1 << 20);
    ask("alice", "hi", 1, 10);
    run();
    assertThat(done.indexOf("hi.")).isLessThan(3);
  }

  @Test
  void whoHasTooMuchWaitingIsRefusedAndNobodyElse() {
    List<Throwable> refused = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      work.ask("mallory", steps("m", 1, 1000)).subscribe(null, refused::add);
    }
    assertThat(refused)
        .hasSize(200 - 64)
        .allSatisfy(error -> assertThat(code(error)).isEqualTo(ProblemCode.QUOTA_EXCEEDED));
    ask("alice", "hi", 1, 10);
    run();
    assertThat(done).contains("hi.");
    // By bytes as well; one is always taken.
    refused.clear();
    for (int i = 0; i < 5; i++) {
      work.ask("mallory", steps("m", 1, 8 << 20)).subscribe(null, refused::add);
    }
    assertThat(refused).hasSize(3);
    run();
  }

  @Test
  void whatAllHaveWaitingIsBoundedToo() {
    List<Throwable> refused = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      work.ask("user" + i, steps("m", 1, 8 << 20)).subscribe(null, refused::add);
    }
    assertThat(refused)
        .hasSize(2)
        .allSatisfy(error -> assertThat(code(error)).isEqualTo(ProblemCode.OVERLOADED));
    // What is paid for is counted in any case.
    work.must("user99", steps("paid", 1, 8 << 20)).subscribe();
    run();
    assertThat(done).contains("paid.");
  }

  @Test
  void whoHangsUpAndWhatFailsLeavesNothingBehind() {
    Mono<String> gone = work.ask("alice", steps("gone", 100, 10));
    gone.subscribe().dispose();
    List<Throwable> failures = new ArrayList<>();
    work.<String>ask(
            "alice",
            () ->
                new Steps("bad", 1, 1) {
                  @Override
                  public boolean step() {
                    throw new IllegalStateException("bad");
                  }
                })
        .subscribe(null, failures::add);
    ask("alice", "hi", 1, 10);
    run();
    assertThat(failures).hasSize(1);
    assertThat(done).doesNotContain("gone.").contains("hi.");
    assertThat(work.size()).isZero();
  }

  private void ask(String caller, String name, int steps, long weight) {
    work.ask(caller, steps(name, steps, weight)).subscribe();
  }

  private Supplier<FairWork.Steps<String>> steps(String name, int steps, long weight) {
    return () -> new Steps(name, steps, weight);
  }

  private void run() {
    Runnable task = tasks.poll();
    while (task != null) {
      task.run();
      task = tasks.poll();
    }
  }

  private static ProblemCode code(Throwable error) {
    return ((ProblemException) error).problem().code();
  }

  private class Steps implements FairWork.Steps<String> {
    private final String name;
    private final long weight;
    private int left;

    Steps(String name, int steps, long weight) {
      this.name = name;
      this.left = steps;
      this.weight = weight;
    }

    @Override
    public boolean step() {
      boolean last = --left == 0;
      done.add(last ? name + "." : name);
      return last;
    }

    @Override
    public String result() {
      return name;
    }

    @Override
    public long weight() {
      return weight;
    }
  }
}
