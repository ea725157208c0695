package io.heddle.embedded;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32C;
import org.h2.mvstore.DataUtils;

/** What stands in a journal that was left. */
final class JournalReader {

  private static final int MOST_TABLES = 1000;
  private static final int FEW_BITS = 8;

  private final ByteBuffer in;
  private final CRC32C crc = new CRC32C();
  private String[] tables = {};

  JournalReader(ByteBuffer in) {
    this.in = in;
  }

  /**
   * Refuses a journal with damage before something that is whole and that the tables do not have.
   * What is only cut short, by a kill or a machine that stopped, is none.
   *
   * @param headBytes of a head as this code writes it; one of before is shorter
   */
  void requireWhole(long id, long saved, int headBytes) {
    if (in.remaining() < 16) {
      return;
    }
    // Two ids have about half of their bits in common, and a damaged one nearly all.
    int wrong = Long.bitCount(in.getLong(0) ^ Journal.MAGIC);
    int other = Long.bitCount(in.getLong(8) ^ id);
    if (wrong + other > 0) {
      if (other == 0 || wrong <= FEW_BITS && other <= FEW_BITS) {
        requireNothing(0, -1, saved, "its first bytes are wrong");
      }
      return;
    }
    in.position(16);
    tables = tables();
    if (!hasKnownTables()) {
      if (in.limit() < in.capacity() && in.capacity() < headBytes) {
        in.clear();
        return;
      }
      in.clear();
      requireNothing(16, -1, saved, "its names of tables are wrong");
      return;
    }
    long last = -1;
    while (hasRecord()) {
      long group = in.getLong(in.position() + 8);
      if (last >= 0 && group != last + 1) {
        break;
      }
      last = group;
      in.position(in.position() + Journal.RECORD_HEAD + in.getInt(in.position()));
    }
    int end = in.position();
    requireNothing(end, last, saved, "the record at byte " + end + " is wrong");
    in.clear();
  }

  /** What is older than the last good record stood in the file before it began anew. */
  private void requireNothing(int from, long last, long saved, String damage) {
    in.clear();
    long next = 0;
    int found = 0;
    int at = from;
    while (at <= in.limit() - Journal.RECORD_HEAD) {
      in.position(at);
      long group = in.getLong(at + 8);
      boolean plausible = group > Math.max(last, saved) && group - saved <= in.limit();
      if (plausible && hasRecord()) {
        next = found++ == 0 ? group : next;
        at += Journal.RECORD_HEAD + in.getInt(at);
      } else {
        at++;
      }
    }
    in.clear();
    if (found > 0) {
      throw new JournalDamage(
          damage + ", and " + found + " that are whole follow it, the first one group " + next);
    }
  }

  /** Whether what stands behind the last whole record is more than the beginning of one. */
  boolean endsWrong() {
    int at = in.position();
    if (in.limit() - at < Journal.RECORD_HEAD) {
      return false;
    }
    int length = in.getInt(at);
    if (length > 0 && length <= in.limit() - at - Journal.RECORD_HEAD) {
      return !hasRecord();
    }
    // Its length alone may be what is wrong.
    crc.reset();
    crc.update(in.slice(at + 8, in.limit() - at - 8));
    return (int) crc.getValue() == in.getInt(at + 4);
  }

  /** Whether it belongs to the store and has no hole between the tables and its first group. */
  boolean begins(long id, long saved) {
    in.clear();
    // Shorter than its head: the process died when it made the journal, before any answer.
    if (in.remaining() < 16) {
      return true;
    }
    if (in.getLong() != Journal.MAGIC || in.getLong() != id) {
      return false;
    }
    tables = tables();
    return !hasRecord() || in.getLong(in.position() + 8) <= saved + 1;
  }

  private boolean hasKnownTables() {
    boolean known = tables.length > 0;
    for (String name : tables) {
      known &= Table.ALL.stream().anyMatch(table -> table.mapName().equals(name));
    }
    return known;
  }

  private String[] tables() {
    int start = in.position();
    try {
      int count = DataUtils.readVarInt(in);
      if (count < 1 || count > MOST_TABLES) {
        throw new IllegalArgumentException("not a number of tables");
      }
      String[] names = new String[count];
      for (int i = 0; i < names.length; i++) {
        names[i] = new String(bytes(DataUtils.readVarInt(in)), StandardCharsets.US_ASCII);
      }
      return names;
    } catch (BufferUnderflowException | IllegalArgumentException cutShort) {
      in.position(start).limit(start);
      return new String[0];
    }
  }

  private byte[] bytes(int length) {
    if (length < 0 || length > in.remaining()) {
      throw new BufferUnderflowException();
    }
    byte[] bytes = new byte[length];
    in.get(bytes);
    return bytes;
  }

  /** Whether a whole record stands here. */
  private boolean hasRecord() {
    if (in.remaining() < Journal.RECORD_HEAD) {
      return false;
    }
    int length = in.getInt(in.position());
    if (length <= 0 || length > in.remaining() - Journal.RECORD_HEAD) {
      return false;
    }
    crc.reset();
    crc.update(in.slice(in.position() + 8, 8 + length));
    return (int) crc.getValue() == in.getInt(in.position() + 4);
  }

  long read(long saved, Journal.Rows rows) {
    // Only when a damaged head is salvaged, or there is nothing to read.
    if (!hasKnownTables()) {
      return saved;
    }
    long last = saved;
    long before = -1;
    while (hasRecord()) {
      int length = in.getInt(in.position());
      long group = in.getLong(in.position() + 8);
      // Only what stands in one line is of this journal: not what the disk held there before.
      if (before >= 0 && group != before + 1) {
        break;
      }
      in.position(in.position() + Journal.RECORD_HEAD);
      int end = in.position() + length;
      before = group;
      if (group > saved) {
        rows(end, rows);
        last = group;
      }
      in.position(end);
    }
    return last;
  }

  private void rows(int end, Journal.Rows rows) {
    while (in.position() < end) {
      String table = tables[DataUtils.readVarInt(in)];
      byte[] key = bytes(DataUtils.readVarInt(in));
      int length = DataUtils.readVarInt(in);
      rows.write(table, key, length == 0 ? null : bytes(length - 1));
    }
  }
}
