package io.heddle.openai;

import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;

/** Counts the calls that a stock client made, and those whose answer was what it should be. */
final class StockCalls {

  private final Map<String, Integer> made = new TreeMap<>();
  private int passed;

  /** Makes a call that must not fail. */
  <T> T call(String name, Callable<T> call) throws Exception {
    made.merge(name, 1, Integer::sum);
    T answer = call.call();
    passed++;
    return answer;
  }

  /** Makes a call that must fail so. */
  <E extends Throwable> E refused(String name, Class<E> type, Callable<?> call) throws Exception {
    made.merge(name + " (refused)", 1, Integer::sum);
    try {
      call.call();
    } catch (Exception e) {
      if (type.isInstance(e)) {
        passed++;
        return type.cast(e);
      }
      throw e;
    }
    throw new AssertionError(name + " was not refused");
  }

  /** For a test's output. */
  String told(String client) {
    int all = made.values().stream().mapToInt(Integer::intValue).sum();
    return client + ": calls=" + all + " passed=" + passed + " " + made;
  }

  boolean allPassed() {
    return passed == made.values().stream().mapToInt(Integer::intValue).sum();
  }
}
