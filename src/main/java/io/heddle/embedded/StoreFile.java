package io.heddle.embedded;

import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import org.h2.mvstore.DataUtils;
import org.h2.mvstore.MVMap;
import org.h2.mvstore.MVStore;
import org.h2.mvstore.MVStoreException;
import org.h2.mvstore.RootReference;
import org.h2.mvstore.type.ByteArrayDataType;
import org.h2.mvstore.type.LongDataType;
import org.h2.mvstore.type.StringDataType;
import org.jspecify.annotations.Nullable;

/**
 * The MVStore and its journal: opened so that it only does what the writer's thread tells it.
 *
 * <p>MVStore by default commits when it likes: from a thread of its own, and in the middle of a
 * write when its buffer is full. A kill then loses what was answered, or finds half a write. Both
 * are off here. {@link #commit} returns when the operating system has the group in the journal;
 * MVStore's own commit, a checkpoint, comes when the journal or what is unsaved has grown.
 */
final class StoreFile implements Rows, AutoCloseable {

  /** The number of the layout that this code writes; see {@link Codecs} for how it changes. */
  static final int LAYOUT = 4;

  /**
   * A page is written again whole when one entry of it changes: small pages write less for an
   * append, large ones read a thread in fewer steps.
   */
  private static final int PAGE_BYTES = 4 * 1024;

  /** How far the tables may be behind: it is read again after a kill, and stands in the file. */
  private static final int JOURNAL_BYTES = 8 << 20;

  /** Of pages in RAM, which a checkpoint has to write while the writers wait. */
  private static final int UNSAVED_BYTES = 24 << 20;

  private static final String ID = "id";
  private static final String GROUP = "group";

  private final @Nullable Path file;
  private final boolean disk;
  private final MVStore store;
  private final MVMap<byte[], ?>[] maps;

  /** The store's id, and the last group of the journal that the tables have. */
  private final MVMap<String, Long> saved;

  private @Nullable Journal journal;
  private @Nullable ChunkFile chunks;

  /** What stood in the tables where the group that is being written has changed them. */
  private final List<Before<?>> before = new ArrayList<>();

  private record Before<V>(Table<V> table, byte[] key, @Nullable LazyValue<V> cell) {}

  private StoreFile(@Nullable Path file, boolean disk, MVStore store) {
    this.file = file;
    this.disk = disk;
    this.store = store;
    this.maps = openMaps(store);
    this.saved =
        store.openMap(
            "journal",
            new MVMap.Builder<String, Long>()
                .keyType(StringDataType.INSTANCE)
                .valueType(LongDataType.INSTANCE));
  }

