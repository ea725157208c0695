package io.heddle.session.contract;

import static io.heddle.session.contract.WriteFixtures.HOUR;
import static io.heddle.session.contract.WriteFixtures.says;
import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.SessionKey;
import io.heddle.json.Json;
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
import io.heddle.session.WritePreconditions;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import reactor.core.publisher.Mono;

/** Short words for turns. */
abstract class TurnSuite extends ContractSuite {

  static final Duration LEASE = Duration.ofMinutes(1);

  /** Of an owner who dies. */
  static final Duration SHORT = Duration.ofSeconds(1);

  /** What the store's clock, in whole milliseconds, may cut off a measured time. */
  static final Duration GRAIN = Duration.ofMillis(2);

  static final int MAX_QUEUE = 5;
  static final String MODEL = "gpt-test";

  static final Json REQUEST =
      Json.of("{\"parameters\":{\"n\":12345678901234567890,\"a\":[],\"f\":1.10},\"x\":\"\u00e9\"}");

  static final Json END =
      Json.of(
          "{\"usage\":{\"totalTokens\":3,\"n\":12345678901234567890},\"finishReason\":\"stop\"}");

  static NewTurn turn(SessionKey key, NewMessage... input) {
    return turn(key, LEASE, input);
  }

  static NewTurn turn(SessionKey key, Duration lease, NewMessage... input) {
    String id = TurnId.next(IDS, key).toString();
    return new NewTurn(id, MODEL, REQUEST, List.of(input), lease, HOUR);
  }

  static Write.BeginTurn begin(NewTurn turn) {
    return begin(turn, OnBusy.ENQUEUE);
  }

  static Write.BeginTurn begin(NewTurn turn, OnBusy onBusy) {
    return new Write.BeginTurn(turn, onBusy, MAX_QUEUE);
  }

  static TurnAttempt first(String turn) {
    return new TurnAttempt(turn, 1);
  }

  static Write.EndTurn end(String turn, NewMessage... output) {
    return end(first(turn), Turn.Status.COMPLETED, output);
  }

  static Write.EndTurn end(TurnAttempt attempt, Turn.Status status, NewMessage... output) {
    return new Write.EndTurn(attempt, status, List.of(output), END, List.of(), false);
  }

  /** What a reaper writes. */
  static Write.EndTurn reap(String turn, NewMessage... output) {
    return new Write.EndTurn(
        first(turn), Turn.Status.INCOMPLETE, List.of(output), END, List.of(), true);
  }

  static Write.NextTurn next(String turn) {
    return new Write.NextTurn(turn, LEASE);
  }

  static Write.CancelTurn cancel(String turn) {
    return new Write.CancelTurn(turn, Turn.Cancel.KEEP, END);
  }

  static NewMessage answers(String text) {
    return new NewMessage(
        null,
        Json.of("{\"role\":\"assistant\",\"content\":\"" + text + "\",\"status\":\"completed\"}"));
  }

  /** A turn that runs, of a long lease. */
  String started(SessionKey key, NewMessage... input) {
    return started(key, LEASE, input);
  }

  String started(SessionKey key, Duration lease, NewMessage... input) {
    NewTurn turn = turn(key, lease, input);
    assertThat(applied(key, begin(turn)).head().activeTurn()).isEqualTo(turn.id());
    return turn.id();
  }

  /** A turn that waits. */
  String queued(SessionKey key, NewMessage... input) {
    NewTurn turn = turn(key, input);
    assertThat(applied(key, begin(turn)).head().activeTurn()).isNotEqualTo(turn.id());
    return turn.id();
  }

  Recorded recorded(SessionKey key, String turn, long after, int most) {
    return get(engine().turnLog().read(key, null, turn, after, most));
  }

  Turn record(SessionKey key, String turn) {
    return recorded(key, turn, 0, 0).turn();
  }

  List<Turn> list(SessionKey key) {
    return get(engine().turnLog().list(key, null));
  }

  /** The waiting ones, as the list tells them. */
  List<String> waiting(SessionKey key) {
    return list(key).stream()
        .filter(turn -> turn.status() == Turn.Status.QUEUED)
        .map(Turn::id)
        .toList();
  }

  static List<Json> events(int from, int to) {
    return IntStream.rangeClosed(from, to)
        .mapToObj(i -> Json.of("{\"text\":\"\u00e9 " + i + "\"}"))
        .toList();
  }

  Mono<Flushed> flush(SessionKey key, TurnAttempt attempt, long after, List<Json> events) {
    return engine().turnLog().flush(key, attempt, after, events, LEASE);
  }

  Flushed flushed(SessionKey key, String turn, long after, List<Json> events) {
    return get(flush(key, first(turn), after, events));
  }

  static Flushed.Kept kept(long last) {
    return new Flushed.Kept(last, Turn.Cancel.NONE);
  }

  static Flushed lost() {
    return new Flushed.Lost();
  }

  Mono<Outcome> sent(SessionKey key, Write write) {
    return engine().writer().apply(key, write, WritePreconditions.NONE);
  }

  /** What whoever looks after turns is shown. */
  List<SessionKey> due() {
    return get(engine().turnLog().due(Duration.ZERO).collectList());
  }

  /** A session of {@code someone} with one message. */
  SessionKey plain() {
    SessionKey key = newKey();
    create(key, "someone", HOUR, says("first", "1"));
    return key;
  }
}
