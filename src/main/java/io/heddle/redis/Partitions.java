package io.heddle.redis;

import io.heddle.base.SessionKey;
import io.lettuce.core.cluster.SlotHash;

/**
 * The hash tag of each partition. Partition <i>n</i> has the smallest number whose slot lies in the
 * <i>n</i>th of 128 equal ranges of slots, so that a Cluster's masters get equal shares whatever
 * ranges they hold. Part of the stored layout.
 */
final class Partitions {

  private static final String[] TAGS = tags();

  private Partitions() {}

  static String tag(int partition) {
    return TAGS[partition];
  }

  private static String[] tags() {
    String[] tags = new String[SessionKey.PARTITIONS];
    int range = SlotHash.SLOT_COUNT / tags.length;
    int found = 0;
    for (int number = 0; found < tags.length; number++) {
      String tag = Integer.toString(number);
      int partition = SlotHash.getSlot(tag) / range;
      if (tags[partition] == null) {
        tags[partition] = tag;
        found++;
      }
    }
    return tags;
  }
}
