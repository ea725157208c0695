package io.heddle.live;

import java.util.concurrent.atomic.LongAdder;

/** What the watching of this replica came to. */
final class LiveCounters {
  final LongAdder watches = new LongAdder();
  final LongAdder delivered = new LongAdder();
  final LongAdder gaps = new LongAdder();
  final LongAdder logReads = new LongAdder();
}
