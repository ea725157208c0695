package io.heddle.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.IdSource;
import io.heddle.base.RandomIds;
import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.json.Json;
import io.heddle.session.Message;
import io.heddle.session.NewMessage;
import io.heddle.session.NewTurn;
import io.heddle.session.OnBusy;
import io.heddle.session.Outcome;
import io.heddle.session.Turn;
import io.heddle.session.TurnAttempt;
import io.heddle.session.TurnId;
import io.heddle.session.TurnLog.Flushed;
import io.heddle.session.TurnLog.Recorded;
import io.heddle.session.Write;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.stream.LongStream;
import org.awaitility.Awaitility;

/**
 * Turns in a process that is killed, each with another one waiting behind it. What was answered is
 * a line {@code turn <id> <last seq>}, {@code turn <id> queued} or {@code turn <id> ended} on the
 * standard output.
 */
final class KilledTurns {

  static final int SESSIONS = 3;

  private static final Duration LEASE = Duration.ofSeconds(1);
  private static final int FLUSHES = 30;
  private static final int BATCH = 3;
  private static final Json END = Json.of("{\"finishReason\":\"stop\"}");

  private final Map<String, Long> flushed = new HashMap<>();
  private final Set<String> queued = new HashSet<>();
  private final Set<String> ended = new HashSet<>();
  private long flushes;

  private static SessionKey session(int number) {
    return new SessionKey(Tenant.DEFAULT, "talks-" + number);
  }

  // In the process that is killed

  static void talk(EmbeddedEngine engine, int number, BooleanSupplier goOn) {
    IdSource ids = new RandomIds(InstantSource.system());
    SessionKey key = session(number);
    KilledClients.write(engine, key, new Write.Create(KilledClients.DESCRIPTION, List.of()), null);
    List<String> waiting = new ArrayList<>();
    for (Turn left : engine.turnLog().list(key, null).block()) {
      switch (left.status()) {
        case RUNNING -> reap(engine, key, left);
        case QUEUED -> waiting.add(left.id());
        default -> {}
      }
    }
    while (goOn.getAsBoolean()) {
      waiting.add(begin(engine, ids, key));
      String turn = waiting.removeFirst();
      if (!turn.equals(running(engine, key))) {
        applied(engine, key, new Write.NextTurn(turn, LEASE));
      }
      waiting.add(begin(engine, ids, key));
      System.out.println("turn " + waiting.getLast() + " queued");
      speak(engine, key, turn);
    }
  }

  private static String begin(EmbeddedEngine engine, IdSource ids, SessionKey key) {
    String id = TurnId.next(ids, key).toString();
    NewTurn turn =
        new NewTurn(
            id, null, Json.EMPTY_OBJECT, List.of(says("ask " + id)), LEASE, Duration.ofHours(1));
    applied(engine, key, new Write.BeginTurn(turn, OnBusy.ENQUEUE, Integer.MAX_VALUE));
    return id;
  }

  private static String running(EmbeddedEngine engine, SessionKey key) {
    return EmbeddedEngineTest.load(engine, key).session().head().activeTurn();
  }

  private static void speak(EmbeddedEngine engine, SessionKey key, String turn) {
    TurnAttempt attempt = new TurnAttempt(turn, 1);
    long last = 0;
    for (int i = 0; i < FLUSHES; i++) {
      Flushed kept =
          engine.turnLog().flush(key, attempt, last, events(last + 1, last + BATCH), LEASE).block();
      last += BATCH;
      if (!new Flushed.Kept(last, Turn.Cancel.NONE).equals(kept)) {
        throw new IllegalStateException(String.valueOf(kept));
      }
      System.out.println("turn " + turn + " " + last);
    }
    applied(
        engine,
        key,
        new Write.EndTurn(
            attempt,
            Turn.Status.COMPLETED,
            List.of(says("answer " + turn)),
            END,
            List.of(),
            false));
    System.out.println("turn " + turn + " ended");
  }

  private static void applied(EmbeddedEngine engine, SessionKey key, Write write) {
    Outcome outcome = KilledClients.write(engine, key, write, null);
    if (!(outcome instanceof Outcome.Applied)) {
      throw new IllegalStateException(outcome.toString());
    }
  }

