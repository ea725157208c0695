package io.heddle.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.live.Frame;
import io.heddle.live.FrameSink;
import io.heddle.session.Turn;
import io.heddle.turn.ModelEvent;
import io.heddle.turn.TurnEvent;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.Executor;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;
import reactor.core.publisher.Flux;
import reactor.test.publisher.TestPublisher;
import reactor.test.scheduler.VirtualTimeScheduler;

/** A turn's events to one connection, whose room and thread the test turns by hand. */
@Isolated("Its virtual time is that of all schedulers of the JVM.")
class TurnStreamTest {

  private static final SessionKey KEY = new SessionKey(Tenant.DEFAULT, "s");
  private static final Turn RUNNING =
      TurnAnswersTest.turn(Turn.Status.RUNNING, Turn.Cancel.NONE, null, 0);
  private static final Turn ENDED =
      TurnAnswersTest.turn(Turn.Status.COMPLETED, Turn.Cancel.NONE, "{'finishReason':'stop'}", 0);

  private final Tap tap = new Tap();
  private boolean runsHere;
  private final List<Long> asked = new ArrayList<>();
  private final Queue<Flux<TurnEvent>> answers = new ArrayDeque<>();

  /** A connection that keeps what it is given. */
  private static final class Tap implements FrameSink {
    private final List<Frame> frames = new ArrayList<>();
    private final Queue<Runnable> tasks = new ArrayDeque<>();
    private int room = Integer.MAX_VALUE;
    private int flushes;
    private int ends;

    @Override
    public Executor loop() {
      return tasks::add;
    }

    @Override
    public boolean isWritable() {
      return frames.size() < room;
    }

    @Override
    public void write(Frame frame) {
      frames.add(frame);
    }

    @Override
    public void flush() {
      flushes++;
    }

    void run() {
      for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
        task.run();
      }
    }

    List<String> ids() {
      return frames.stream().map(Frame::eventId).filter(id -> id != null).toList();
    }

