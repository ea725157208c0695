package io.heddle.upstream;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Server-sent events out of bytes that come cut anywhere, inside a character too: lines are found
 * in bytes, and only a whole event is read as text. Only the data of events is of interest.
 */
final class EventLines {

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

  private static final byte[] DATA = {'d', 'a', 't', 'a'};
  private static final byte[] ERROR = {'e', 'r', 'r', 'o', 'r'};
  private static final byte[] EVENT = {'e', 'v', 'e', 'n', 't'};
  private static final byte[] ID = {'i', 'd'};
  private static final byte[] RETRY = {'r', 'e', 't', 'r', 'y'};

  /** Of what is no event stream, and may be a server's words. */
  private static final int LONGEST_STRAY = 1024;

  private final int most;
  private final Sink sink;
  private byte[] line = new byte[512];
  private int lineLength;
  private byte[] data = new byte[1024];
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
  EventLines(int most, Sink sink) {
    this.most = most;
    this.sink = sink;
  }

  /** Bytes that it keeps for lines and events that do not end. */
  int size() {
    return line.length + data.length;
  }

  /** The first line, when no line is of an event stream; null otherwise. */
  @Nullable String stray() {
    return hasField ? null : stray;
  }

  void read(byte[] bytes) {
    int from = 0;
    for (int at = 0; at < bytes.length; at++) {
      byte next = bytes[at];
      if (next == '\n' && afterReturn) {
        // The second half of a line's end.
        afterReturn = false;
        from = at + 1;
      } else {
        afterReturn = next == '\r';
        if (next == '\n' || next == '\r') {
          append(bytes, from, at);
          endLine();
          from = at + 1;
        }
      }
    }
    append(bytes, from, bytes.length);
  }

  /**
   * The bytes have ended. An event without the empty line behind it is taken too: some servers end
   * so, and one that was cut short is no JSON.
   */
  void end() {
    if (lineLength > 0) {
      endLine();
    }
    dispatch();
  }

  private void append(byte[] bytes, int from, int to) {
    int count = to - from;
    if (count == 0) {
      return;
    }
    if (count > most - lineLength - dataLength) {
      throw new TooLarge();
    }
    line = room(line, lineLength, count);
    System.arraycopy(bytes, from, line, lineLength, count);
    lineLength += count;
  }

  private void endLine() {
    int length = lineLength;
    lineLength = 0;
    int from = begun ? 0 : byteOrderMark(length);
    begun = true;
    if (length == from) {
      dispatch();
      return;
    }
    int colon = from;
    while (colon < length && line[colon] != ':') {
      colon++;
    }
    int value = colon + 1 < length && line[colon + 1] == ' ' ? colon + 2 : colon + 1;
    value = Math.min(value, length);
    if (Arrays.equals(line, from, colon, DATA, 0, DATA.length)) {
      if (isNext(value, length)) {
        dispatch();
      }
      int count = length - value;
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
      type = new String(line, value, length - value, StandardCharsets.UTF_8);
      hasField = true;
    } else if (Arrays.equals(line, from, colon, ERROR, 0, ERROR.length)) {
      hasField = true;
      alone("error", value, length);
    } else if (line[from] == '{' && line[length - 1] == '}') {
      // Some servers drop out of the form when they fail.
      alone("", from, length);
    } else if (stray == null && !hasField && colon > from && !isOther(from, colon)) {
      int shown = Math.min(length - from, LONGEST_STRAY);
      stray = new String(line, from, shown, StandardCharsets.UTF_8);
    }
  }

  /**
   * Whether data can only be of another event: some servers end events with a line and leave the
   * empty one out. No JSON goes on so behind a brace.
   */
  private boolean isNext(int from, int length) {
    return dataLength > 0
        && data[dataLength - 1] == '}'
        && from < length
        && (line[from] == '{' || line[from] == '[');
  }

  /** A line that is an event by itself. */
  private void alone(String as, int from, int length) {
    dispatch();
    sink.event(as, Arrays.copyOfRange(line, from, length), length - from);
  }

  /** Whether the line is of a field that is of no interest. */
  private boolean isOther(int from, int to) {
    return Arrays.equals(line, from, to, ID, 0, ID.length)
        || Arrays.equals(line, from, to, RETRY, 0, RETRY.length);
  }

  private int byteOrderMark(int length) {
    return length >= 3 && line[0] == (byte) 0xef && line[1] == (byte) 0xbb && line[2] == (byte) 0xbf
        ? 3
        : 0;
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
        : Arrays.copyOf(bytes, Math.max(bytes.length * 2, used + more));
  }
}
