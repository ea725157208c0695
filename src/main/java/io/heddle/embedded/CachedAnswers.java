package io.heddle.embedded;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** The rows of answers: what they take in all is noted with each write, and is bounded. */
final class CachedAnswers {

  private static final byte[] TOTAL = Keys.ascii("answerBytes");

  /** Of a row beside the body. */
  private static final int OVERHEAD = 256;

  /** Most rows that make room for one. */
  private static final int ROWS = 500;

  private CachedAnswers() {}

  static StoredRecords.@Nullable Cached find(Rows rows, byte[] key, long now) {
    StoredRecords.Cached found = rows.get(Table.ANSWERS, key);
    return found == null || found.expiresAt() <= now ? null : found;
  }

  /**
   * Keeps one in the place of another; the ones that end soonest make room.
   *
   * @param bound bytes of all
   */
  static void put(Tx tx, byte[] key, StoredRecords.Cached answer, long bound) {
    long size = size(answer);
    if (size > bound) {
      throw Problem.of(
              ProblemCode.BODY_TOO_LARGE, "All answers together may take " + bound + " bytes")
          .with("limit", bound)
          .toException();
    }
    long total = total(tx) + size;
    StoredRecords.Cached before = tx.get(Table.ANSWERS, key);
    byte[] endOfBefore = null;
    if (before != null) {
      endOfBefore = Keys.due(before.expiresAt(), key);
      tx.remove(Table.ANSWER_ENDS, endOfBefore);
      total -= size(before);
    }
    var ends = tx.scan(Table.ANSWER_ENDS, null, null, false);
    for (int left = ROWS; total > bound; left--) {
      if (left == 0 || !ends.hasNext()) {
        throw Problem.of(ProblemCode.STORE_FULL, "There is no room for the answer yet")
            .with("retryAfter", 1)
            .toException();
      }
      byte[] end = ends.next();
      if (!Arrays.equals(end, endOfBefore)) {
        total -= remove(tx, end);
      }
    }
    tx.put(Table.ANSWERS, key, answer);
    tx.put(Table.ANSWER_ENDS, Keys.due(answer.expiresAt(), key), size);
    tx.put(Table.NUMBERS, TOTAL, total);
  }

  /** Whether there was one. */
  static boolean remove(Tx tx, byte[] key, long now) {
    StoredRecords.Cached found = tx.get(Table.ANSWERS, key);
    if (found == null) {
      return false;
    }
    tx.remove(Table.ANSWERS, key);
    tx.remove(Table.ANSWER_ENDS, Keys.due(found.expiresAt(), key));
    tx.put(Table.NUMBERS, TOTAL, total(tx) - size(found));
    return found.expiresAt() > now;
  }

  /** Removes those that have ended; how many rows may still be removed after that. */
  static int sweep(Tx tx, int rows, Apart apart) {
    AtomicLong freed = new AtomicLong();
    var ended = tx.scan(Table.ANSWER_ENDS, null, Keys.number(tx.now() + 1), false);
    int left =
        apart.forEach(
            tx,
            "answers",
            ended,
            rows,
            (end, rest) -> {
              freed.addAndGet(remove(tx, end));
              return rest - 1;
            });
    if (left < rows) {
      tx.put(Table.NUMBERS, TOTAL, total(tx) - freed.get());
    }
    return left;
  }

  /** How much room that makes. */
  private static long remove(Tx tx, byte[] end) {
    Long size = tx.get(Table.ANSWER_ENDS, end);
    tx.remove(Table.ANSWERS, Keys.dueWhat(end));
    tx.remove(Table.ANSWER_ENDS, end);
    return size == null ? 0 : size;
  }

  static long total(Rows rows) {
    Long total = rows.get(Table.NUMBERS, TOTAL);
    return total == null ? 0 : total;
  }

  private static long size(StoredRecords.Cached answer) {
    return (long) OVERHEAD + answer.contentType().length() + answer.body().length;
  }
}
