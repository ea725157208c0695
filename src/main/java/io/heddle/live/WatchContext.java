package io.heddle.live;

import io.heddle.base.Position;
import io.heddle.base.SessionKey;
import io.heddle.nearcache.Coherence;
import io.heddle.session.ChangeLog;
import io.heddle.session.LiveChannel;
import io.heddle.session.LiveMessage;
import io.heddle.session.PageRequest;
import io.heddle.session.ReadContext;
import io.heddle.session.SessionReader;
import io.heddle.session.ThreadPage;
import io.heddle.session.TurnLog;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * What all watched sessions of this replica share.
 *
 * @param replica names it to the others while it lives
 */
record WatchContext(
    Coherence coherence,
    ChangeLog log,
    TurnLog turns,
    SessionReader reader,
    LiveChannel channel,
    LiveProperties properties,
    LiveCounters counts,
    String replica) {

  /** Changes of one read; a read that leaves some is followed by another. */
  static final int LOG_READ = 256;

  Mono<ChangeLog.Replay> changes(SessionKey key, @Nullable String owner, Position after) {
    counts.logReads.increment();
    return log.after(key, owner, after, LOG_READ);
  }

  Mono<ThreadPage> snapshot(SessionKey key, @Nullable String owner) {
    PageRequest last = PageRequest.last(properties.snapshotMessages());
    return reader.load(key, new ReadContext(owner, null), last);
  }

  /** Nobody waits for it, and it may be lost. */
  void publish(SessionKey key, LiveMessage message) {
    channel.publish(key, message).subscribe(_ -> {}, _ -> {});
  }
}
