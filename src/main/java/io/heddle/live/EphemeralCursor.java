package io.heddle.live;

import io.heddle.base.Position;
import io.heddle.live.Frame.Spoken;
import org.jspecify.annotations.Nullable;

/**
 * What one watch has sent of that which no log of changes has: what the running turn says, each bit
 * once and without a hole, and who is here. Who missed some of it is given all that was said so
 * far, or those who are here now, once there is room. Confined to the outlet's loop.
 */
final class EphemeralCursor {

  private final SessionHub hub;
  private final FrameSink outlet;
  private final LiveCounters counts;

  /** The turn that was told of last, and how much of what it says. */
  private @Nullable String turn;

  private long seq;

  /** Something of what a turn says was not sent, or may not have been. */
  private boolean lagging;

  private @Nullable Frame missedPresence;

  EphemeralCursor(SessionHub hub, FrameSink outlet, LiveCounters counts) {
    this.hub = hub;
    this.outlet = outlet;
    this.counts = counts;
  }

  /** The watch has just begun. */
  void begin() {
    Frame present = hub.present();
    missedPresence = present == null ? missedPresence : present;
  }

  /** The watch begins anew with a snapshot. */
  void restart() {
    turn = null;
    seq = 0;
  }

  /** The watch is at a position and goes on with the hub; before, it may have missed anything. */
  void level(Position here) {
    lagging = true;
    makeGood(here);
  }

  /** The hub told this and it was not sent. */
  void miss(Frame frame) {
    if (frame.spoken() != null) {
      lagging = true;
    } else if (frame.type().equals(Frame.PRESENCE)) {
      missedPresence = frame;
    }
  }

  /** Sends what a turn says, if it is the next of it; whether it did. */
  boolean say(Frame frame, Spoken spoken, Position here) {
    if (take(spoken, frame.type().equals(TurnFrames.TEXT), here)) {
      outlet.write(frame);
      return true;
    }
    catchUp(here);
    return false;
  }

  private boolean take(Spoken spoken, boolean whole, Position here) {
    if (spoken.version() != here.version()) {
      // The log has told this watch of changes that its hub has not told yet.
      lagging = true;
      return false;
    }
    if (!spoken.turn().equals(turn)) {
      turn = spoken.turn();
      seq = 0;
    }
    if (spoken.seq() <= seq) {
      return false;
    }
    if (spoken.seq() > seq + 1 && !whole) {
      lagging = true;
      return false;
    }
    seq = spoken.seq();
    lagging = false;
    return true;
  }

  /** Sends what the running turn has said so far, if something of it was missed. */
  void catchUp(Position here) {
    Frame soFar = lagging && outlet.isWritable() ? hub.soFar(here) : null;
    if (soFar == null) {
      return;
    }
    lagging = false;
    Spoken spoken = soFar.spoken();
    if (spoken != null && take(spoken, true, here)) {
      send(soFar);
    }
  }

  /** Sends all that was missed, as far as there is room. */
  void makeGood(Position here) {
    catchUp(here);
    Frame missed = missedPresence;
    if (missed != null && outlet.isWritable()) {
      missedPresence = null;
      send(missed);
    }
  }

  private void send(Frame frame) {
    outlet.write(frame);
    counts.delivered.increment();
  }
}
