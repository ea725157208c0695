package io.heddle.session;

import io.heddle.base.Position;
import org.jspecify.annotations.Nullable;

/**
 * On what terms somebody reads.
 *
 * @param owner the user the session must belong to, or null for any; another's session is answered
 *     like one that does not exist
 * @param atLeast a position the answer must not be older than; {@code position-lost} when it is
 *     above the history, or found in it with another tag
 */
public record ReadContext(@Nullable String owner, @Nullable Position atLeast) {

  public static final ReadContext ANY = new ReadContext(null, null);
}
