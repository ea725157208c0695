package io.heddle.embedded;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.h2.mvstore.MVStoreException;
import org.h2.mvstore.SFChunk;
import org.h2.mvstore.SingleFileStore;
import org.springframework.util.unit.DataSize;

/**
 * The file as MVStore writes it, but for when it asks the disk. MVStore does at every shrinking of
 * the file, several times a second, whatever it was told: with {@code sync} {@code process} nothing
 * waits for the disk, since the operating system has the bytes whatever becomes of this process.
 */
final class ChunkFile extends SingleFileStore {

  /** A tail that is free now is written to again soon, so a shorter one is kept. */
  private static final int SHRINK_PERCENT = 25;

  /** Whether to go on trying; asked on the thread that writes, again and again. */
  interface Patience {
    boolean again(RuntimeException why);
  }

  private final boolean disk;
  private volatile Patience patience = _ -> false;

  private ChunkFile(Map<String, Object> config, boolean disk) {
    super(config);
    this.disk = disk;
  }

  static ChunkFile open(Path file, boolean disk, DataSize cache, int pageBytes) {
    Map<String, Object> config = new HashMap<>();
    config.put("cacheSize", (int) cache.toMegabytes());
    config.put("pageSplitSize", pageBytes);
    ChunkFile opened = new ChunkFile(config, disk);
    opened.open(file.toString(), false, null);
    return opened;
  }

  void whenStuck(Patience asked) {
    patience = asked;
  }

  /**
   * A disk that is full takes it later, and the same bytes can be written again to the same place.
   * MVStore would close itself for good.
   */
  @Override
  protected void writeFully(SFChunk chunk, long pos, ByteBuffer src) {
    while (true) {
      try {
        super.writeFully(chunk, pos, src.duplicate());
        src.position(src.limit());
        return;
      } catch (MVStoreException e) {
        if (!patience.again(e)) {
          throw e;
        }
      }
    }
  }

  @Override
  public void sync() {
    if (disk) {
      super.sync();
    }
  }

  @Override
  protected void shrinkStoreIfPossible(int minPercent) {
    // 0 is what compaction and closing ask with, 1 what every commit does.
    super.shrinkStoreIfPossible(minPercent == 0 ? 0 : SHRINK_PERCENT);
  }
}
