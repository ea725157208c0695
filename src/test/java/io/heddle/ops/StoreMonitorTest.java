package io.heddle.ops;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.engine.StoreProbe;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;
import reactor.test.scheduler.VirtualTimeScheduler;

/**
 * Redis was away for two minutes and forty seconds. The log had 3,589 lines of it, and none that
 * said that it was over.
 */
class StoreMonitorTest {

  private final VirtualTimeScheduler time = VirtualTimeScheduler.create();
  private final AtomicReference<Mono<StoreProbe.Look>> look = new AtomicReference<>(working(100));
  private final AtomicReference<@Nullable String> deafness = new AtomicReference<>();
  private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
  private final ListAppender<ILoggingEvent> lines = new ListAppender<>();
  private final Logger logger = (Logger) LoggerFactory.getLogger(StoreMonitor.class);
  private boolean started = true;
  private Mono<Long> sessions = Mono.just(7L);
  private final StoreMonitor monitor =
      new StoreMonitor(
          new StoreProbe() {
            @Override
            public String name() {
              return "redis";
            }

            @Override
            public boolean isReady() {
              return started;
            }

            @Override
            public Mono<Long> sessions() {
              return sessions;
            }

            @Override
            public Mono<Look> look() {
              return look.get();
            }
          },
          deafness::get,
          time);

  @BeforeEach
  void listen() {
    lines.start();
    logger.addAppender(lines);
    monitor.bindTo(meters);
  }

  @AfterEach
  void stop() {
    monitor.close();
    logger.detachAppender(lines);
  }

  @Test
  void anOutageIsOneLineAtItsBeginningAndOneAtItsEnd() {
    after(5);
    assertThat(value("heddle.store.up")).isEqualTo(1);
    look.set(Mono.error(Problem.of(ProblemCode.STORE_UNAVAILABLE, "Redis is gone").toException()));
    after(160);
    assertThat(value("heddle.store.up")).isZero();
    look.set(working(100));
    after(30);

    assertThat(value("heddle.store.up")).isEqualTo(1);
    assertThat(told())
        .satisfiesExactly(
            line ->
                assertThat(line).startsWith("WARN").contains("does not answer", "Redis is gone"),
            line -> assertThat(line).startsWith("INFO").contains("answers again"));
  }

  @Test
  void aSilentStoreIsAnOutageToo() {
    look.set(Mono.never());
    after(10);

    assertThat(value("heddle.store.up")).isZero();
    assertThat(told()).singleElement().asString().contains("no answer within 1000 ms");
  }

  @Test
  void oneLateAnswerIsNoOutage() {
    after(3);
    for (int i = 0; i < 20; i++) {
      look.set(Mono.error(new IllegalStateException("busy")));
      after(1);
      look.set(working(100));
      after(1);
    }

    assertThat(told()).isEmpty();
    assertThat(value("heddle.store.up")).isEqualTo(1);
  }

  @Test
  void aStoreThatHasNotStartedIsNotAway() {
    started = false;
    look.set(Mono.error(new IllegalStateException("no")));
    after(20);

    assertThat(told()).isEmpty();
    assertThat(value("heddle.store.up")).isZero();
  }

  @Test
  void theMetersFollowTheStore() {
    after(2);
    assertThat(value("heddle.store.memory.used")).isEqualTo(100);
    assertThat(value("heddle.store.memory.max")).isEqualTo(1000);
    assertThat(value("heddle.store.sessions")).isEqualTo(7);
    assertThat(meters.get("heddle.store.latency").timer().count()).isEqualTo(2);

    look.set(working(300));
    sessions = Mono.error(new IllegalStateException("one partition is away"));
    after(31);
    assertThat(value("heddle.store.memory.used")).isEqualTo(300);
    assertThat(value("heddle.store.sessions")).isEqualTo(7);
    sessions = Mono.just(9L);
    after(31);
    assertThat(value("heddle.store.sessions")).isEqualTo(9);
    assertThat(told()).isEmpty();
  }

  @Test
  void changesThatDoNotArriveAreToldOnceWhileTheStoreAnswers() {
    deafness.set("the link is silent");
    after(60);
    deafness.set(null);
    after(10);

    assertThat(told())
        .satisfiesExactly(
            line -> assertThat(line).startsWith("WARN").contains("do not arrive", "silent"),
            line -> assertThat(line).startsWith("INFO").contains("arrive again"));
  }

  private void after(int seconds) {
    time.advanceTimeBy(Duration.ofSeconds(seconds));
  }

  private double value(String gauge) {
    return meters.get(gauge).gauge().value();
  }

  private List<String> told() {
    return lines.list.stream()
        .filter(event -> event.getLevel().isGreaterOrEqual(Level.INFO))
        .map(event -> event.getLevel() + " " + event.getFormattedMessage())
        .toList();
  }

  private static Mono<StoreProbe.Look> working(long used) {
    return Mono.just(new StoreProbe.Look(Map.of("usedMemory", used, "maxMemory", 1000L), null));
  }
}
