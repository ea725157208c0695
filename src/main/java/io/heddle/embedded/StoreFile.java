package io.heddle.embedded;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.h2.mvstore.DataUtils;
import org.h2.mvstore.MVMap;
import org.h2.mvstore.MVStore;
import org.h2.mvstore.MVStoreException;
import org.h2.mvstore.RootReference;
import org.h2.mvstore.type.ByteArrayDataType;
import org.jspecify.annotations.Nullable;

/**
 * The MVStore: opened so that it only does what the writer's thread tells it.
 *
 * <p>MVStore by default commits when it likes: from a thread of its own, and in the middle of a
 * write when its buffer is full. A kill then loses what was answered, or finds half a write. Both
 * are off here, and a commit is a call that returns when the operating system has the bytes.
 */
final class StoreFile implements Rows, AutoCloseable {

  /** The number of the layout that this code writes; see {@link Codecs} for how it changes. */
  static final int LAYOUT = 2;

  /**
   * A page is written again whole when one entry of it changes: small pages write less for an
   * append, large ones read a thread in fewer steps.
   */
  private static final int PAGE_BYTES = 4 * 1024;

  private final @Nullable Path file;
  private final boolean disk;
  private final MVStore store;
  private final MVMap<byte[], ?>[] maps;

  private StoreFile(@Nullable Path file, boolean disk, MVStore store) {
    this.file = file;
    this.disk = disk;
    this.store = store;
    this.maps = openMaps(store);
  }

  static StoreFile open(EmbeddedProperties properties) {
    Path file = properties.file();
    MVStore.Builder builder = new MVStore.Builder().autoCommitDisabled().autoCommitBufferSize(0);
    if (file == null) {
      return started(new StoreFile(null, false, builder.open()));
    }
    boolean disk = properties.sync() == EmbeddedProperties.Sync.DISK;
    MVStore store;
    try {
      Path directory = file.getParent();
      if (directory != null) {
        Files.createDirectories(directory);
      }
      ChunkFile chunks = ChunkFile.open(file, disk, properties.cache(), PAGE_BYTES);
      store = builder.adoptFileStore(chunks).open();
    } catch (MVStoreException e) {
      throw e.getErrorCode() == DataUtils.ERROR_FILE_LOCKED
          ? EmbeddedFileException.inUse(file, e)
          : EmbeddedFileException.unusable(file, e);
    } catch (IOException | IllegalArgumentException e) {
      throw EmbeddedFileException.unusable(file, e);
    }
    if (store.isReadOnly()) {
      store.closeImmediately();
      throw EmbeddedFileException.unusable(file, new IOException("it is read-only"));
    }
    int layout = store.getStoreVersion();
    if (layout > LAYOUT) {
      store.closeImmediately();
      throw EmbeddedFileException.newer(file, layout, LAYOUT);
    }
    return started(new StoreFile(file, disk, store));
  }

  private static StoreFile started(StoreFile opened) {
    // Space is used again as soon as no snapshot can read it: see commit() for why that is safe.
    opened.store.setRetentionTime(0);
    opened.store.setVersionsToKeep(0);
    opened.store.setStoreVersion(LAYOUT);
    opened.commit();
    return opened;
  }

  @SuppressWarnings({"unchecked", "rawtypes"}) // Java has no arrays of generic types
  private static MVMap<byte[], ?>[] openMaps(MVStore store) {
    MVMap<byte[], ?>[] maps = new MVMap[Table.ALL.size()];
    for (Table<?> table : Table.ALL) {
      MVMap.Builder builder =
          new MVMap.Builder()
              .keyType(ByteArrayDataType.INSTANCE)
              .valueType(new Cell.Type<>(table.codec()));
      maps[table.ordinal()] = (MVMap<byte[], ?>) store.openMap(table.mapName(), builder);
    }
    return maps;
  }

  @SuppressWarnings("unchecked") // a table's map was opened with the table's codec
  <V> MVMap<byte[], Cell<V>> map(Table<V> table) {
    return (MVMap<byte[], Cell<V>>) maps[table.ordinal()];
  }

  @Override
  public <V> @Nullable V get(Table<V> table, byte[] key) {
    Cell<V> cell = map(table).get(key);
    return cell == null ? null : cell.value();
  }

  @Override
  public <V> Scan<V> scan(
      Table<V> table, byte @Nullable [] from, byte @Nullable [] to, boolean reverse) {
    return new Scan<>(map(table).cursor(from, to, reverse));
  }

  <V> void put(Table<V> table, byte[] key, V value) {
    map(table).put(key, Cell.of(table.codec(), value));
  }

  /**
   * Makes what was written since the last call outlive this process, or the machine.
   *
   * <p>MVStore writes a chunk, and its header only now and then; after a crash it finds the newest
   * chunk from the header's along a chain. With space used again at once, the chunk that the header
   * names may be overwritten before the header is written, and a chunk from long ago at the file's
   * end be taken for the newest. Taking away the mark of a clean shutdown makes it write the header
   * after this chunk, so the header's chunk is always the last one committed.
   */
  void commit() {
    if (file == null) {
      store.commit();
      return;
    }
    var header = store.getFileStore().getStoreHeader();
    header.put("clean", 1);
    try {
      store.commit();
    } finally {
      header.remove("clean");
    }
    if (disk) {
      store.sync();
    }
  }

  /** What stands in the tables now, for readers; only on the writer's thread, after a commit. */
  Snapshot snapshot() {
    RootReference<byte[], ?>[] roots = newRoots(maps.length);
    for (int i = 0; i < maps.length; i++) {
      roots[i] = maps[i].flushAndGetRoot();
    }
    return new Snapshot(store, maps, roots);
  }

  @SuppressWarnings({"unchecked", "rawtypes"}) // Java has no arrays of generic types
  private static RootReference<byte[], ?>[] newRoots(int count) {
    return new RootReference[count];
  }

  MVStore store() {
    return store;
  }

  @Nullable Path file() {
    return file;
  }

  @Override
  public void close() {
    store.close();
  }
}
