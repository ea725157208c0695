package io.heddle.web;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What an event stream has beside its events.
 *
 * @param retry whether it begins with the time after which a client that lost it comes back
 * @param comment sent now and then
 * @param commentEvery how often; null for what the settings say
 * @param sentAway whether a replica that stops tells the client to come back and ends the stream;
 *     otherwise the stream goes on for as long as the replica can
 */
public record StreamForm(
    boolean retry, String comment, @Nullable Duration commentEvery, boolean sentAway) {

  /** Watchers, which come back by themselves from the last event's id. */
  public static final StreamForm WATCH = new StreamForm(true, ":\n\n", null, true);

  /** Who follows a turn, and comes back in the same way. */
  public static final StreamForm FOLLOW = new StreamForm(true, ":\n", Duration.ofSeconds(5), true);

  /** Who has begun a turn and is answered so; it comes back to the turn's own events. */
  public static final StreamForm TURN = new StreamForm(false, ":\n", Duration.ofSeconds(5), true);

  /**
   * Clients of the OpenAI wire. The comment is one line without an empty one after it: a decoder of
   * theirs takes the empty line for the end of an event without data. They take a stream's orderly
   * end for the end of the answer and do not come back.
   */
  public static final StreamForm OPENAI = new StreamForm(false, ": ping\n", null, false);
}
