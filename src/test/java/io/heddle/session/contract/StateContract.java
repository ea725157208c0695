package io.heddle.session.contract;

import static io.heddle.session.contract.WriteFixtures.append;
import static io.heddle.session.contract.WriteFixtures.says;
import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Position;
import io.heddle.base.ProblemCode;
import io.heddle.base.SessionKey;
import io.heddle.json.Json;
import io.heddle.session.Checkpoint;
import io.heddle.session.CheckpointPage;
import io.heddle.session.Outcome;
import io.heddle.session.ReadContext;
import io.heddle.session.StateView;
import io.heddle.session.Write;
import io.heddle.session.WritePreconditions;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;

/** The state document, and what it was before. */
abstract class StateContract extends ContractSuite {

  @Test
  void aStateThatWasNeverSavedIsEmpty() {
    SessionKey key = newKey();
    Position created = create(key).head().position();

    StateView state = get(engine().reader().state(key, ReadContext.ANY));

    assertThat(state).isEqualTo(new StateView(created, null));
    assertThat(state.document()).isEqualTo(Json.EMPTY_OBJECT);
    assertThat(checkpoints(key, 10, null)).isEqualTo(new CheckpointPage(created, List.of(), false));
    failed(
        engine().reader().checkpoint(key, ReadContext.ANY, "latest"),
        ProblemCode.CHECKPOINT_NOT_FOUND);
    refused(
        key,
        new Write.RestoreState("latest"),
        WritePreconditions.NONE,
        ProblemCode.CHECKPOINT_NOT_FOUND);
    assertThat(position(key)).isEqualTo(created);
  }

  @Test
  void eachSaveIsTheStateAndACheckpoint() {
    SessionKey key = newKey();
    create(key);
    List<Json> documents =
        List.of(
            Json.of("{}"),
            Json.of("{\"a\":[],\"o\":{},\"n\":12345678901234567890.10,\"e\":1e400}"),
            Json.of("{\"text\":\"\\u0000 \\\" \\\\ %s \uD83E\uDDF5 \u2028\"}"),
            Json.of("{\"same\":1}"),
            Json.of("{\"same\":1}"));
    List<Checkpoint> saved = new ArrayList<>();
    for (Json document : documents) {
      Outcome.Applied applied = applied(key, new Write.SaveState(document));
      saved.addFirst(
          new Checkpoint(applied.head().position(), applied.head().updatedAt(), document));
      StateView state = get(engine().reader().state(key, ReadContext.ANY));
      assertThat(state).isEqualTo(new StateView(applied.head().position(), saved.getFirst()));
    }
    Position later = applied(key, append(says("x"))).head().position();

    assertThat(checkpoints(key, 10, null))
        .isEqualTo(
            new CheckpointPage(
                later, saved.stream().map(CheckpointPage.Saved::of).toList(), false));
    for (Checkpoint checkpoint : saved) {
      assertThat(checkpoint.id()).isEqualTo("cp_" + checkpoint.saved());
      assertThat(get(engine().reader().checkpoint(key, ReadContext.ANY, checkpoint.id())))
          .isEqualTo(new StateView(later, checkpoint));
    }
    assertThat(get(engine().reader().checkpoint(key, ReadContext.ANY, "latest")))
        .isEqualTo(new StateView(later, saved.getFirst()));
    assertThat(get(engine().reader().state(key, ReadContext.ANY)))
        .isEqualTo(new StateView(later, saved.getFirst()));
  }

  @Test
  void theThreadAndTheStateDoNotTouchEachOther() {
    SessionKey key = furnished();
    Checkpoint saved = get(engine().reader().state(key, ReadContext.ANY)).checkpoint();
    List<?> thread = thread(key);
    applied(key, new Write.SaveState(Json.of("{\"big\":\"" + "x".repeat(5000) + "\"}")));
    assertThat(thread(key)).isEqualTo(thread);
    assertThat(session(key).head().bytes())
        .isEqualTo(3L * body("1").length() + "firstsecondthird".length());
    applied(key, new Write.TruncateThread(null));
    applied(key, new Write.RestoreState(saved.id()));
    assertThat(get(engine().reader().state(key, ReadContext.ANY)).document())
        .isEqualTo(saved.document());
    assertThat(thread(key)).isEmpty();
  }

