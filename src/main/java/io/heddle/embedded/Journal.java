package io.heddle.embedded;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.zip.CRC32C;
import org.h2.mvstore.WriteBuffer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What was written since the tables were last saved, in a file beside theirs. A group of writes is
 * one record, and saving it is one write of about as many bytes as its rows have; MVStore writes
 * every page again that one of them touched, twenty times as much. The tables catch up at {@link
 * StoreFile#checkpoint checkpoints}, and then the journal begins anew.
 *
 * <p>A head: magic, the store's id, the tables' names in the order of their numbers here. Then
 * records: length of the rows, CRC-32C of number and rows, number of the group, rows: number of the
 * table, key, and the value or nothing for a row that is removed. A kill may leave half a record at
 * the end; it was answered to nobody, and it is where reading ends. A record that is wrong although
 * whole ones follow it was answered: then nothing is read and nothing is written, because going on
 * would lose all that follows and the means to get it back.
 *
 * <p>Rows are whole and their order is kept, so it does no harm to write some again that the tables
 * have already.
 */
final class Journal implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(Journal.class);

  static final long MAGIC = 0x6865_6464_6c65_4a31L;
  static final int RECORD_HEAD = 16;
  private static final int KEPT_BUFFER = 1 << 20;
  private static final int PROBE_BYTES = 1 << 16;

  private final Path path;
  private final boolean disk;
  private final FileChannel channel;
  private final CRC32C crc = new CRC32C();
  private final int head;
  private long end;
  private long group;

  /** Whether something may stand behind the end that was refused. */
  private boolean torn;

  private WriteBuffer next = new WriteBuffer();

  /** Takes a row of the journal: the value's stored bytes, or null to remove it. */
  interface Rows {
    void write(String table, byte[] key, byte @Nullable [] value);
  }

  private Journal(Path path, boolean disk, FileChannel channel, long id, long group)
      throws IOException {
    this.path = path;
    this.disk = disk;
    this.channel = channel;
    this.group = group;
    ByteBuffer first = head(id);
    this.head = first.remaining();
    this.end = head;
    channel.truncate(0);
    writeFully(first, 0);
    begin();
  }

  static Path of(Path store) {
    return store.resolveSibling(store.getFileName() + ".journal");
  }

  /**
   * Gives back what the tables have not seen, if the journal is this store's and goes on where the
   * tables are. Otherwise it is put aside: the tables are an older copy then, or others, and alone
   * they are whole.
   *
   * @param id of the store
   * @param saved the last group that the tables have
   * @param salvage whether a journal with a damaged place is read up to it
   * @return the last group that was given back, or {@code saved}
   * @throws JournalDamage when it has groups that the tables do not have, and damage before them
   */
  static long recover(Path store, long id, long saved, boolean salvage, Rows rows)
      throws IOException {
    Path path = of(store);
    if (!Files.exists(path)) {
      return saved;
    }
    JournalReader reader = new JournalReader(ByteBuffer.wrap(Files.readAllBytes(path)));
    try {
      reader.requireWhole(id, saved, head(id).remaining());
    } catch (JournalDamage damage) {
      if (!salvage) {
        throw damage;
      }
      Path aside = store.resolveSibling(store.getFileName() + ".journal.damaged");
      Files.copy(path, aside, StandardCopyOption.REPLACE_EXISTING);
      log.warn(
          "{} is damaged: {}. It is read up to there, as heddle.embedded.on-damage=salvage asks;"
              + " all of it is kept as {}",
          path,
          damage.getMessage(),
          aside);
    }
    if (!reader.begins(id, saved)) {
      Path aside = store.resolveSibling(store.getFileName() + ".journal.old");
      Files.move(path, aside, StandardCopyOption.REPLACE_EXISTING);
      log.warn("{} does not go on where {} ends; it is now {} and not used", path, store, aside);
      return saved;
    }
    long last = reader.read(saved, rows);
    if (reader.endsWrong()) {
      Path aside = store.resolveSibling(store.getFileName() + ".journal.tail");
      Files.copy(path, aside, StandardCopyOption.REPLACE_EXISTING);
      log.warn(
          "The last group in {} is not as it was written: the machine stopped, or its disk failed."
              + " It is not used; the journal is kept as {}",
          path,
          aside);
    }
    return last;
  }

  /**
   * Looks at a journal that was left, before anything is written.
   *
   * @throws JournalDamage as {@link #recover} does
   */
  static void requireWhole(Path store, long id, long saved) throws IOException {
    Path path = of(store);
    if (Files.exists(path)) {
      new JournalReader(ByteBuffer.wrap(Files.readAllBytes(path)))
          .requireWhole(id, saved, head(id).remaining());
    }
  }

  /** An empty one, in place of what was there before. */
  static Journal begin(Path store, long id, long saved, boolean disk) throws IOException {
    Path path = of(store);
    StoreFiles.make(path);
    FileChannel channel =
        FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    try {
      Journal journal = new Journal(path, disk, channel, id, saved);
      if (disk) {
        channel.force(true);
      }
      return journal;
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  private static ByteBuffer head(long id) {
    WriteBuffer out = new WriteBuffer();
    out.putLong(MAGIC).putLong(id).putVarInt(Table.ALL.size());
    for (Table<?> table : Table.ALL) {
      Codecs.putBytes(out, table.mapName().getBytes(StandardCharsets.US_ASCII));
    }
    ByteBuffer bytes = out.getBuffer();
    bytes.flip();
    return bytes;
  }

  private void begin() {
    if (next.capacity() > KEPT_BUFFER) {
      next = new WriteBuffer();
    }
    next.clear();
    next.position(RECORD_HEAD);
  }

  /** Notes a row of the group that is being written. */
  void note(Table<?> table, byte[] key, byte @Nullable [] value) {
    next.putVarInt(table.ordinal());
    Codecs.putBytes(next, key);
    if (value == null) {
      next.putVarInt(0);
    } else {
      next.putVarInt(value.length + 1).put(value);
    }
  }

  /** Bytes of the group that is being written. */
  int noted() {
    return next.position() - RECORD_HEAD;
  }

  /**
   * Saves the group; when it returns the group outlives this process, or the machine.
   *
   * @throws NotWritten when nothing of it is there, and it can be given up or written again
   */
  void write() {
    int length = noted();
    if (length == 0) {
      return;
    }
    ByteBuffer record = next.getBuffer().duplicate();
    record.flip();
    record.putLong(8, group + 1);
    crc.reset();
    crc.update(record.slice(8, 8 + length));
    record.putInt(0, length).putInt(4, (int) crc.getValue());
    int size = record.remaining();
    try {
      tidy();
      torn = true;
      writeFully(record, end);
    } catch (IOException e) {
      throw notWritten(e);
    }
    try {
      if (disk) {
        channel.force(false);
      }
    } catch (IOException e) {
      // What the disk has now nobody knows, and asking it again does not help.
      throw new UncheckedIOException(e);
    }
    torn = false;
    group++;
    end += size;
    begin();
  }

  /** Takes away what a write left that failed: it was refused, and must not come back. */
  private void tidy() throws IOException {
    if (torn) {
      channel.truncate(end);
      torn = false;
    }
  }

  private NotWritten notWritten(IOException why) {
    try {
      tidy();
    } catch (IOException e) {
      why.addSuppressed(e);
    }
    return new NotWritten(why, !torn);
  }

  /** Gives up the group that is being written. */
  void forget() {
    begin();
  }

  /**
   * Whether the file takes as much as a usual group, for when nothing else is there to be written.
   *
   * @throws NotWritten when it does not
   */
  void probe() {
    try {
      tidy();
      torn = true;
      writeFully(ByteBuffer.allocate(PROBE_BYTES), end);
      tidy();
    } catch (IOException e) {
      throw notWritten(e);
    }
  }

  /** The file did not take a group. */
  static final class NotWritten extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final boolean clean;

    NotWritten(IOException why, boolean clean) {
      super(why.getMessage(), why);
      this.clean = clean;
    }

    /** Whether nothing of it is left that a restart could find. */
    boolean isClean() {
      return clean;
    }
  }

  private void writeFully(ByteBuffer bytes, long at) throws IOException {
    long to = at;
    while (bytes.hasRemaining()) {
      to += channel.write(bytes, to);
    }
  }

  /** The last group that was saved. */
  long group() {
    return group;
  }

  /** Bytes of the groups in it. */
  long size() {
    return end - head;
  }

  /** Begins anew; only when the tables are saved. */
  void clear() {
    try {
      channel.truncate(head);
      end = head;
      torn = false;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      log.warn("{} could not be closed", path, e);
    }
  }

  /** Closes it for good; only when the tables are saved. */
  void delete() {
    close();
    try {
      Files.deleteIfExists(path);
    } catch (IOException e) {
      log.warn("{} could not be removed; what is in it is in the tables too", path, e);
    }
  }
}
