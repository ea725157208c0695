package io.heddle.embedded;

import java.io.IOException;

/** A journal has damage before groups that are whole and that were answered. */
final class JournalDamage extends RuntimeException {

  private static final long serialVersionUID = 1L;

  JournalDamage(String what) {
    super(what, new IOException(what));
  }
}
