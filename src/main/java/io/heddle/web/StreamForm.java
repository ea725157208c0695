package io.heddle.web;

/**
 * What an event stream has beside its events.
 *
 * @param firstLines sent before everything else
 * @param comment sent in silence
 * @param sentAway whether a replica that stops tells the client to come back and ends the stream;
 *     otherwise the stream goes on for as long as the replica can
 */
public record StreamForm(String firstLines, String comment, boolean sentAway) {

  /** Watchers, which come back by themselves from the last event's id. */
  public static final StreamForm WATCH = new StreamForm("retry: 2000\n\n", ":\n\n", true);

  /**
   * Clients of the OpenAI wire. The comment is one line without an empty one after it: a decoder of
   * theirs takes the empty line for the end of an event without data. They take a stream's orderly
   * end for the end of the answer and do not come back.
   */
  public static final StreamForm OPENAI = new StreamForm("", ": ping\n", false);
}
