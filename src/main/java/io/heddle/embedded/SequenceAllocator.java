package io.heddle.embedded;

/** Gives numbers to sessions and threads, from blocks that are noted in the store. */
final class SequenceAllocator {

  private static final byte[] NEXT = Keys.ascii("next");
  private static final int BLOCK = 1000;

  /** More than one piece of work takes. */
  private static final int ENOUGH = 16;

  private long next;
  private long end;

  SequenceAllocator(Rows rows) {
    Long stored = rows.get(Table.NUMBERS, NEXT);
    next = stored == null ? 1 : stored;
    end = next;
  }

  /**
   * Notes the next block when this one ends soon. Before the work and not in it: work that fails
   * writes nothing, and must not take the note with it.
   */
  void refill(StoreFile store) {
    if (end - next < ENOUGH) {
      end += BLOCK;
      store.put(Table.NUMBERS, NEXT, end);
    }
  }

  /** After a group was undone, which may have held the note of a block: none is used without it. */
  void forget(Rows rows) {
    Long stored = rows.get(Table.NUMBERS, NEXT);
    end = stored == null ? 1 : stored;
  }

  /** Skips the rest of a block when the process ends, and never gives a number twice. */
  long next() {
    if (next == end) {
      throw new IllegalStateException("one piece of work takes too many numbers");
    }
    return next++;
  }
}
