package io.heddle.session.contract;

import static io.heddle.session.contract.WriteFixtures.append;
import static io.heddle.session.contract.WriteFixtures.described;
import static io.heddle.session.contract.WriteFixtures.says;
import static io.heddle.session.contract.WriteFixtures.sized;
import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Position;
import io.heddle.base.SessionKey;
import io.heddle.json.Json;
import io.heddle.nearcache.Coherence;
import io.heddle.nearcache.CoherenceProperties;
import io.heddle.nearcache.NearCache;
import io.heddle.session.Change;
import io.heddle.session.NewTurn;
import io.heddle.session.PageRequest;
import io.heddle.session.ReadContext;
import io.heddle.session.ThreadPage;
import io.heddle.session.ThreadPage.Origin;
import io.heddle.session.Turn;
import io.heddle.session.Write;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.util.unit.DataSize;
import reactor.core.Disposable;

/** What the near cache answers on an engine's own feed is what the engine answers, to the byte. */
abstract class NearCacheContract extends ContractSuite {

  private static final List<PageRequest> PAGES =
      List.of(
          PageRequest.last(4),
          PageRequest.forward(4, null),
          PageRequest.backward(4, null),
          PageRequest.last(50),
          PageRequest.forward(50, null),
          PageRequest.last(1));

  private final Coherence coherence = new Coherence();
  private Disposable listening;
  private NearCache near;

  @BeforeEach
  void listen() {
    listening = engine().feed().listen(coherence);
    near =
        new NearCache(
            engine().reader(),
            coherence,
            new CoherenceProperties(true, DataSize.ofMegabytes(8), Duration.ofSeconds(30), 8));
  }

  @AfterEach
  void stop() {
    listening.dispose();
  }

  @Test
  void afterEveryWriteItAnswersWhatTheStoreAnswers() {
    SessionKey key = newKey();
    create(key, "ann", Duration.ofHours(1));
    await().until(() -> coherence.isTrusted(key));
    same(key, position(key));
    Random random = new Random(7);
    int id = 0;
    for (int i = 0; i < 30; i++) {
      Write write =
          switch (random.nextInt(8)) {
            case 0 -> append(says("m" + id++, "one"), says(null, "\u00e9\u4e16"), says("three"));
            case 1 -> append(sized(null, Change.MAX_PUBLISHED_BYTES));
            case 2 -> new Write.Update(described("ann", Duration.ofHours(1 + random.nextInt(5))));
            case 3 -> new Write.SaveState(Json.of("{\"i\":" + i + "}"));
            case 4 -> new Write.TruncateThread(null);
            default -> append(says("m" + id++, "text " + i));
          };
      same(key, applied(key, write).head().position());
    }
  }

  /** What an append told is enough, so those who watch a thread do not read it after each one. */
  @Test
  void anAppendIsAddedToWhatIsRemembered() {
    SessionKey key = newKey();
    create(key, "ann", Duration.ofHours(1), says("first"));
    await().until(() -> coherence.isTrusted(key));
    Position last = position(key);
    for (int i = 0; i < 6; i++) {
      same(key, last);
      Position appended = applied(key, append(says("text " + i), says("more"))).head().position();
      await().until(() -> near(key, PAGES.getFirst()).session().position().equals(appended));
      for (PageRequest page : PAGES) {
        assertThat(near(key, page).origin()).as(page.toString()).isEqualTo(Origin.HIT);
      }
      last = appended;
    }
    same(key, last);
    assertThat(near.misses()).isEqualTo(PAGES.size());
  }

  /** Which turn runs is no member of a change's counters. */
  @Test
  void aTurnIsSeenWhileItRunsAndNotAfterwards() {
    SessionKey key = newKey();
    create(key, "ann", Duration.ofHours(1), says("first"));
    await().until(() -> coherence.isTrusted(key));
    same(key, position(key));
    NewTurn turn = TurnSuite.turn(key, says("asked", "2"), says("3"));
    NewTurn waits = TurnSuite.turn(key, says("4"));
    for (Write write :
        List.of(
            TurnSuite.begin(turn),
            append(says("meanwhile")),
            TurnSuite.begin(waits),
            new Write.EndTurn(
                TurnSuite.first(turn.id()),
                Turn.Status.INCOMPLETE,
                List.of(TurnSuite.answers("5"), TurnSuite.answers("6")),
                TurnSuite.END,
                List.of("asked"),
                false),
            TurnSuite.next(waits.id()),
            TurnSuite.end(waits.id(), TurnSuite.answers("7")))) {
      same(key, applied(key, write).head().position());
    }
  }

  private void same(SessionKey key, Position position) {
    for (PageRequest page : PAGES) {
      await().until(() -> near(key, page).session().position().equals(position));
      ThreadPage ours = near(key, page);
      ThreadPage stored = get(engine().reader().load(key, ReadContext.ANY, page));
      assertThat(text(ours.json())).as(page.toString()).isEqualTo(text(stored.json()));
      assertThat(text(ours.sessionJson())).isEqualTo(text(stored.sessionJson()));
      assertThat(ours.session()).isEqualTo(stored.session());
      assertThat(Duration.ofNanos(ours.endsAt() - stored.endsAt()).abs())
          .isLessThan(Duration.ofSeconds(1));
    }
  }

  private ThreadPage near(SessionKey key, PageRequest page) {
    return get(near.load(key, ReadContext.ANY, page));
  }

  private static String text(byte[] json) {
    return new String(json, StandardCharsets.UTF_8);
  }
}
