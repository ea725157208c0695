package io.heddle.embedded;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The messages that one write takes away. The ids that clients gave them go with them; those of the
 * ones that went last are noted with the places where they stood, so that a cursor goes on from
 * there. The notes are a ring, written over in turn.
 */
final class Gone {

  /** As many as the Redis engine notes. */
  static final int MOST = 256;

  private final Target target;
  private final List<String> names = new ArrayList<>();
  private final List<StoredRecords.Place> places = new ArrayList<>();

  Gone(Target target) {
    this.target = target;
  }

  void add(String name, StoredRecords.Place place) {
    names.add(name);
    places.add(place);
  }

  /** After the last one was added. */
  void note() {
    if (names.isEmpty()) {
      return;
    }
    Tx tx = target.tx();
    long thread = target.session().thread;
    long count = 0;
    for (StoredRecords.Gone noted : noted(tx, thread)) {
      count = Math.max(count, noted.count() + 1);
    }
    int from = Math.max(0, names.size() - MOST);
    for (int i = 0; i < names.size(); i++) {
      tx.remove(Table.NAMES, Keys.name(thread, names.get(i)));
      if (i >= from) {
        tx.put(
            Table.GONE,
            Keys.version(thread, count % MOST),
            new StoredRecords.Gone(names.get(i), places.get(i), count));
        count++;
      }
    }
  }

  /** Where the message of that id stood that went last, or null. */
  static StoredRecords.@Nullable Place find(Rows rows, long thread, String name) {
    StoredRecords.Gone newest = null;
    for (StoredRecords.Gone noted : noted(rows, thread)) {
      if (noted.name().equals(name) && (newest == null || noted.count() > newest.count())) {
        newest = noted;
      }
    }
    return newest == null ? null : newest.place();
  }

  private static List<StoredRecords.Gone> noted(Rows rows, long thread) {
    List<StoredRecords.Gone> noted = new ArrayList<>();
    Scan<StoredRecords.Gone> scan =
        rows.scan(Table.GONE, Keys.version(thread, 0), Keys.version(thread, MOST), false);
    while (scan.hasNext()) {
      scan.next();
      noted.add(scan.value());
    }
    return noted;
  }
}
