package io.heddle.embedded;

import io.heddle.base.Json;
import io.heddle.base.RandomIds;
import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.session.NewMessage;
import io.heddle.session.Outcome;
import io.heddle.session.SessionAttributes;
import io.heddle.session.StoreLimits;
import io.heddle.session.Write;
import io.heddle.session.WritePreconditions;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.stream.IntStream;
import reactor.core.publisher.Flux;

/**
 * Measures appends of 300-byte messages, in a process of its own, and prints one line: appends a
 * second. Arguments: the file or an empty one for RAM, process or disk, sessions, clients, appends.
 * As many appends come before, unmeasured.
 */
final class AppendsPerSecond {

  private AppendsPerSecond() {}

  public static void main(String[] args) throws IOException {
    String path = args[0];
    EmbeddedProperties usual = EmbeddedProperties.at(path);
    EmbeddedProperties properties =
        new EmbeddedProperties(
            path,
            EmbeddedProperties.Sync.valueOf(args[1]),
            usual.commitDelay(),
            usual.queue(),
            usual.cache(),
            usual.readThreads(),
            usual.sweepEvery(),
            usual.onDamage(),
            usual.answers());
    int sessions = Integer.parseInt(args[2]);
    int clients = Integer.parseInt(args[3]);
    int appends = Integer.parseInt(args[4]);
    InstantSource clock = InstantSource.system();
    long body = 0;
    try (EmbeddedEngine engine =
        EmbeddedEngine.open(properties, StoreLimits.DEFAULT, clock, new RandomIds(clock))) {
      List<SessionKey> keys =
          IntStream.range(0, sessions)
              .mapToObj(i -> new SessionKey(Tenant.DEFAULT, "session-" + i))
              .toList();
      SessionAttributes description =
          new SessionAttributes(
              "ann",
              null,
              Json.EMPTY_OBJECT,
              null,
              null,
              SessionAttributes.Status.ACTIVE,
              Duration.ofDays(1));
      Flux.fromIterable(keys)
          .flatMap(key ->
              engine
                  .writer()
                  .apply(key, new Write.Create(description, List.of()), WritePreconditions.NONE))
          .blockLast();
      run(engine, keys, clients, appends);
      long cpu = cpuNanos();
      long start = System.nanoTime();
      run(engine, keys, clients, appends);
      long nanos = System.nanoTime() - start;
      System.err.println("CPU ms " + (cpuNanos() - cpu) / 1_000_000);
      body = 2L * appends * 300;
      System.out.println(Math.round(appends * 1e9 / nanos));
    }
    if (!path.isEmpty()) {
      System.err.println(
          "messages " + body / 1024 + " KiB, file " + Files.size(Path.of(path)) / 1024 + " KiB");
    }
  }

  private static long cpuNanos() {
    return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
        .getProcessCpuTime();
  }

  /** Each client appends its next message when the one before is answered. */
  private static void run(EmbeddedEngine engine, List<SessionKey> keys, int clients, int appends) {
    Json body =
        Json.of(
            "{\"role\":\"user\",\"status\":\"completed\",\"content\":\"" + "x".repeat(251) + "\"}");
    Write.Append append = new Write.Append(List.of(new NewMessage(null, body)));
    Flux.range(0, clients)
        .flatMap(
            client ->
                Flux.range(0, appends / clients)
                    .concatMap(i ->
                        engine
                            .writer()
                            .apply(
                                keys.get((client + i * clients) % keys.size()),
                                append,
                                WritePreconditions.NONE)
                            .filter(outcome -> !(outcome instanceof Outcome.Applied))
                            .doOnNext(outcome -> {
                              throw new IllegalStateException(outcome.toString());
                            })),
            clients)
        .blockLast();
  }
}
