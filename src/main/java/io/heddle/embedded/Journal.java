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
import org.h2.mvstore.DataUtils;
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
 * the end; it was answered to nobody, and it is where reading ends.
 *
 * <p>Rows are whole and their order is kept, so it does no harm to write some again that the tables
 * have already.
 */
final class Journal implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(Journal.class);

  private static final long MAGIC = 0x6865_6464_6c65_4a31L;
  private static final int RECORD_HEAD = 16;
  private static final int KEPT_BUFFER = 1 << 20;

  private final Path path;
  private final boolean disk;
  private final FileChannel channel;
  private final CRC32C crc = new CRC32C();
  private final int head;
  private long end;
  private long group;
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
   * @return the last group that was given back, or {@code saved}
   */
  static long recover(Path store, long id, long saved, Rows rows) throws IOException {
    Path path = of(store);
    if (!Files.exists(path)) {
      return saved;
    }
    Reader reader = new Reader(ByteBuffer.wrap(Files.readAllBytes(path)));
    if (!reader.begins(id, saved)) {
      Path aside = store.resolveSibling(store.getFileName() + ".journal.old");
      Files.move(path, aside, StandardCopyOption.REPLACE_EXISTING);
      log.warn("{} does not go on where {} ends; it is now {} and not used", path, store, aside);
      return saved;
    }
    return reader.read(saved, rows);
  }

  /** An empty one, in place of what was there before. */
  static Journal begin(Path store, long id, long saved, boolean disk) throws IOException {
    Path path = of(store);
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
      putBytes(out, table.mapName().getBytes(StandardCharsets.US_ASCII));
    }
    ByteBuffer bytes = out.getBuffer();
    bytes.flip();
    return bytes;
  }

  private static void putBytes(WriteBuffer out, byte[] bytes) {
    out.putVarInt(bytes.length).put(bytes);
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
    putBytes(next, key);
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

  /** Saves the group; when it returns the group outlives this process, or the machine. */
  void write() {
    int length = noted();
    if (length == 0) {
      return;
    }
    group++;
    ByteBuffer record = next.getBuffer();
    record.flip();
    record.putLong(8, group);
    crc.reset();
    crc.update(record.slice(8, 8 + length));
    record.putInt(0, length).putInt(4, (int) crc.getValue());
    try {
      int size = record.remaining();
      writeFully(record, end);
      end += size;
      if (disk) {
        channel.force(false);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    begin();
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

  /** What stands in a journal that was left. */
  private static final class Reader {

    private final ByteBuffer in;
    private final CRC32C crc = new CRC32C();
    private String[] tables = {};

    Reader(ByteBuffer in) {
      this.in = in;
    }

    /** Whether it belongs to the store and has no hole between the tables and its first group. */
    boolean begins(long id, long saved) {
      // Shorter than its head: the process died when it made the journal, before any answer.
      if (in.remaining() < 16) {
        return true;
      }
      if (in.getLong() != MAGIC || in.getLong() != id) {
        return false;
      }
      tables = tables();
      return !hasRecord() || in.getLong(in.position() + 8) <= saved + 1;
    }

    private String[] tables() {
      int start = in.position();
      try {
        String[] names = new String[DataUtils.readVarInt(in)];
        for (int i = 0; i < names.length; i++) {
          names[i] = new String(bytes(DataUtils.readVarInt(in)), StandardCharsets.US_ASCII);
        }
        return names;
      } catch (java.nio.BufferUnderflowException cutShort) {
        in.position(start).limit(start);
        return new String[0];
      }
    }

    private byte[] bytes(int length) {
      byte[] bytes = new byte[length];
      in.get(bytes);
      return bytes;
    }

    /** Whether a whole record stands here. */
    private boolean hasRecord() {
      if (in.remaining() < RECORD_HEAD) {
        return false;
      }
      int length = in.getInt(in.position());
      if (length <= 0 || length > in.remaining() - RECORD_HEAD) {
        return false;
      }
      crc.reset();
      crc.update(in.slice(in.position() + 8, 8 + length));
      return (int) crc.getValue() == in.getInt(in.position() + 4);
    }

    long read(long saved, Rows rows) {
      long last = saved;
      long before = -1;
      while (hasRecord()) {
        int length = in.getInt();
        in.getInt();
        long group = in.getLong();
        int end = in.position() + length;
        // Only what stands in one line is of this journal: not what the disk held there before.
        if (before >= 0 && group != before + 1) {
          break;
        }
        before = group;
        if (group > saved) {
          rows(end, rows);
          last = group;
        }
        in.position(end);
      }
      return last;
    }

    private void rows(int end, Rows rows) {
      while (in.position() < end) {
        String table = tables[DataUtils.readVarInt(in)];
        byte[] key = bytes(DataUtils.readVarInt(in));
        int length = DataUtils.readVarInt(in);
        rows.write(table, key, length == 0 ? null : bytes(length - 1));
      }
    }
  }
}
