package io.heddle.testing;

import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.function.BiConsumer;

/**
 * Finds the requests in the bytes that one client sends to Redis, whichever way the network has cut
 * them: arrays of bulk strings, and inline commands. Keeps the first two words of each and skips
 * the rest.
 */
final class RespRequests {
  private static final int KEPT_WORDS = 2;
  private static final int KEPT_BYTES = 256;

  private enum State {
    LINE,
    BULK
  }

  private final BiConsumer<String, String> onRequest;
  private final StringBuilder line = new StringBuilder();
  private final StringBuilder word = new StringBuilder();
  private final String[] words = new String[KEPT_WORDS];
  private State state = State.LINE;
  private long wordsOfRequest;
  private long wordsMissing;
  private long bytesMissing;

  /**
   * Every request is told once, when its last byte was seen: the command and its first argument.
   */
  RespRequests(BiConsumer<String, String> onRequest) {
    this.onRequest = onRequest;
  }

  void accept(byte[] bytes, int length) {
    for (int i = 0; i < length; i++) {
      char next = (char) (bytes[i] & 0xff);
      switch (state) {
        case LINE -> {
          if (next == '\n') {
            String whole = line.toString();
            line.setLength(0);
            endOfLine(whole.endsWith("\r") ? whole.substring(0, whole.length() - 1) : whole);
          } else {
            line.append(next);
          }
        }
        case BULK -> {
          // The two bytes that end a bulk string are counted with it and are no part of the word.
          if (bytesMissing > 2 && word.length() < KEPT_BYTES) {
            word.append(next);
          }
          if (--bytesMissing == 0) {
            endOfWord();
          }
        }
      }
    }
  }

  private void endOfLine(String whole) {
    if (wordsMissing > 0) {
      if (!whole.startsWith("$")) {
        throw new IllegalStateException("A bulk string was expected and not: " + whole);
      }
      bytesMissing = Long.parseLong(whole.substring(1)) + 2;
      state = State.BULK;
    } else if (whole.startsWith("*")) {
      wordsOfRequest = Long.parseLong(whole.substring(1));
      wordsMissing = wordsOfRequest;
    } else if (!whole.isBlank()) {
      String[] inline = whole.strip().split(" +", 3);
      report(inline[0], inline.length > 1 ? inline[1] : "");
    }
  }

  private void endOfWord() {
    int index = (int) Math.min(wordsOfRequest - wordsMissing, KEPT_WORDS);
    if (index < KEPT_WORDS) {
      words[index] =
          new String(word.toString().getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8);
    }
    word.setLength(0);
    state = State.LINE;
    if (--wordsMissing == 0) {
      report(words[0], wordsOfRequest > 1 ? words[1] : "");
    }
  }

  private void report(String command, String argument) {
    onRequest.accept(command.toUpperCase(Locale.ROOT), argument);
  }
}
