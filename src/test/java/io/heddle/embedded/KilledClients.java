package io.heddle.embedded;

import io.heddle.base.RandomIds;
import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.json.Json;
import io.heddle.session.IdempotentRequest;
import io.heddle.session.NewMessage;
import io.heddle.session.Outcome;
import io.heddle.session.SessionAttributes;
import io.heddle.session.StoreLimits;
import io.heddle.session.Write;
import io.heddle.session.WritePreconditions;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.springframework.util.unit.DataSize;

/**
 * Clients that append until their process is killed, or as often as they are told; each append that
 * was answered is a line {@code session message} on the standard output. Arguments: file, run,
 * appends, slack of the compaction in bytes. In between they save states, and delete and create
 * sessions of which they do not tell, so that the file has holes to fill. Beside them models speak,
 * as {@link KilledTurns} tells.
 */
final class KilledClients {

  static final int SESSIONS = 40;
  private static final int CLIENTS = 16;

  static final SessionAttributes DESCRIPTION =
      new SessionAttributes(
          "ann",
          null,
          Json.EMPTY_OBJECT,
          null,
          null,
          SessionAttributes.Status.ACTIVE,
          Duration.ofDays(1));

  private KilledClients() {}

  static SessionKey session(int number) {
    return new SessionKey(Tenant.DEFAULT, "kept-" + number);
  }

  public static void main(String[] args) throws InterruptedException {
    String run = args[1];
    int appends = Integer.parseInt(args[2]);
    InstantSource clock = InstantSource.system();
    EmbeddedProperties properties =
        new EmbeddedProperties(
            args[0],
            EmbeddedProperties.Sync.PROCESS,
            Duration.ofMillis(2),
            1000,
            DataSize.ofMegabytes(8),
            1,
            Duration.ofMillis(20),
            EmbeddedProperties.OnDamage.STOP,
            DataSize.ofMegabytes(1));
    EmbeddedEngine engine =
        EmbeddedEngine.open(
            properties,
            StoreLimits.DEFAULT,
            clock,
            new RandomIds(clock),
            new Compaction(Long.parseLong(args[3])));
    for (int i = 0; i < SESSIONS; i++) {
      write(engine, session(i), new Write.Create(DESCRIPTION, List.of()), null);
    }
    AtomicInteger left = new AtomicInteger(appends);
    List<Thread> clients =
        IntStream.range(0, CLIENTS)
            .mapToObj(client -> Thread.ofPlatform().start(() -> client(engine, run, client, left)))
            .toList();
    List<Thread> talkers =
        IntStream.range(0, KilledTurns.SESSIONS)
            .mapToObj(i ->
                Thread.ofPlatform().start(() -> KilledTurns.talk(engine, i, () -> left.get() > 0)))
            .toList();
    for (Thread client : clients) {
      client.join();
    }
    for (Thread talker : talkers) {
      talker.join();
    }
    System.out.println("done");
    // Whoever started it looks at the file while the engine is idle, and then kills it too.
    Thread.currentThread().join();
  }

  private static void client(EmbeddedEngine engine, String run, int client, AtomicInteger left) {
    ThreadLocalRandom random = ThreadLocalRandom.current();
    for (int i = 0; left.getAndDecrement() > 0; i++) {
      SessionKey session = session(random.nextInt(SESSIONS));
      String id = run + "-" + client + "-" + i;
      Json body =
          Json.of(
              "{\"role\":\"user\",\"status\":\"completed\",\"content\":\""
                  + "x".repeat(251)
                  + "\"}");
      Write append = new Write.Append(List.of(new NewMessage(id, body)));
      Outcome outcome = write(engine, session, append, new IdempotentRequest(id, "body of " + id));
      if (outcome instanceof Outcome.Applied) {
        System.out.println(session.id() + " " + id);
      } else {
        throw new IllegalStateException(outcome.toString());
      }
      if (i % 20 == 0) {
        String state = "{\"state\":\"" + "y".repeat(2000) + "\"}";
        write(engine, session, new Write.SaveState(Json.of(state)), null);
        SessionKey other = new SessionKey(Tenant.DEFAULT, "other-" + random.nextInt(10));
        write(engine, other, new Write.Delete(), null);
        write(
            engine,
            other,
            new Write.Create(DESCRIPTION, List.of(new NewMessage(null, Json.of(state)))),
            null);
      }
    }
  }

  static Outcome write(
      EmbeddedEngine engine, SessionKey session, Write write, IdempotentRequest retry) {
    return engine.writer().apply(session, write, WritePreconditions.NONE.withRetry(retry)).block();
  }
}