  private static NewMessage says(String text) {
    return new NewMessage(null, Json.of("{\"role\":\"user\",\"content\":\"" + text + "\"}"));
  }

  private static List<Json> events(long from, long to) {
    return LongStream.rangeClosed(from, to)
        .mapToObj(seq -> Json.of("{\"text\":\"" + seq + "\"}"))
        .toList();
  }

  /** Ends a turn of a process that is gone: nothing but the clock says that it is. */
  private static void reap(EmbeddedEngine engine, SessionKey key, Turn turn) {
    Write end =
        new Write.EndTurn(
            new TurnAttempt(turn.id(), turn.attempt()),
            Turn.Status.INCOMPLETE,
            List.of(says("reaped " + turn.id())),
            END,
            List.of(),
            true);
    Awaitility.await()
        .atMost(Duration.ofSeconds(10))
        .pollInterval(Duration.ofMillis(20))
        .until(() -> KilledClients.write(engine, key, end, null) instanceof Outcome.Applied);
  }

  // In the test

  /** Whether the line was one of these. */
  boolean note(String line) {
    String[] words = line.split(" ", -1);
    if (!words[0].equals("turn")) {
      return false;
    }
    // A line that the kill has cut short says nothing.
    if (words.length == 3) {
      switch (words[2]) {
        case "queued" -> queued.add(words[1]);
        case "ended" -> ended.add(words[1]);
        default -> {
          if (words[2].matches("[0-9]+")) {
            flushed.merge(words[1], Long.parseLong(words[2]), Math::max);
            flushes++;
          }
        }
      }
    }
    return true;
  }

  long flushes() {
    return flushes;
  }

  int ends() {
    return ended.size();
  }

  void check(EmbeddedEngine engine) {
    flushed.forEach((turn, last) -> {
      Recorded read = read(engine, turn, 1000);
      assertThat(read.last()).isGreaterThanOrEqualTo(last);
      assertThat(read.last() % BATCH).as("each flush whole").isZero();
      assertThat(read.events()).isEqualTo(events(1, read.last()));
    });
    for (String turn : ended) {
      Turn record = read(engine, turn, 0).turn();
      assertThat(record.status()).isEqualTo(Turn.Status.COMPLETED);
      assertThat(record.output()).hasSize(1);
    }
    queued.forEach(turn -> assertThat(read(engine, turn, 0).turn().id()).isEqualTo(turn));
    for (int i = 0; i < SESSIONS; i++) {
      checkSession(engine, session(i));
    }
  }

  /** The session works again: its dead turn is due and is ended, and the next one starts. */
  private static void checkSession(EmbeddedEngine engine, SessionKey key) {
    List<Turn> turns = engine.turnLog().list(key, null).block();
    List<Turn> running = ofStatus(turns, Turn.Status.RUNNING);
    List<Turn> waiting = ofStatus(turns, Turn.Status.QUEUED);
    assertThat(running).hasSizeLessThanOrEqualTo(1);
    if (running.isEmpty() && waiting.isEmpty()) {
      return;
    }
    Awaitility.await()
        .atMost(Duration.ofSeconds(10))
        .pollInterval(Duration.ofMillis(20))
        .until(() -> engine.turnLog().due(Duration.ZERO).collectList().block().contains(key));
    for (Turn dead : running) {
      reap(engine, key, dead);
    }
    if (!waiting.isEmpty()) {
      applied(engine, key, new Write.NextTurn(waiting.getFirst().id(), LEASE));
      assertThat(running(engine, key)).isEqualTo(waiting.getFirst().id());
    }
    List<String> contents =
        EmbeddedEngineTest.load(engine, key).messages().stream()
            .map(Message::body)
            .map(Json::toString)
            .toList();
    assertThat(contents).as("each asked once, each answered once").doesNotHaveDuplicates();
  }

  private static List<Turn> ofStatus(List<Turn> turns, Turn.Status status) {
    return turns.stream().filter(turn -> turn.status() == status).toList();
  }

  private static Recorded read(EmbeddedEngine engine, String turn, int most) {
    String session = TurnId.parse(turn).session();
    return engine
        .turnLog()
        .read(new SessionKey(Tenant.DEFAULT, session), null, turn, 0, most)
        .block();
  }
}
