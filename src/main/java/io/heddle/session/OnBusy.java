package io.heddle.session;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** What becomes of a turn that is asked for while another one runs or waits. */
public enum OnBusy {
  /** It waits at the end of the queue. */
  ENQUEUE,
  /** It is refused as {@code turn-running}. */
  REJECT,
  /** The running one is asked to end, keeping its text; this one waits at the queue's head. */
  INTERRUPT,
  /** The same, but the running one's input and output are taken back out of the thread. */
  ROLLBACK;

  public String text() {
    return name().toLowerCase(Locale.ROOT);
  }

  public static @Nullable OnBusy of(String text) {
    for (OnBusy one : values()) {
      if (one.text().equals(text)) {
        return one;
      }
    }
    return null;
  }
}
