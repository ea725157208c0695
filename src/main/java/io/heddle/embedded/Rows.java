package io.heddle.embedded;

import org.jspecify.annotations.Nullable;

/** The tables as somebody sees them: the writer as they are, a reader as they were committed. */
interface Rows {

  <V> @Nullable V get(Table<V> table, byte[] key);

  /**
   * Entries in the order of their keys, both ends included.
   *
   * @param from the first key; the highest one when reversed
   * @param to the last key; the lowest one when reversed; null for all
   */
  <V> Scan<V> scan(Table<V> table, byte @Nullable [] from, byte @Nullable [] to, boolean reverse);
}
