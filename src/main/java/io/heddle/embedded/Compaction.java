package io.heddle.embedded;

import java.time.Duration;
import org.h2.mvstore.FileStore;
import org.h2.mvstore.MVStore;
import org.h2.mvstore.RandomAccessStore;

/**
 * Bounds the file by what lives in it. Each commit writes a chunk; a chunk whose pages have all
 * been written again elsewhere is free at once, but one page that lives keeps a whole chunk. So
 * when the file has grown past what it should be, chunks that are mostly dead are written again,
 * and chunks at the end are moved into the holes, each time for as long as writers can wait.
 */
final class Compaction {

  /**
   * The file is left alone up to this size and twice what lives in it, and as long as writers are
   * busy up to three times this size.
   */
  static final long SLACK = 16L << 20;

  private static final int STEP_BYTES = 4 << 20;
  private static final int FULL_ENOUGH = 80;
  private static final long BUSY_NANOS = Duration.ofMillis(20).toNanos();
  private static final long IDLE_NANOS = Duration.ofMillis(200).toNanos();

  private final long slack;

  Compaction(long slack) {
    this.slack = slack;
  }

  void run(StoreFile file, boolean idle, Runnable commit) {
    MVStore store = file.store();
    FileStore<?> chunks = store.getFileStore();
    if (chunks == null) {
      return;
    }
    long end = System.nanoTime() + (idle ? IDLE_NANOS : BUSY_NANOS);
    while (isTooLarge(chunks, idle)) {
      boolean rewritten = store.compact(FULL_ENOUGH, STEP_BYTES);
      // The first commit writes the pages and ends the snapshot that still needs the old ones, and
      // only then their chunks can be dropped.
      commit.run();
      boolean moved = chunks.getFillRate() < FULL_ENOUGH && move(store, chunks);
      if (moved) {
        commit.run();
      }
      if (!rewritten && !moved || System.nanoTime() > end) {
        return;
      }
    }
  }

  private boolean isTooLarge(FileStore<?> chunks, boolean idle) {
    return chunks.size() > (idle ? slack : 3 * slack) + 2 * liveBytes(chunks);
  }

  /** About how many bytes of the file hold pages that are in use. */
  static long liveBytes(FileStore<?> chunks) {
    return chunks.size() * chunks.getFillRate() / 100 * chunks.getChunksFillRate() / 100;
  }

  /** Whether the file became shorter. */
  private static boolean move(MVStore store, FileStore<?> chunks) {
    long before = chunks.size();
    if (chunks instanceof RandomAccessStore file) {
      file.compactMoveChunks(100, STEP_BYTES, store);
    }
    return chunks.size() < before;
  }
}
