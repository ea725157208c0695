package io.heddle.embedded;

import io.heddle.base.Position;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.embedded.SessionRecord.Draft;
import io.heddle.json.Json;
import io.heddle.session.Change;
import io.heddle.session.Checkpoint;
import io.heddle.session.Outcome;
import io.heddle.session.StoreLimits;
import io.heddle.session.StoreProblems;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** The state document and its checkpoints. */
final class States {

  private static final String LATEST = "latest";

  private final StoreLimits limits;

  States(StoreLimits limits) {
    this.limits = limits;
  }

  Outcome save(Target target, Json document) {
    target.advance();
    Draft session = target.session();
    target
        .tx()
        .put(
            Table.CHECKPOINTS,
            Keys.version(session.number, session.version),
            new StoredRecords.Saved(session.tag, target.tx().now(), document));
    session.checkpoints++;
    session.checkpointBytes += document.length();
    trim(target.tx(), session);
    target.log(new Change.StateSaved());
    return target.applied();
  }

  Outcome restore(Target target, String id) {
    if (target.session().turn != null) {
      throw StoreProblems.turnRunning(null).toException();
    }
    Checkpoint checkpoint = find(target.tx(), target.session().number, id);
    if (checkpoint == null) {
      throw Problem.of(ProblemCode.CHECKPOINT_NOT_FOUND).toException();
    }
    return save(target, checkpoint.document());
  }

  /** The oldest go; the newest, which the tables do not show yet, never does. */
  private void trim(Tx tx, Draft session) {
    var oldest =
        tx.scan(
            Table.CHECKPOINTS, Keys.number(session.number), Keys.number(session.number + 1), false);
    while ((session.checkpoints > limits.checkpoints()
            || session.checkpointBytes > limits.checkpointBytes())
        && oldest.hasNext()) {
      tx.remove(Table.CHECKPOINTS, oldest.next());
      session.checkpoints--;
      session.checkpointBytes -= oldest.value().document().length();
    }
  }

  /** A checkpoint by its id or {@code latest}, or null. */
  static @Nullable Checkpoint find(Rows rows, long number, String id) {
    if (id.equals(LATEST)) {
      return latest(rows, number);
    }
    Position saved = Checkpoint.parseId(id);
    if (saved == null) {
      return null;
    }
    StoredRecords.Saved stored = rows.get(Table.CHECKPOINTS, Keys.version(number, saved.version()));
    return stored == null || !stored.tag().equals(saved.tag())
        ? null
        : checkpoint(saved.version(), stored);
  }

  static @Nullable Checkpoint latest(Rows rows, long number) {
    var newest =
        rows.scan(
            Table.CHECKPOINTS, Keys.version(number, Long.MAX_VALUE), Keys.number(number), true);
    return newest.hasNext() ? checkpoint(Keys.versionOf(newest.next()), newest.value()) : null;
  }

  static Checkpoint checkpoint(long version, StoredRecords.Saved stored) {
    return new Checkpoint(
        new Position(version, stored.tag()),
        Instant.ofEpochMilli(stored.time()),
        stored.document());
  }
}
