package io.heddle.session;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A page of sessions.
 *
 * @param next the cursor of the next page, or null at the end; a page may be short and have one
 */
public record SessionPage(List<Session> sessions, @Nullable String next) {}
