package io.heddle.embedded;

import java.util.Arrays;

/** What {@link Table#RUBBISH} holds: a kind, and a key in the table of that kind. */
enum GcKind {
  RETRY('r'),
  TOMBSTONE('t'),
  BUILDING('b'),
  TURN('u');

  private final byte letter;

  GcKind(char letter) {
    this.letter = (byte) letter;
  }

  byte[] due(long time, byte[] key) {
    byte[] what = new byte[key.length + 1];
    what[0] = letter;
    System.arraycopy(key, 0, what, 1, key.length);
    return Keys.due(time, what);
  }

  static GcKind kindOf(byte[] due) {
    byte letter = due[8];
    for (GcKind kind : values()) {
      if (kind.letter == letter) {
        return kind;
      }
    }
    throw new IllegalStateException("unknown rubbish " + letter);
  }

  static byte[] keyOf(byte[] due) {
    return Arrays.copyOfRange(due, 9, due.length);
  }
}