    List<String> types() {
      return frames.stream().map(Frame::type).toList();
    }
  }

  private TurnStream open(long after) {
    TurnStream stream =
        new TurnStream(
            KEY,
            RUNNING.id(),
            seq -> {
              asked.add(seq);
              Flux<TurnEvent> answer = answers.poll();
              return answer == null ? log(seq) : answer;
            },
            after,
            () -> runsHere);
    stream.opened(tap, () -> tap.ends++);
    tap.run();
    return stream;
  }

  private static TurnEvent delta(long seq) {
    return new TurnEvent.Delta(seq, new ModelEvent.Text("x"));
  }

  private static TurnEvent end() {
    return new TurnEvent.Ended(ENDED, List.of());
  }

  /** All of a turn of 1000 events that has ended, as it is told from a seq on. */
  private static Flux<TurnEvent> log(long after) {
    return Flux.fromStream(
        Stream.of(
                Stream.<TurnEvent>of(new TurnEvent.Started(RUNNING)),
                LongStream.rangeClosed(Math.max(0, after) + 1, 1000)
                    .mapToObj(TurnStreamTest::delta),
                Stream.of(end()))
            .flatMap(events -> events));
  }

  private static List<String> seqs(long from, long to) {
    return LongStream.rangeClosed(from, to).mapToObj(Long::toString).toList();
  }

  @Test
  void allOfATurnInOrderAndThenTheEndOfTheStream() {
    open(0);
    assertThat(asked).containsExactly(0L);
    assertThat(tap.ids()).isEqualTo(seqs(1, 1001));
    assertThat(tap.types()).startsWith("turn.started").endsWith("turn.completed");
    assertThat(tap.ends).isEqualTo(1);
    assertThat(tap.flushes).isLessThan(20);
  }

  @Test
  void aSlowClientIsReadForAgainFromWhereItIs() {
    tap.room = 100;
    TurnStream stream = open(0);
    assertThat(tap.frames).hasSize(100);
    while (tap.ends == 0) {
      tap.room += 100;
      stream.drained();
      tap.run();
    }
    assertThat(tap.ids()).isEqualTo(seqs(1, 1001));
    assertThat(tap.types()).containsOnlyOnce("turn.started", "turn.completed");
    assertThat(asked).startsWith(0L, 99L, 199L);
    assertThat(tap.ends).isEqualTo(1);
  }

  @Test
  void whileThereIsNoRoomNothingIsFollowed() {
    TestPublisher<TurnEvent> events = TestPublisher.create();
    answers.add(events.flux());
    TurnStream stream = open(0);
    events.next(new TurnEvent.Started(RUNNING), delta(1));
    tap.run();
    tap.room = 2;
    events.next(delta(2));
    tap.run();
    events.assertCancelled();
    assertThat(asked).containsExactly(0L);
    tap.room = Integer.MAX_VALUE;
    stream.drained();
    tap.run();
    assertThat(asked).containsExactly(0L, 1L);
    assertThat(tap.ids()).isEqualTo(seqs(1, 1001));
  }

  @Test
  void whoBeginsWithTheTextSoFarGoesOnBehindIt() {
    answers.add(
        Flux.just(
            new TurnEvent.Started(RUNNING),
            new TurnEvent.SoFar(997, new TurnEvent.Said("abc", "", "", List.of())),
            delta(998)));
    tap.room = 2;
    TurnStream stream = open(-1);
    tap.room = Integer.MAX_VALUE;
    stream.drained();
    tap.run();
    assertThat(asked).containsExactly(-1L, 997L);
    assertThat(tap.types())
        .containsExactly(
            "turn.started",
            "turn.text",
            "turn.delta",
            "turn.delta",
            "turn.delta",
            "turn.completed");
  }

  @Test
  void aPlaceInTheQueueIsToldWhenItChanges() {
    answers.add(
        Flux.just(
            new TurnEvent.Queued(2),
            new TurnEvent.Queued(2),
            new TurnEvent.Queued(1),
            new TurnEvent.Started(RUNNING),
            end()));
    open(0);
    assertThat(tap.types())
        .containsExactly("turn.queued", "turn.queued", "turn.started", "turn.completed");
  }

  @Test
  void whoHangsUpFollowsNoMore() {
    TestPublisher<TurnEvent> events = TestPublisher.create();
    answers.add(events.flux());
    TurnStream stream = open(0);
    stream.closed();
    events.assertCancelled();
    stream.drained();
    tap.run();
    assertThat(asked).hasSize(1);
    assertThat(tap.frames).isEmpty();
  }

  @Test
  void anOutageOfTheStoreIsWaitedOut() {
    VirtualTimeScheduler time = VirtualTimeScheduler.getOrSet();
    try {
      answers.add(
          Flux.concat(
              Flux.just(new TurnEvent.Started(RUNNING), delta(1), delta(2)),
              Flux.error(Problem.of(ProblemCode.STORE_UNAVAILABLE, "away").toException())));
      answers.add(Flux.error(Problem.of(ProblemCode.STORE_UNAVAILABLE, "away").toException()));
      open(0);
      assertThat(tap.ids()).isEqualTo(seqs(1, 2));
      for (int i = 0; i < 3; i++) {
        time.advanceTimeBy(java.time.Duration.ofSeconds(1));
        tap.run();
      }
      assertThat(asked).containsExactly(0L, 2L, 2L);
      assertThat(tap.ids()).isEqualTo(seqs(1, 1001));
      assertThat(tap.ends).isEqualTo(1);
    } finally {
      VirtualTimeScheduler.reset();
    }
  }

  /** Sent away between the end of the turn and its telling, the client would miss the answer. */
  @Test
  void aStreamEndsHereUntilItsTurnHasNotRunHereForALook() {
    answers.add(Flux.never());
    TurnStream stream = open(0);
    runsHere = true;
    assertThat(stream.endsHere()).isTrue();
    runsHere = false;
    assertThat(stream.endsHere()).isTrue();
    assertThat(stream.endsHere()).isFalse();
  }

  @Test
  void aTurnThatIsNotThereAnyMoreEndsTheStream() {
    answers.add(Flux.error(Problem.of(ProblemCode.TURN_NOT_FOUND, "gone").toException()));
    open(0);
    assertThat(tap.frames).isEmpty();
    assertThat(tap.ends).isEqualTo(1);
  }
}