  @Test
  void aCheckpointIsRestoredAsANewOne() {
    SessionKey key = newKey();
    create(key);
    Json one = Json.of("{\"n\":1,\"deep\":{\"empty\":[]}}");
    Position first = applied(key, new Write.SaveState(one)).head().position();
    applied(key, new Write.SaveState(Json.of("{\"n\":2}")));

    Outcome.Applied restored = applied(key, new Write.RestoreState(Checkpoint.idOf(first)));

    Checkpoint newest =
        new Checkpoint(restored.head().position(), restored.head().updatedAt(), one);
    assertThat(restored.head().position().version()).isEqualTo(4);
    assertThat(get(engine().reader().state(key, ReadContext.ANY)))
        .isEqualTo(new StateView(restored.head().position(), newest));
    assertThat(checkpoints(key, 10, null).checkpoints())
        .hasSize(3)
        .startsWith(CheckpointPage.Saved.of(newest));

    Outcome.Applied again = applied(key, new Write.RestoreState("latest"));
    assertThat(get(engine().reader().state(key, ReadContext.ANY)).checkpoint())
        .isEqualTo(new Checkpoint(again.head().position(), again.head().updatedAt(), one));
  }

  @Test
  void whatIsNoCheckpointIsNotFound() {
    SessionKey key = furnished();
    Position saved = position(key);
    SessionKey other = furnished();
    String elsewhere = Checkpoint.idOf(position(other));
    Position appended = applied(key, append(says("x"))).head().position();
    Everything before = everything(key);

    for (String id :
        List.of(
            "",
            "cp_",
            "newest",
            elsewhere,
            saved.toString(),
            Checkpoint.idOf(appended),
            Checkpoint.idOf(new Position(saved.version(), "aaaaaaaa")),
            Checkpoint.idOf(new Position(999_999, saved.tag())))) {
      failed(
          engine().reader().checkpoint(key, ReadContext.ANY, id), ProblemCode.CHECKPOINT_NOT_FOUND);
      refused(
          key,
          new Write.RestoreState(id),
          WritePreconditions.NONE,
          ProblemCode.CHECKPOINT_NOT_FOUND);
    }
    assertThat(everything(key)).isEqualTo(before);
  }

  @Test
  void theNewestCheckpointsAreKept() {
    SessionKey key = newKey();
    create(key);
    int bound = engine().limits().checkpoints();
    List<String> saved = new ArrayList<>();
    for (int i = 0; i < bound + 7; i++) {
      saved.addFirst(
          Checkpoint.idOf(
              applied(key, new Write.SaveState(Json.of("{\"n\":" + i + "}"))).head().position()));
    }

    assertThat(checkpointIds(key, bound * 2, null)).isEqualTo(saved.subList(0, bound));
    String dropped = saved.get(bound);
    failed(
        engine().reader().checkpoint(key, ReadContext.ANY, dropped),
        ProblemCode.CHECKPOINT_NOT_FOUND);
    refused(
        key,
        new Write.RestoreState(dropped),
        WritePreconditions.NONE,
        ProblemCode.CHECKPOINT_NOT_FOUND);
    applied(key, new Write.RestoreState(saved.get(bound - 1)));
    assertThat(get(engine().reader().state(key, ReadContext.ANY)).document())
        .isEqualTo(Json.of("{\"n\":7}"));
    assertThat(checkpointIds(key, bound * 2, null)).hasSize(bound).endsWith(saved.get(bound - 2));
  }

