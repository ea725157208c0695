package io.heddle.testing;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.Predicate;

/**
 * Finds the pub/sub messages in the bytes that Redis sends over RESP3, whichever way the network
 * has cut them, and leaves out those it is told to leave out: whole, from one frame's border to the
 * next, so that the rest of the stream stays what it was. Everything else is passed on as it comes.
 */
final class RespPushes {
  private static final int CR_LF = 2;

  private final Predicate<TcpProxy.Push> wanted;
  private final StringBuilder line = new StringBuilder();
  private final ByteArrayOutputStream frame = new ByteArrayOutputStream();
  private final List<String> words = new ArrayList<>();
  private final ByteArrayOutputStream word = new ByteArrayOutputStream();

  /** How many elements are missing of each array that is open, outermost first. */
  private final Deque<Long> open = new ArrayDeque<>();

  private long bulk;
  private boolean push;

  /** Passes on every message of which this says true. */
  RespPushes(Predicate<TcpProxy.Push> wanted) {
    this.wanted = wanted;
  }

  /** Takes what the server sent, and gives on what may pass. */
  void pass(byte[] bytes, OutputStream out) throws IOException {
    int from = 0;
    for (int i = 0; i < bytes.length; i++) {
      boolean first = open.isEmpty() && line.isEmpty() && bulk == 0;
      if (first && bytes[i] == '>') {
        out.write(bytes, from, i - from);
        push = true;
      }
      if (push) {
        frame.write(bytes[i]);
      }
      if (take(bytes[i]) && push) {
        from = i + 1;
        push = false;
        emit(out);
      }
    }
    if (!push) {
      out.write(bytes, from, bytes.length - from);
    }
  }

  private void emit(OutputStream out) throws IOException {
    boolean message = words.size() == 3 && words.getFirst().endsWith("message");
    if (!message || wanted.test(new TcpProxy.Push(words.get(1), words.get(2)))) {
      frame.writeTo(out);
    }
    frame.reset();
    words.clear();
  }

  /** Whether this byte was the last one of a whole reply. */
  private boolean take(byte next) {
    if (bulk > 0) {
      if (push && bulk > CR_LF) {
        word.write(next);
      }
      return --bulk == 0 && endOfElement(true);
    }
    if (next != '\n') {
      line.append((char) (next & 0xff));
      return false;
    }
    String whole = line.substring(0, line.length() - 1);
    line.setLength(0);
    return endOfLine(whole);
  }

  private boolean endOfLine(String whole) {
    char type = whole.charAt(0);
    switch (type) {
      case '$', '!', '=' -> {
        long length = Long.parseLong(whole.substring(1));
        if (length >= 0) {
          bulk = length + CR_LF;
          return false;
        }
      }
      case '*', '~', '>', '%', '|' -> {
        long elements = Long.parseLong(whole.substring(1));
        // An attribute stands before the reply it is about, which is counted as its last element.
        long all = type == '%' ? 2 * elements : type == '|' ? 2 * elements + 1 : elements;
        if (all > 0) {
          open.push(all);
          return false;
        }
      }
      default -> {
        // One line is the whole element.
      }
    }
    return endOfElement(false);
  }

  private boolean endOfElement(boolean ofBulk) {
    if (push && open.size() == 1) {
      words.add(ofBulk ? word.toString(StandardCharsets.UTF_8) : "");
      word.reset();
    }
    while (!open.isEmpty()) {
      long missing = open.pop() - 1;
      if (missing > 0) {
        open.push(missing);
        return false;
      }
    }
    return true;
  }
}
