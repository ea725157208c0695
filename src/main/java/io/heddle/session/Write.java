package io.heddle.session;

import io.heddle.base.Json;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Everything that can be written to a session. Each is one call, one change, one version; {@link
 * Build} and {@link Fill} make none, they prepare what {@link Open} publishes.
 */
public sealed interface Write {

  /**
   * Makes the session, with its first messages in the same version. Refused when the id is taken.
   * Over a session that was deleted or has expired it starts anew and goes on counting versions.
   */
  record Create(Description description, List<NewMessage> messages) implements Write {}

  /** Adds messages at the end, all in one version. Refused while the session is complete. */
  record Append(List<NewMessage> messages) implements Write {}

  /**
   * Replaces the description; the last step of a patch. The owner does not change. {@code
   * expiresAt} becomes now + the new TTL.
   */
  record Update(Description description) implements Write {}

  /** Replaces the state document and keeps it as a checkpoint. */
  record SaveState(Json document) implements Write {}

  /** Saves the document of a checkpoint again; {@code latest} is the newest. */
  record RestoreState(String checkpoint) implements Write {}

  record DeleteMessage(String message) implements Write {}

  /** Deletes every message after the given one, which stays; without one, the whole thread. */
  record Cut(@Nullable String after) implements Write {}

  /** Empties the session and leaves a tombstone. On a tombstone of a delete it changes nothing. */
  record Delete() implements Write {}

  /**
   * Ends a session whose time has come; refused as {@code version-conflict} while it has not. A
   * target left half built is removed by it, without a tombstone.
   */
  record Expire() implements Write {}

  /**
   * Takes the id for a session that is filled in steps: reads and writes take it for absent, {@link
   * Create} for taken, until {@link Open} or until 60 s have passed.
   *
   * @param build names this building; the later steps must name the same
   */
  record Build(String build, Description description) implements Write {}

  /** Adds messages to a session that is being built. */
  record Fill(String build, List<Copied> messages) implements Write {}

  /** Publishes a built session: the one version of the whole building. */
  record Open(String build) implements Write {}

  /** A message that keeps the time it was first said. */
  record Copied(NewMessage message, Instant createdAt) {}
}
