package io.heddle.upstream;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Server-sent events out of bytes that come cut anywhere, inside a character too: lines are found
 * in bytes, and only a whole event is read as text. Only the data of events is of interest.
 */
final class SseParser {

  /** Takes an event's data. */
  interface Sink {
    /**
     * @param type of the event, empty when it has none
     * @param data only valid during the call
     */
    void event(String type, byte[] data, int length);
  }

  /** An event is larger than it may be. */
  static final class TooLarge extends RuntimeException {
    private static final long serialVersionUID = 1L;

    TooLarge() {
      super("an event is too large", null, false, false);
    }
  }

  private static final VarHandle WORDS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
  private static final long ONES = 0x0101010101010101L;
  private static final long HIGHS = 0x8080808080808080L;
  private static final long NEWLINES = '\n' * ONES;
  private static final long RETURNS = '\r' * ONES;

  private static final byte[] NONE = {};
  private static final int SMALLEST = 512;

  private static final byte[] DATA = {'d', 'a', 't', 'a'};
  private static final byte[] ERROR = {'e', 'r', 'r', 'o', 'r'};
  private static final byte[] EVENT = {'e', 'v', 'e', 'n', 't'};
  private static final byte[] ID = {'i', 'd'};
  private static final byte[] RETRY = {'r', 'e', 't', 'r', 'y'};

  /** Of what is no event stream, and may be a server's words. */
  private static final int LONGEST_STRAY = 1024;

  private final int most;
  private final Sink sink;

  /** What a line begins with whose end has not come yet. */
  private byte[] begin = NONE;

  private int beginLength;
  private byte[] data = NONE;
  private int dataLength;
  private boolean hasData;
  private boolean afterReturn;
  private boolean begun;
  private String type = "";
  private boolean hasField;
  private @Nullable String stray;

  /**
   * @param most bytes of one event
   */
  SseParser(int most, Sink sink) {
    this.most = most;
    this.sink = sink;
  }

  /** Bytes that it keeps for lines and events that do not end. */
  int size() {
    return begin.length + data.length;
  }

  /** The first line, when no line is of an event stream; null otherwise. */
  @Nullable String stray() {
    return hasField ? null : stray;
  }

  /**
   * @param bytes are not kept
   */
  void read(byte[] bytes, int start, int stop) {
    int from = start;
    while (from < stop) {
      if (afterReturn && bytes[from] == '\n') {
        // The second half of a line's end.
        from++;
      }
      afterReturn = false;
      int end = lineEnd(bytes, from, stop);
      if (end > from && end - from > most - beginLength - dataLength) {
        throw new TooLarge();
      }
      if (end == stop) {
        append(bytes, from, end);
      } else {
        afterReturn = bytes[end] == '\r';
        if (beginLength == 0) {
          endLine(bytes, from, end);
        } else {
          append(bytes, from, end);
          endLine();
        }
      }
      from = end + 1;
    }
  }

  /** Eight bytes at a time: most of what is looked at is no end. */
  private static int lineEnd(byte[] bytes, int from, int stop) {
    int at = from;
    while (at + Long.BYTES <= stop) {
      long next = (long) WORDS.get(bytes, at);
      if ((zero(next ^ NEWLINES) | zero(next ^ RETURNS)) != 0) {
        break;
      }
      at += Long.BYTES;
    }
    while (at < stop && bytes[at] != '\n' && bytes[at] != '\r') {
      at++;
    }
    return at;
  }

  /**
   * Not 0 when a byte of the word is 0 (Hacker's Delight, 6-1). More bytes may look like one only
   * behind one that is.
   */
  private static long zero(long word) {
    return (word - ONES) & ~word & HIGHS;
  }

  /**
   * The bytes have ended. An event without the empty line behind it is taken too: some servers end
   * so, and one that was cut short is no JSON.
   */
  void end() {
    if (beginLength > 0) {
      endLine();
    }
    dispatch();
  }

  private void append(byte[] bytes, int from, int to) {
    int count = to - from;
    begin = room(begin, beginLength, count);
    System.arraycopy(bytes, from, begin, beginLength, count);
    beginLength += count;
  }

  private void endLine() {
    int length = beginLength;
    beginLength = 0;
    endLine(begin, 0, length);
  }

  private void endLine(byte[] line, int start, int end) {
    int from = begun ? start : start + byteOrderMark(line, start, end);
    begun = true;
    if (end == from) {
      dispatch();
      return;
    }
    int colon = from;
    while (colon < end && line[colon] != ':') {
      colon++;
    }
    int value = colon + 1 < end && line[colon + 1] == ' ' ? colon + 2 : colon + 1;
    value = Math.min(value, end);
    if (Arrays.equals(line, from, colon, DATA, 0, DATA.length)) {
      if (isNext(line, value, end)) {
        dispatch();
      }
      int count = end - value;
      data = room(data, dataLength, count + 1);
      if (hasData) {
        data[dataLength++] = '\n';
      }
      System.arraycopy(line, value, data, dataLength, count);
      dataLength += count;
      hasData = true;
      hasField = true;
    } else if (Arrays.equals(line, from, colon, EVENT, 0, EVENT.length)) {
      if (hasData && !type.isEmpty()) {
        dispatch();
      }
      type = new String(line, value, end - value, StandardCharsets.UTF_8);
      hasField = true;
    } else if (Arrays.equals(line, from, colon, ERROR, 0, ERROR.length)) {
      hasField = true;
      alone("error", line, value, end);
    } else if (line[from] == '{' && line[end - 1] == '}') {
      // Some servers drop out of the form when they fail.
      alone("", line, from, end);
    } else if (stray == null && !hasField && colon > from && !isOther(line, from, colon)) {
      int shown = Math.min(end - from, LONGEST_STRAY);
      stray = new String(line, from, shown, StandardCharsets.UTF_8);
    }
  }

  /**
   * Whether data can only be of another event: some servers end events with a line and leave the
   * empty one out. No JSON goes on so behind a brace.
   */
  private boolean isNext(byte[] line, int from, int length) {
    return dataLength > 0
        && data[dataLength - 1] == '}'
        && from < length
        && (line[from] == '{' || line[from] == '[');
  }

  /** A line that is an event by itself. */
  private void alone(String as, byte[] line, int from, int length) {
    dispatch();
    sink.event(as, Arrays.copyOfRange(line, from, length), length - from);
  }

  /** Whether the line is of a field that is of no interest. */
  private static boolean isOther(byte[] line, int from, int to) {
    return Arrays.equals(line, from, to, ID, 0, ID.length)
        || Arrays.equals(line, from, to, RETRY, 0, RETRY.length);
  }

  private static int byteOrderMark(byte[] line, int at, int end) {
    boolean marked =
        end - at >= 3
            && line[at] == (byte) 0xef
            && line[at + 1] == (byte) 0xbb
            && line[at + 2] == (byte) 0xbf;
    return marked ? 3 : 0;
  }

  private void dispatch() {
    if (hasData) {
      int length = dataLength;
      String name = type;
      hasData = false;
      dataLength = 0;
      type = "";
      sink.event(name, data, length);
    } else {
      type = "";
    }
  }

  private static byte[] room(byte[] bytes, int used, int more) {
    return bytes.length - used >= more
        ? bytes
        : Arrays.copyOf(bytes, Math.max(SMALLEST, Math.max(bytes.length * 2, used + more)));
  }
}
