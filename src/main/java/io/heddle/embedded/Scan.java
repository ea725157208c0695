package io.heddle.embedded;

import java.util.NoSuchElementException;
import org.h2.mvstore.Cursor;

/** Goes over entries of a table in the order of their keys. */
final class Scan<V> {

  private final Cursor<byte[], LazyValue<V>> cursor;

  Scan(Cursor<byte[], LazyValue<V>> cursor) {
    this.cursor = cursor;
  }

  boolean hasNext() {
    return cursor.hasNext();
  }

  /** The next entry's key. */
  byte[] next() {
    byte[] key = cursor.next();
    if (key == null) {
      throw new NoSuchElementException();
    }
    return key;
  }

  /** The value of the entry that {@link #next} gave last. */
  V value() {
    LazyValue<V> cell = cursor.getValue();
    if (cell == null) {
      throw new NoSuchElementException();
    }
    return cell.value();
  }
}