  static StoreFile open(EmbeddedProperties properties) {
    Path file = properties.file();
    MVStore.Builder builder = new MVStore.Builder().autoCommitDisabled().autoCommitBufferSize(0);
    if (file == null) {
      return started(new StoreFile(null, false, builder.open()));
    }
    boolean disk = properties.sync() == EmbeddedProperties.Sync.DISK;
    MVStore store;
    ChunkFile chunks;
    try {
      Path directory = file.getParent();
      if (directory != null) {
        StoreFiles.makeDirectories(directory);
      }
      StoreFiles.make(file);
      chunks = ChunkFile.open(file, disk, properties.cache(), PAGE_BYTES);
      store = builder.adoptFileStore(chunks).open();
    } catch (MVStoreException e) {
      throw switch (e.getErrorCode()) {
        case DataUtils.ERROR_FILE_LOCKED -> EmbeddedFileException.inUse(file, e);
        case DataUtils.ERROR_FILE_CORRUPT,
            DataUtils.ERROR_CHUNK_NOT_FOUND,
            DataUtils.ERROR_BLOCK_NOT_FOUND,
            DataUtils.ERROR_INTERNAL ->
            EmbeddedFileException.damaged(file, e);
        default -> EmbeddedFileException.unusable(file, e);
      };
    } catch (IOException | IllegalArgumentException e) {
      throw EmbeddedFileException.unusable(file, e);
    } catch (RuntimeException e) {
      // MVStore believes what it reads, and trips over it.
      throw EmbeddedFileException.damaged(file, e);
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
    try {
      StoreFile opened = new StoreFile(file, disk, store);
      opened.chunks = chunks;
      boolean salvage = properties.onDamage() == EmbeddedProperties.OnDamage.SALVAGE;
      Long id = opened.saved.get(ID);
      if (id != null && !salvage) {
        Long group = opened.saved.get(GROUP);
        Journal.requireWhole(file, id, group == null ? 0 : group);
      }
      started(opened).recover(file, salvage);
      return opened;
    } catch (JournalDamage e) {
      store.closeImmediately();
      throw EmbeddedFileException.damagedJournal(file, Journal.of(file), e);
    } catch (IOException e) {
      store.closeImmediately();
      throw EmbeddedFileException.unusable(file, e);
    } catch (RuntimeException e) {
      store.closeImmediately();
      throw isOfTheDisk(e)
          ? EmbeddedFileException.unusable(file, e)
          : EmbeddedFileException.damaged(file, e);
    }
  }

  private static boolean isOfTheDisk(RuntimeException e) {
    return e instanceof MVStoreException store
        && store.getErrorCode() == DataUtils.ERROR_WRITING_FAILED;
  }

  /** A file of a layout before 3 is whole without a journal; 4 only added a table. */
  private static StoreFile started(StoreFile opened) {
    // Space is used again as soon as no snapshot can read it: see save() for why that is safe.
    opened.store.setRetentionTime(0);
    opened.store.setVersionsToKeep(0);
    opened.store.setStoreVersion(LAYOUT);
    opened.saved.putIfAbsent(ID, new SecureRandom().nextLong());
    opened.saved.putIfAbsent(GROUP, 0L);
    opened.save();
    return opened;
  }

  private void recover(Path path, boolean salvage) throws IOException {
    long id = savedNumber(ID);
    long before = savedNumber(GROUP);
    long last = Journal.recover(path, id, before, salvage, this::restore);
    if (last > before) {
      saved.put(GROUP, last);
      save();
    }
    journal = Journal.begin(path, id, last, disk);
  }

  private long savedNumber(String name) {
    Long number = saved.get(name);
    if (number == null) {
      throw new IllegalStateException("the store has no " + name);
    }
    return number;
  }

  private void restore(String name, byte[] key, byte @Nullable [] value) {
    for (Table<?> table : Table.ALL) {
      if (table.mapName().equals(name)) {
        restore(table, key, value);
        return;
      }
    }
    throw new IllegalStateException("the journal has rows of a table " + name);
  }

  private <V> void restore(Table<V> table, byte[] key, byte @Nullable [] value) {
    if (value == null) {
      map(table).remove(key);
    } else {
      map(table).put(key, LazyValue.stored(table.codec(), value));
    }
  }

  @SuppressWarnings({"unchecked", "rawtypes"}) // Java has no arrays of generic types
  private static MVMap<byte[], ?>[] openMaps(MVStore store) {
    MVMap<byte[], ?>[] maps = new MVMap[Table.ALL.size()];
    for (Table<?> table : Table.ALL) {
      MVMap.Builder builder =
          new MVMap.Builder()
              .keyType(ByteArrayDataType.INSTANCE)
              .valueType(new LazyValue.Type<>(table.codec()));
      maps[table.ordinal()] = (MVMap<byte[], ?>) store.openMap(table.mapName(), builder);
    }
    return maps;
  }

  @SuppressWarnings("unchecked") // a table's map was opened with the table's codec
  <V> MVMap<byte[], LazyValue<V>> map(Table<V> table) {
    return (MVMap<byte[], LazyValue<V>>) maps[table.ordinal()];
  }

  @Override
  public <V> @Nullable V get(Table<V> table, byte[] key) {
    return LazyValue.valueOf(map(table).get(key));
  }

  @Override
  public <V> Scan<V> scan(
      Table<V> table, byte @Nullable [] from, byte @Nullable [] to, boolean reverse) {
    return new Scan<>(map(table).cursor(from, to, reverse));
  }

  <V> void put(Table<V> table, byte[] key, V value) {
    LazyValue<V> cell = LazyValue.of(table.codec(), value);
    LazyValue<V> old = map(table).put(key, cell);
    if (journal != null) {
      before.add(new Before<>(table, key, old));
      journal.note(table, key, cell.bytes());
    }
  }

  <V> void remove(Table<V> table, byte[] key) {
    LazyValue<V> old = map(table).remove(key);
    if (journal != null) {
      before.add(new Before<>(table, key, old));
      journal.note(table, key, null);
    }
  }

  /** Gives the tables back what they held before the group, which the file did not take. */
  void undo() {
    for (Before<?> change : before.reversed()) {
      undo(change);
    }
    before.clear();
    if (journal != null) {
      journal.forget();
    }
  }

  private <V> void undo(Before<V> change) {
    if (change.cell() == null) {
      map(change.table()).remove(change.key());
    } else {
      map(change.table()).put(change.key(), change.cell());
    }
  }

  /**
   * Whether the journal takes as much as a usual group.
   *
   * @throws Journal.NotWritten when it does not
   */
  void probe() {
    if (journal != null) {
      journal.probe();
    }
  }

  /** What is asked whenever the file of the tables does not take what is written to it. */
  void whenStuck(ChunkFile.Patience patience) {
    if (chunks != null) {
      chunks.whenStuck(patience);
    }
  }

  /** Bytes of what was written since the last commit, as far as they are known. */
  int uncommitted() {
    return journal == null ? 0 : journal.noted();
  }

  /** Makes what was written since the last call outlive this process, or the machine. */
  void commit() {
    if (journal == null) {
      store.commit();
      return;
    }
    journal.write();
    before.clear();
  }

  /** Whether the tables are so far behind the journal that they have to catch up now. */
  boolean isFarBehind() {
    return journal != null
        && (journal.size() > JOURNAL_BYTES || store.getUnsavedMemory() > UNSAVED_BYTES);
  }

  /** Whether the tables are behind the journal. */
  boolean isBehind() {
    return journal != null && journal.size() > 0;
  }

  /** Saves the tables, with what was written since the last commit, and empties the journal. */
  void checkpoint() {
    if (journal == null) {
      store.commit();
      return;
    }
    journal.write();
    before.clear();
    saved.put(GROUP, journal.group());
    save();
    journal.clear();
  }

  /**
   * MVStore writes a chunk, and its header only now and then; after a crash it finds the newest
   * chunk from the header's along a chain. With space used again at once, the chunk that the header
   * names may be overwritten before the header is written, and a chunk from long ago at the file's
   * end be taken for the newest. Taking away the mark of a clean shutdown makes it write the header
   * after this chunk, so the header's chunk is always the last one committed.
   */
  private void save() {
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
    if (journal == null) {
      store.close();
      return;
    }
    checkpoint();
    store.close();
    journal.delete();
  }

  /** Leaves the files as they are: what was answered stands in them, and more must not. */
  void abandon() {
    if (journal != null) {
      journal.close();
    }
    store.closeImmediately();
  }
}