  @Test
  void checkpointsAreBoundInBytesButTheNewestStays() {
    SessionKey key = newKey();
    create(key);
    long bound = engine().limits().checkpointBytes();
    int piece = (int) (bound / 8);
    List<String> saved = new ArrayList<>();
    for (int i = 0; i < 11; i++) {
      saved.addFirst(
          Checkpoint.idOf(applied(key, new Write.SaveState(document(piece, i))).head().position()));
    }
    assertThat(checkpointIds(key, 50, null)).isEqualTo(saved.subList(0, 8));

    Json small = Json.of("{\"small\":1}");
    saved.addFirst(Checkpoint.idOf(applied(key, new Write.SaveState(small)).head().position()));
    assertThat(checkpointIds(key, 50, null)).isEqualTo(saved.subList(0, 8));

    Json huge = document((int) bound + 100, 1);
    Position newest = applied(key, new Write.SaveState(huge)).head().position();
    assertThat(checkpointIds(key, 50, null)).containsExactly(Checkpoint.idOf(newest));
    assertThat(get(engine().reader().state(key, ReadContext.ANY)).document()).isEqualTo(huge);

    Position after = applied(key, new Write.SaveState(small)).head().position();
    assertThat(checkpointIds(key, 50, null)).containsExactly(Checkpoint.idOf(after));
  }

  @Test
  void pagesThroughCheckpointsNewestFirst() {
    SessionKey key = newKey();
    create(key);
    List<Position> saved = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      saved.addFirst(
          applied(key, new Write.SaveState(Json.of("{\"n\":" + i + "}"))).head().position());
      applied(key, append(says("between")));
    }
    List<@Nullable String> befores = new ArrayList<>();
    befores.add(null);
    saved.forEach(position -> befores.add(Checkpoint.idOf(position)));
    for (int i = 0; i < befores.size(); i++) {
      List<String> older = saved.subList(i, saved.size()).stream().map(Checkpoint::idOf).toList();
      for (int limit = 1; limit <= saved.size() + 1; limit++) {
        CheckpointPage page = checkpoints(key, limit, befores.get(i));
        int size = Math.min(limit, older.size());
        assertThat(page.checkpoints())
            .as("limit %d before %s", limit, befores.get(i))
            .extracting(CheckpointPage.Saved::id)
            .isEqualTo(older.subList(0, size));
        assertThat(page.hasMore()).isEqualTo(size < older.size());
      }
    }
    // One that is not there: what is older than its place.
    Position between = new Position(saved.get(2).version() + 1, "aaaaaaaa");
    assertThat(checkpointIds(key, 10, Checkpoint.idOf(between)))
        .isEqualTo(saved.subList(2, 6).stream().map(Checkpoint::idOf).toList());
    assertThat(checkpointIds(key, 10, Checkpoint.idOf(new Position(1, "aaaaaaaa")))).isEmpty();
    assertThat(checkpointIds(key, 10, Checkpoint.idOf(new Position(9_999_999, "aaaaaaaa"))))
        .hasSize(6);
    failed(
        engine().reader().checkpoints(key, ReadContext.ANY, 10, "no-checkpoint"),
        ProblemCode.INVALID_CURSOR);
  }

  @Test
  void savesByManyAtOnceAreAllKeptInOrder() {
    SessionKey key = newKey();
    create(key);
    List<Outcome> outcomes =
        get(
            Flux.range(0, 40)
                .flatMap(
                    i ->
                        engine()
                            .writer()
                            .apply(
                                key,
                                new Write.SaveState(Json.of("{\"n\":" + i + "}")),
                                WritePreconditions.NONE),
                    40)
                .collectList());
    List<String> ids =
        outcomes.stream()
            .map(outcome -> assertApplied(outcome).head().position())
            .sorted((a, b) -> Long.compare(b.version(), a.version()))
            .map(Checkpoint::idOf)
            .toList();
    assertThat(checkpointIds(key, 50, null)).isEqualTo(ids);
  }

  private CheckpointPage checkpoints(SessionKey key, int limit, @Nullable String before) {
    return get(engine().reader().checkpoints(key, ReadContext.ANY, limit, before));
  }

  private List<String> checkpointIds(SessionKey key, int limit, @Nullable String before) {
    return checkpoints(key, limit, before).checkpoints().stream()
        .map(CheckpointPage.Saved::id)
        .toList();
  }

  /** Exactly this many bytes. */
  private static Json document(int bytes, int n) {
    String frame = "{\"n\":" + n % 10 + ",\"text\":\"\"}";
    return Json.of(frame.replace("\"\"", "\"" + "x".repeat(bytes - frame.length()) + "\""));
  }
}
